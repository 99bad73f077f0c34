import type { Stage, StageRef } from '../../core/api-gateway.js';
import { AppError } from '../../core/errors.js';
import { dueAt } from '../../core/expiry.js';
import type { RotationEvent, RotationWarning } from '../../core/rotation/event.js';
import type { Progress, Situation, StoreView } from '../../core/rotation/next-step.js';
import type { RotationOutcome, RotationRecord, RotationStep } from '../../core/rotation/record.js';
import { JOURNAL_VERSION } from '../../core/rotation/record.js';
import { stageText, type RotationCertificate, type TrustableCertificate } from '../../core/rotation/unit.js';
import type { TrustStore } from '../../trust/trust-store.js';
import { trustedCertificate } from '../../x509/certificate.js';
import { allStages } from '../stages.js';
import { observeCertificates, observeStores, viewAccount, type AccountView } from './observe.js';
import type { RotationDeps, RotationRequest } from './ports.js';

/** One rotation under way: what it was asked, what it last saw, and what it did. */
export interface Run {
  readonly deps: RotationDeps;
  readonly request: RotationRequest;
  readonly rotationId: string;
  readonly oldId: string;
  /** The stage that the rotation was asked for. */
  readonly target: StageRef;
  /** With `--only-stage`: the target moves alone. */
  readonly onlyTarget: boolean;
  certificates: readonly RotationCertificate[];
  stages: readonly Stage[];
  /** The certificate that this very run made. */
  generatedId?: string;
  progress: Progress;
  /** Whether this very run has moved a stage: what fails then, fails by its doing. */
  hasSwitched: boolean;
  /** What the deployments of stages are described as, by their ids; asked for with `--redeploy always` only. */
  readonly deployments: Map<string, string>;
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
  return viewAccount(run, run.certificates, run.stages);
}

/** What the trust stores hold. A look may cost an ssh a host, so it lasts until something may have changed. */
export async function lookAtStores(run: Run): Promise<readonly StoreView[]> {
  const { unit, moving } = account(run);
  run.stores ??= await observeStores(await run.deps.stores(moving), unit, run.records);
  return run.stores;
}

/** Asks AWS and the trust stores anew for everything. */
export async function lookAgain(run: Run): Promise<void> {
  const { gateway } = run.deps;
  gateway.forget();
  const [certificates, { stages }] = await Promise.all([observeCertificates(gateway), allStages(gateway)]);
  run.certificates = certificates;
  run.stages = stages;
  delete run.stores;
}

/** All that the next step depends on; looks at the trust stores, not at AWS. */
export async function situation(run: Run): Promise<Situation> {
  const view = account(run);
  const now = run.deps.now();
  const switchedAt = movedAt(run, view, now);
  const { settings } = run.request;
  return {
    now,
    ...view,
    stores: await lookAtStores(run),
    deleted: deletedCertificates(run),
    switchedAt,
    redeployed: await redeployedStages(run, view),
    progress: run.progress,
    settings: { ...settings, keepOld: keepOld(run, view, switchedAt) },
  };
}

/**
 * When the last stage was moved. A time that is yet to come, of a clock that was wrong then or is wrong now, counts as
 * now: it must not make the rotation wait for longer than it is to wait, nor soak twice.
 */
function movedAt(run: Run, { moving }: AccountView, now: Date): Date {
  const moved = lastMove(run, moving) ?? startedAt(run) ?? now;
  if (moved <= now) return moved;
  const { records } = run;
  const move = records.findLastIndex((entry) => 'step' in entry && MOVES.has(entry.step));
  const soaked = records.slice(move + 1).some((entry) => entry.type === 'done' && entry.step === 'soak');
  return soaked ? new Date(now.getTime() - run.request.settings.soak) : now;
}

/**
 * How long the old certificate is kept, in milliseconds from the last move: as this run is told, or else an earlier one.
 * `--force` ends it, and so does the day on which the new one is due itself.
 */
function keepOld({ records, request }: Run, { unit }: AccountView, switchedAt: Date): number {
  const { settings } = request;
  const promised = records.findLast((entry) => entry.type === 'kept');
  const since = (until: Date): number => Math.max(0, until.getTime() - switchedAt.getTime());
  const wanted = settings.keepOld ?? (promised ? since(new Date(promised.until)) : 0);
  if (settings.force) return 0;
  return unit.next ? Math.min(wanted, since(dueAt(unit.next.trusted, settings.renewBefore))) : wanted;
}

const MOVES: ReadonlySet<RotationStep> = new Set<RotationStep>(['switch', 'redeploy', 'rollBack']);

/**
 * When what a stage presents was last changed: by the journal, or when that does not know the end of the last
 * change by AWS's date of the stages' last update. It is never too early.
 */
export function lastMove({ records }: Pick<Run, 'records'>, moving: readonly Stage[]): Date | undefined {
  const last = records.findLast((entry) => 'step' in entry && MOVES.has(entry.step));
  if (last?.type === 'done') return new Date(last.at);
  const changes = moving.flatMap(({ lastUpdatedDate }) => lastUpdatedDate?.getTime() ?? []);
  // AWS tells whole seconds.
  return changes.length > 0 ? new Date(Math.max(...changes) + 1_000) : undefined;
}

function startedAt({ records: [first] }: Run): Date | undefined {
  return first && new Date(first.at);
}

