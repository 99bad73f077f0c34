import type { Stage, StageRef } from '../../core/api-gateway.js';
import { AppError } from '../../core/errors.js';
import type { RotationEvent, RotationWarning } from '../../core/rotation/event.js';
import type { Progress, Situation, StoreView } from '../../core/rotation/next-step.js';
import type { RotationOutcome, RotationRecord, RotationStep } from '../../core/rotation/record.js';
import { JOURNAL_VERSION } from '../../core/rotation/record.js';
import { stageText, type RotationCertificate } from '../../core/rotation/unit.js';
import type { TrustStore } from '../../trust/trust-store.js';
import { observeStores, viewAccount, type AccountView } from './observe.js';
import type { RotationDeps, RotationRequest } from './ports.js';

/** One rotation under way: what it was asked, what it last saw, and what it did. */
export interface Run {
  readonly deps: RotationDeps;
  readonly request: RotationRequest;
  readonly rotationId: string;
  readonly oldId: string;
  /** With `--only-stage`: the one stage that moves. */
  readonly only: StageRef | undefined;
  certificates: readonly RotationCertificate[];
  stages: readonly Stage[];
  /** The certificate that this very run made. */
  generatedId?: string;
  progress: Progress;
  /** What the trust stores held at the last look; absent when it is time to look again. */
  stores?: readonly StoreView[];
  records: RotationRecord[];
  warnings: { code: RotationWarning; message: string }[];
}

export const NOTHING_PROVED: Progress = {
  proved: false,
  checked: false,
  verified: false,
  recounted: false,
  confirmed: false,
};

/** What the account showed at the last look. */
export function account(run: Run): AccountView {
  return viewAccount(run.oldId, run.certificates, run.stages, run.only);
}

/** What the trust stores hold. A look may cost an ssh a host, so it lasts until something may have changed. */
export async function lookAtStores(run: Run): Promise<readonly StoreView[]> {
  run.stores ??= await observeStores(await run.deps.stores(), account(run).unit.old, run.records);
  return run.stores;
}

/** All that the next step depends on; looks at the trust stores, not at AWS. */
export async function situation(run: Run): Promise<Situation> {
  const view = account(run);
  const switchedAt = lastSwitch(run, view.moving);
  return {
    now: run.deps.now(),
    ...view,
    stores: await lookAtStores(run),
    ...(switchedAt ? { switchedAt } : {}),
    progress: run.progress,
    settings: run.request.settings,
  };
}

/** When a stage was last moved: by the journal, or when that is lost by AWS's date of the stages' last change. */
function lastSwitch({ records }: Run, moving: readonly Stage[]): Date | undefined {
  const last = lastDone(records, 'switch');
  return last ?? lastChange(moving);
}

/** When a step of that name was last done, by the journal. */
export function lastDone(records: readonly RotationRecord[], name: RotationStep): Date | undefined {
  const done = records.findLast((entry) => entry.type === 'done' && entry.step === name);
  return done ? new Date(done.at) : undefined;
}

/** AWS's date of the last change of any of the stages. */
export function lastChange(stages: readonly Stage[]): Date | undefined {
  const changes = stages.flatMap(({ lastUpdatedDate }) => lastUpdatedDate?.getTime() ?? []);
  return changes.length > 0 ? new Date(Math.max(...changes)) : undefined;
}

type Happening = RotationEvent extends infer E
  ? E extends RotationEvent
    ? Omit<E, 'at' | 'rotationId'>
    : never
  : never;

/** Tells whoever listens. */
export function tell({ deps, rotationId }: Run, happening: Happening): void {
  deps.emit({ at: deps.now().toISOString(), rotationId, ...happening });
}

/** Tells of something that stops nothing, and keeps it for the report. */
export function warn(run: Run, code: RotationWarning, message: string): void {
  run.warnings.push({ code, message });
  tell(run, { type: 'warning', code, message });
}

/** Writes a record; throws when it cannot be written, and then nothing more must happen. */
export async function record(run: Run, entry: RotationRecord): Promise<void> {
  await run.deps.journal.append(run.rotationId, entry);
  run.records.push(entry);
}

/** Begins the journal, or goes on with the one that is there. */
export async function openJournal(run: Run, stages: readonly Stage[]): Promise<void> {
  run.records = await run.deps.journal.open(run.rotationId);
  const resumed = account(run).unit.next !== undefined || run.records.length > 0;
  if (run.records.length === 0) {
    await record(run, {
      type: 'started',
      version: JOURNAL_VERSION,
      at: run.deps.now().toISOString(),
      rotationId: run.rotationId,
      region: run.deps.gateway.region,
      oldCertificateId: run.oldId,
      stages: stages.map(({ restApiId, stageName }) => ({ restApiId, stageName })),
      ...(run.request.target === undefined ? {} : { target: run.request.target }),
    });
    if (resumed)
      warn(
        run,
        'JournalLost',
        'the journal of this rotation is gone; going on from what AWS and the trust stores hold',
      );
  }
  tell(run, { type: 'started', oldCertificateId: run.oldId, stages: stages.map(stageText), resumed });
}

/** Throws when the run was asked to stop, or has lost its lock. Called where nothing is half-done. */
export function stopIfAsked({ deps: { signal } }: Run): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof AppError) throw signal.reason;
  throw new AppError('Interrupted', 'the rotation was interrupted', {
    hint: 'run the same command again: it goes on from where it is',
  });
}

/** Waits, unless the run is asked to stop. */
export async function pause(run: Run, ms: number): Promise<void> {
  try {
    await run.deps.sleep(ms, run.deps.signal);
  } catch (error) {
    stopIfAsked(run);
    throw error;
  }
}

/** What a step can say of itself in the journal. */
export type Evidence = Record<string, unknown>;

/**
 * Does one thing with an intent before and a result after it in the journal, so that a run that finds an intent
 * alone knows that it has to look. A signal does not cut it short.
 */
export async function step<T>(
  run: Run,
  name: RotationStep,
  subject: string | undefined,
  effect: () => Promise<{ value: T; evidence?: Evidence }>,
): Promise<T> {
  const { now } = run.deps;
  const about = subject === undefined ? {} : { subject };
  await run.deps.assertHeld();
  tell(run, { type: 'stepStarted', step: name, ...about });
  await record(run, { type: 'intent', at: now().toISOString(), step: name, ...about });
  const started = now().getTime();
  let result: { value: T; evidence?: Evidence };
  try {
    result = await effect();
  } catch (error) {
    const code = error instanceof AppError ? error.code : 'Internal';
    const message = error instanceof Error ? error.message : String(error);
    tell(run, { type: 'stepFailed', step: name, ...about, code, message });
    await record(run, { type: 'failed', at: now().toISOString(), step: name, ...about, code, message });
    throw error;
  }
  const { value, evidence = {} } = result;
  const ms = now().getTime() - started;
  await record(run, { type: 'done', at: now().toISOString(), step: name, ...about, evidence, ms });
  tell(run, { type: 'stepDone', step: name, ...about, ms, evidence });
  return value;
}

/** Ends the journal. */
export async function end(run: Run, outcome: RotationOutcome): Promise<void> {
  await record(run, { type: 'ended', at: run.deps.now().toISOString(), outcome });
  tell(run, { type: 'ended', outcome });
}

/** The trust store of that name. */
export async function storeNamed({ deps }: Run, name: string): Promise<TrustStore> {
  const store = (await deps.stores()).find((candidate) => candidate.name === name);
  if (!store) throw new Error(`no trust store is named ${name}`);
  return store;
}
