import type { CallerName } from '../../certificates/caller-name.js';
import type { NamedBy } from '../../control-plane/acm-authority.js';
import type { Certificate } from '../../control-plane/certificate.js';
import type { Stage, StageRef } from '../../control-plane/api-gateway.js';
import { AppError } from '../../platform/errors.js';
import { apiNamesOf, namedStage, type ApiNames, type NamedStage } from '../../control-plane/named-stage.js';
import type { BackendCall } from '../rules/calls.js';
import type { RotationEvent, RotationWarning } from '../rules/event.js';
import type { Goal, Progress, StoreView, TrustedElsewhere } from '../rules/next-step.js';
import type { ProbeChoice } from '../rules/probe.js';
import { journalEvidence, type StepEvidence } from '../rules/proof.js';
import type { RotationOutcome, RotationRecord, RotationStep } from '../rules/record.js';
import { JOURNAL_VERSION } from '../rules/record.js';
import { otherMakerOf } from '../rules/unit.js';
import { callerFields } from '../journal/same-caller.js';
import type { Published } from '../../publications/publication.js';
import type { TrustStore } from '../../trust/trust-store.js';
import type { AcmReading } from './acm.js';
import { pruneOwnJournals } from '../journal/prune-journals.js';
import { viewAccount, type AccountView } from './observe.js';
import type { RotationDeps, RotationRequest } from './ports.js';

/** What a publication was seen to hold, or why that is not known. */
export type PublicationSight = Published | { state: 'unreadable'; error: AppError };

/** What is trusted for others, and stays so. */
export interface OtherNeed {
  /** By `trustKey`; absent where that cannot be determined, so that it may be anything. */
  key?: string;
  /** What needs it, for messages. */
  what: string;
}

/** One rotation in progress: what it was asked, what it last saw, and what it did. */
export interface Run {
  readonly deps: RotationDeps;
  readonly request: RotationRequest;
  readonly rotationId: string;
  readonly oldId: string;
  /** The stage that the rotation was asked for. */
  readonly target: StageRef;
  /** With `--only-stage`: the target moves alone. */
  readonly onlyTarget: boolean;
  /** When this run began, by its own clock. */
  readonly since: Date;
  goal: Goal;
  certificates: readonly Certificate[];
  /** By what backends tell certificates of ACM apart, as far as the trust stores can. */
  namedBy: NamedBy;
  /** What must stay trusted for certificates of ACM that are none of this rotation. */
  trustedElsewhere: readonly OtherNeed[];
  /** Whether AWS makes test calls with the ARN of a certificate of ACM; absent: not tried yet. */
  takesArn?: boolean;
  /** The last good answer of the stage's own URL, and the requests that it took. */
  urlAnswer?: { status: number; tried: number };
  /** The ARN of the certificate that was imported, or found to be in ACM already. */
  importedArn?: string;
  /** The value of the parameter of the stack that switches the stages, when it was last looked at. */
  parameterValue?: string;
  stages: readonly Stage[];
  /** Ids of the APIs that the last look at the whole account showed, by kind and id. */
  apis: ReadonlySet<string>;
  /** Of all APIs that were seen. */
  apiNames: ApiNames;
  /**
   * When the last look at the whole account began and ended, and how long one at the trust stores, and at what else needs
   * them, took after it, in milliseconds; absent before the first.
   */
  look?: { begun: Date; ended: Date; storesTook: number };
  /** When this run last sent a write to AWS. */
  wroteAt?: Date;
  /** The certificate that this very run made. */
  generatedId?: string | undefined;
  /** When this run last looked whether a switch may follow. */
  check?: { begun: Date; ended: Date };
  /** The certificate that this very run made or took, and when: until AWS has shown it once, lists may come late. */
  made?: { certificate: Certificate; at: Date; isSeen: boolean };
  /** The new certificate that this run has been rotating to: where there is none any more, others took it back. */
  nextId?: string;
  /** Ids of certificates that are deleted: by this run, or by AWS's own word on the very id. */
  readonly gone: Set<string>;
  /** Those of them that this run deleted: a list that still shows one is stale. */
  readonly deletedHere: Set<string>;
  progress: Progress;
  /** Whether a person has approved the switch, where one has to. */
  isApproved: boolean;
  /** Whether this very run has moved a stage, or may have: what fails then, fails by its doing. */
  hasSwitched: boolean;
  /** What the deployments of stages are described as, by their ids; asked for with `--redeploy always` only. */
  readonly deployments: Map<string, string>;
  /**
   * What was taken out of a store whose server did not take that over, as `name fingerprint`: it is not tried again by
   * this run.
   */
  readonly notLive: Set<string>;
  /** What the publications held at the last look, by their names. */
  readonly published: Map<string, PublicationSight>;
  /** What the trust stores held at the last look; absent when it is time to look again. */
  stores?: readonly StoreView[];
  records: RotationRecord[];
  /**
   * How the backends of a stage can be asked, by the stage as it was seen: each step depends on it, and a step of
   * thousands of stages changes few. What it is chosen from, the control plane remembers.
   */
  readonly choices: WeakMap<Stage, ProbeChoice>;
  /** The calls to backends that were announced. */
  calls: readonly BackendCall[];
  warnings: { code: RotationWarning; message: string }[];
}