/** Certificates that the journal knows of this rotation and the account no longer has. */
export function deletedCertificates({ records, certificates }: Run): TrustableCertificate[] {
  const existing = new Set(certificates.map(({ clientCertificateId }) => clientCertificateId));
  const known = new Map(
    records.flatMap((entry) =>
      entry.type === 'certificate' ? [[entry.clientCertificateId, entry.pem]] : [],
    ),
  );
  return [...known]
    .filter(([id]) => !existing.has(id))
    .map(([id, pem]) => ({ clientCertificateId: id, trusted: trustedCertificate(pem, id) }));
}

/** Writes the rotation's certificates into the journal before any trust store learns of them. */
export async function rememberCertificates(run: Run): Promise<void> {
  const { old, next, spares } = account(run).unit;
  for (const { clientCertificateId, trusted } of [old, next, ...spares].filter((one) => one !== undefined)) {
    const isKnown = run.records.some(
      (entry) => entry.type === 'certificate' && entry.clientCertificateId === clientCertificateId,
    );
    if (isKnown) continue;
    const at = run.deps.now().toISOString();
    await record(run, { type: 'certificate', at, clientCertificateId, pem: trusted.pem });
  }
}

/** How a deployment of ours is described: the memory of it that survives the loss of the journal. */
export function deploymentText(clientCertificateId: string): string {
  return `apigw-cert: client certificate ${clientCertificateId}`;
}

/** The stages that were deployed since they present the new certificate, as far as that is asked for at all. */
async function redeployedStages(run: Run, { unit: { next }, moving }: AccountView): Promise<string[]> {
  if (run.request.settings.redeploy === 'never' || !next) return [];
  const id = next.clientCertificateId;
  const deployed: string[] = [];
  for (const stage of moving.filter(({ clientCertificateId }) => clientCertificateId === id)) {
    const text =
      run.deployments.get(stage.deploymentId) ??
      (await run.deps.gateway.getDeployment(stage.restApiId, stage.deploymentId)).description;
    run.deployments.set(stage.deploymentId, text);
    if (text === deploymentText(id)) deployed.push(stageText(stage));
  }
  return deployed;
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

/** Begins the journal, or goes on with the one whose records were read. */
export async function openJournal(run: Run): Promise<void> {
  const { unit, moving } = account(run);
  const resumed = unit.next !== undefined || run.records.length > 0;
  if (run.records.length === 0) {
    await record(run, {
      type: 'started',
      version: JOURNAL_VERSION,
      at: run.deps.now().toISOString(),
      rotationId: run.rotationId,
      region: run.deps.gateway.region,
      oldCertificateId: run.oldId,
      stages: moving.map(({ restApiId, stageName }) => ({ restApiId, stageName })),
      ...(resumed ? { foundUnderWay: true } : {}),
      ...(run.request.target === undefined ? {} : { target: run.request.target }),
    });
    delete run.stores;
    if (resumed)
      warn(
        run,
        'JournalLost',
        'the journal of this rotation is gone; going on from what AWS and the trust stores hold',
      );
  }
  await rememberCertificates(run);
  tell(run, { type: 'started', oldCertificateId: run.oldId, stages: moving.map(stageText), resumed });
}

/** Throws when the run was asked to stop, or has lost its lock. Called where nothing is half-done. */
export function stopIfAsked({ deps: { signal } }: Run): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof AppError) throw signal.reason;
  throw new AppError('Interrupted', 'the rotation was interrupted', {
    hint: 'run the same command again: it goes on from where it is',
  });
}

/** Node's timers hold 24 days at most, and a sleeping machine's come late. Milliseconds. */
const LONGEST_PAUSE = 3_600_000;

/** Waits, for an hour at most, unless the run is asked to stop. */
export async function pause(run: Run, ms: number): Promise<void> {
  try {
    await run.deps.sleep(Math.min(ms, LONGEST_PAUSE), run.deps.signal);
  } catch (error) {
    stopIfAsked(run);
    throw error;
  }
}

/** Waits until that time, unless the run is asked to stop. */
export async function waitUntil(run: Run, until: Date): Promise<void> {
  for (;;) {
    stopIfAsked(run);
    const left = until.getTime() - run.deps.now().getTime();
    if (left <= 0) return;
    await pause(run, left);
  }
}

/** What a step can say of itself in the journal. */
export type Evidence = Record<string, unknown>;

/**
 * Does one thing with an intent before and a result after it in the journal, so that a run that finds an intent
 * alone knows that it has to look. A signal does not cut it short.
 *
 * @param intent what a later run has to know that finds the intent alone
 */
export async function step<T>(
  run: Run,
  name: RotationStep,
  subject: string | undefined,
  effect: () => Promise<{ value: T; evidence?: Evidence }>,
  intent: Evidence = {},
): Promise<T> {
  const { now } = run.deps;
  const about = subject === undefined ? {} : { subject };
  await run.deps.assertHeld();
  tell(run, { type: 'stepStarted', step: name, ...about });
  await record(run, {
    type: 'intent',
    at: now().toISOString(),
    step: name,
    ...about,
    ...(Object.keys(intent).length === 0 ? {} : { evidence: intent }),
  });
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
export async function storeNamed(run: Run, name: string): Promise<TrustStore> {
  const store = (await run.deps.stores(account(run).moving)).find((candidate) => candidate.name === name);
  if (!store) throw new Error(`no trust store is named ${name}`);
  return store;
}