export const NOTHING_PROVED: Progress = { checked: false, recounted: false, confirmed: false };

type Begun = Pick<
  Run,
  'deps' | 'request' | 'rotationId' | 'oldId' | 'target' | 'onlyTarget' | 'since' | 'certificates' | 'stages'
>;

/** A run that has done nothing yet. */
export const newRun = (begun: Begun): Run => ({
  ...begun,
  goal: 'rotate',
  namedBy: 'subject',
  trustedElsewhere: [],
  apis: new Set(),
  apiNames: apiNamesOf(begun.deps.apis),
  gone: new Set(),
  deletedHere: new Set(),
  notLive: new Set(),
  published: new Map(),
  progress: NOTHING_PROVED,
  isApproved: false,
  hasSwitched: false,
  deployments: new Map(),
  records: [],
  choices: new WeakMap(),
  calls: [],
  warnings: [],
});

/** A stage as reports and events have it. */
export const named = ({ apiNames }: Run, stage: StageRef): NamedStage => namedStage(stage, apiNames);

/** What the account showed at the last look. */
export function account(run: Run): AccountView {
  return viewAccount(run, run.certificates, run.stages);
}

/** Writes the rotation's certificates into the journal before any trust store learns of them. */
export async function rememberCertificates(run: Run): Promise<void> {
  const { old, next, spares } = account(run).unit;
  for (const certificate of [old, next, ...spares].filter((one) => one !== undefined)) {
    const { clientCertificateId, trusted, authority } = certificate;
    const isKnown = run.records.some(
      (entry) => entry.type === 'certificate' && entry.clientCertificateId === clientCertificateId,
    );
    if (isKnown) continue;
    const at = run.deps.now().toISOString();
    const madeBy = otherMakerOf(certificate, run);
    await record(run, {
      type: 'certificate',
      at,
      clientCertificateId,
      pem: trusted.pem,
      ...(authority ? { authority: { ...nameOf(authority), pem: authority.ca.pem } } : {}),
      ...(madeBy === undefined ? {} : { madeBy }),
    });
  }
}

const nameOf = ({ subject, san }: CallerName): CallerName => ({
  ...(subject === undefined ? {} : { subject }),
  ...(san === undefined ? {} : { san }),
});

/** What is trusted for others, as the rules have it. */
export function trustedElsewhere({
  trustedElsewhere: needs,
}: Pick<Run, 'trustedElsewhere'>): TrustedElsewhere {
  const keys = needs.flatMap(({ key }) => key ?? []);
  return keys.length === needs.length ? keys : 'unknown';
}

/** How certificates of ACM are read for a run. */
export const acmReading = ({
  deps,
  request,
  namedBy,
}: Pick<Run, 'deps' | 'request' | 'namedBy'>): AcmReading => ({
  controlPlane: deps.controlPlane,
  namedBy,
  roots: request.roots ?? '',
});

/** How a deployment of ours is described: the memory of it that survives the loss of the journal. */
export function deploymentText(clientCertificateId: string): string {
  return `apigw-cert: client certificate ${clientCertificateId}`;
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

/** A warning that is made once a run. */
export function warnOnce(run: Run, code: RotationWarning, message: string): void {
  if (!run.warnings.some((known) => known.code === code && known.message === message))
    warn(run, code, message);
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
    const { journal, controlPlane, now } = run.deps;
    const caller = await controlPlane.caller();
    await record(run, {
      type: 'started',
      version: JOURNAL_VERSION,
      at: now().toISOString(),
      rotationId: run.rotationId,
      ...callerFields(caller),
      oldCertificateId: run.oldId,
      stages: moving.map(({ restApiId, stageName, protocolType }) => ({
        restApiId,
        stageName,
        ...(protocolType === undefined ? {} : { protocolType }),
      })),
      ...(resumed ? { foundUnderWay: true } : {}),
      ...(run.request.target === undefined ? {} : { target: run.request.target }),
    });
    await pruneOwnJournals(journal, caller, { current: run.rotationId, now: now() });
    delete run.stores;
    if (resumed)
      warn(
        run,
        'JournalLost',
        'the journal of this rotation is missing; continuing from the state of AWS and the trust stores',
      );
  }
  await rememberCertificates(run);
  const { stack } = run.deps;
  tell(run, {
    type: 'started',
    oldCertificateId: run.oldId,
    stages: moving.map((stage) => named(run, stage)),
    ...(stack === undefined ? {} : { stack: { name: stack.name, parameter: stack.settings.parameter } }),
    resumed,
  });
  tell(run, { type: 'calls', calls: run.calls });
}

/** Throws when the run was asked to stop, or has lost its lock. Called where nothing is half-done. */
export function stopIfAsked({ deps: { signal } }: Run): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof AppError) throw signal.reason;
  throw new AppError('Interrupted', 'the rotation was interrupted', {
    hint: 'run the same command again to resume',
  });
}

/** Node's timers hold 24 days at most, and a sleeping machine's come late. Milliseconds. */
const LONGEST_PAUSE = 3_600_000;

/**
 * Waits, for an hour at most, unless the run is asked to stop.
 * @param away how long it will be until the run has something else to do than to wait, in milliseconds
 */
export async function pause(run: Run, ms: number, away = ms): Promise<void> {
  try {
    await run.deps.sleep(Math.min(ms, LONGEST_PAUSE), run.deps.signal, away);
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

/** Steps that only enclose others, and appear only in the journal. The event `rollingBack` announces the way back. */
const ENCLOSING: ReadonlySet<RotationStep> = new Set<RotationStep>(['undo']);

export const isShown = (name: RotationStep): boolean => !ENCLOSING.has(name);

/** What a step can say of itself in the journal. */
export type Evidence = StepEvidence;

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
  const { assertHeld } = run.deps;
  await assertHeld();
  if (isShown(name)) tell(run, { type: 'stepStarted', step: name, ...about });
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
    // Writing the intent took time, and a process can be stopped at any instant for longer than its lock lives.
    await assertHeld();
    result = await effect();
  } catch (error) {
    // Whoever has the lock now writes the journal.
    if (error instanceof AppError && error.code === 'LockLost') throw error;
    const code = error instanceof AppError ? error.code : 'Internal';
    const message = error instanceof Error ? error.message : String(error);
    if (isShown(name)) tell(run, { type: 'stepFailed', step: name, ...about, code, message });
    await record(run, { type: 'failed', at: now().toISOString(), step: name, ...about, code, message });
    throw error;
  }
  const { value, evidence = {} } = result;
  const ms = now().getTime() - started;
  await record(run, {
    type: 'done',
    at: now().toISOString(),
    step: name,
    ...about,
    evidence: journalEvidence(evidence),
    ms,
  });
  if (isShown(name)) tell(run, { type: 'stepDone', step: name, ...about, ms, evidence });
  return value;
}

/** Ends the journal. */
export async function end(run: Run, outcome: RotationOutcome): Promise<void> {
  await record(run, { type: 'ended', at: run.deps.now().toISOString(), outcome });
  tell(run, { type: 'ended', outcome });
}

/** Names of the trust stores in which this rotation has, or may have, put something. */
export function changedStores({ records }: Pick<Run, 'records'>): string[] {
  const names = records.flatMap((entry) =>
    entry.type === 'intent' && entry.step === 'trust' ? (entry.subject ?? []) : [],
  );
  return [...new Set(names)];
}

/** Every trust store of the rotation: of the backends behind its stages, and those that it has changed. */
export async function storesOf(run: Run): Promise<readonly TrustStore[]> {
  return run.deps.stores(account(run).moving, changedStores(run));
}

/** The trust store of that name. */
export async function storeNamed(run: Run, name: string): Promise<TrustStore> {
  const store = (await storesOf(run)).find((candidate) => candidate.name === name);
  if (!store) throw new Error(`there is no trust store ${name}`);
  return store;
}
