/** All that one call of the command is to rotate: account by account, and within an account certificate by certificate. */
import type { RestApi, Stage } from '../../control-plane/api-gateway.js';
import { arnOfVersion } from '../../control-plane/acm-version.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { callerText } from '../../control-plane/caller.js';
import type { RotationEvent } from '../rules/event.js';
import { acmSuccessor, readMark } from '../../control-plane/marks.js';
import { apiNamesOf, namedStage, type NamedStage } from '../../control-plane/named-stage.js';
import { stageText } from '../rules/unit.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { fencedBy } from '../journal/journal.js';
import { whileHeld, type HeldLease, type Lease } from '../journal/lease.js';
import type { StagesProgress } from '../../control-plane/stages.js';
import { apisOf, probeCallsOf, targetsOf, type RotationJob } from './jobs.js';
import { lookingAnew, observedAccount } from './observed-account.js';
import type { RotationDeps, RotationRequest } from './ports.js';
import type { Given } from './in-place.js';
import { remembering, type RememberingControlPlane } from '../../control-plane/remembering.js';
import { remoteTargets } from './remote.js';
import type { RotationReport } from '../rules/report.js';
import { abort, rotate } from './rotate.js';
import { takingTurns, type Turns } from './turns.js';

/** One account and Region, reached once for all jobs that are about it. */
export interface Session {
  readonly controlPlane: RememberingControlPlane;
  readonly turns: Turns;
  readonly now: () => Date;
}

/** What became of one certificate; exactly one of `report` and `error` is there. */
export interface JobOutcome {
  /** The target's name in the configuration. */
  target?: string;
  /** The stage that it was asked for, once that is known. */
  stage?: NamedStage;
  /** The APIs whose names the job uses. */
  apis: readonly RestApi[];
  report?: RotationReport;
  /** Whatever was thrown. */
  error?: unknown;
}

/** What tells where the stages are whose certificate's id is published. */
export interface PublishingInput {
  target: Stage;
  /** All stages that the job names. */
  named: readonly Stage[];
  apis: readonly RestApi[];
  region: string;
}

/** The world as the jobs need it. */
export interface JobsDeps extends Pick<RotationDeps, 'journal' | 'confirm' | 'request' | 'sleep' | 'signal'> {
  /** Asked for targets whose switch someone has to approve. @throws AppError `ConfirmationNeeded` */
  approve: (question: string) => Promise<void>;
  lease: Lease;
  /** The session of the account and Region that a job, or a target of the configuration, is about; the same for the same. @throws AppError */
  connect: (about: Pick<RotationJob, 'account' | 'target'>) => Promise<Session>;
  /** A new rotation's id, as {@link RotationDeps} has it. */
  newRotationId: (now: Date) => string;
  stores: (job: RotationJob, apis: readonly RestApi[]) => RotationDeps['stores'];
  /** The targets that publish an id; absent where nothing is published. */
  publishing?: (job: RotationJob, about: PublishingInput) => RotationDeps['publishing'];
  /** The hosts whose word is waited for; absent where no configuration is read, which alone names them. */
  acknowledgers?: (job: RotationJob, apis: readonly RestApi[]) => RotationDeps['acknowledgers'];
  /** The stack that switches the stages; absent where no configuration is read, which alone names one. */
  stack?: (job: RotationJob, controlPlane: Pick<ControlPlane, 'caller' | 'region'>) => RotationDeps['stack'];
  emit: (event: RotationEvent, apis: readonly RestApi[]) => void;
}

/** What is done with every job. */
export interface JobsOptions {
  abort: boolean;
  dryRun: boolean;
}

/** Opens a session. @param progress told of looks at the whole account; `signal` ends them */
export function openSession(
  controlPlane: ControlPlane,
  now: () => Date,
  { progress, signal }: { progress: StagesProgress; signal: AbortSignal },
): Session {
  const known = remembering(controlPlane, now);
  return {
    controlPlane: known,
    turns: takingTurns(observedAccount(known, now, { progress, signal }), now),
    now,
  };
}

/**
 * Does all jobs. Those of one account and Region go side by side, so that a look at the account serves all of them and
 * they soak at the same time; only one acts at any moment. A failure of one does not keep the others.
 * @returns what became of each certificate, in the order of the jobs
 */
export async function rotateJobs(
  jobs: readonly RotationJob[],
  deps: JobsDeps,
  options: JobsOptions,
): Promise<JobOutcome[]> {
  const outcomes = new Map<RotationJob, JobOutcome[]>();
  const sessions = new Map<Session, RotationJob[]>();
  for (const job of jobs) {
    try {
      const session = await deps.connect(job);
      sessions.set(session, [...(sessions.get(session) ?? []), job]);
    } catch (error) {
      outcomes.set(job, [failed(job, error)]);
    }
  }
  for (const [session, its] of sessions) {
    if (isStopTold(deps.signal, [...outcomes.values()].flat())) break;
    for (const [job, found] of await rotateInSession(session, its, deps, options)) outcomes.set(job, found);
  }
  return jobs.flatMap((job) => outcomes.get(job) ?? []);
}

/** Once one rotation has said that it was stopped, those that have not begun need not say it too. */
const isStopTold = (signal: AbortSignal, outcomes: Iterable<JobOutcome>): boolean =>
  signal.aborted && [...outcomes].some(({ error }) => error === signal.reason);

const named = ({ target }: RotationJob): Pick<JobOutcome, 'target'> =>
  target === undefined ? {} : { target };

const failed = (job: RotationJob, error: unknown, apis: readonly RestApi[] = []): JobOutcome => ({
  ...named(job),
  apis,
  error,
});

const NO_LEASE: HeldLease = {
  signal: new AbortController().signal,
  assertHeld: () => Promise.resolve(),
  release: () => Promise.resolve(),
};

/** A stage of a job, and what is needed to rotate its certificate. */
interface Task {
  job: RotationJob;
  target: Stage;
  /** All stages that the job names. */
  named: readonly Stage[];
  apis: readonly RestApi[];
}

async function rotateInSession(
  session: Session,
  jobs: readonly RotationJob[],
  deps: JobsDeps,
  options: JobsOptions,
): Promise<Map<RotationJob, JobOutcome[]>> {
  const outcomes = new Map<RotationJob, JobOutcome[]>();
  const done = new Map<Task, JobOutcome>();
  const common: Common = { session, deps, options, done, isAnyBegun: false };
  const work = async (its: readonly RotationJob[], lease: HeldLease, isApart = false): Promise<void> => {
    const tasks: Task[] = [];
    for (const job of its) {
      try {
        tasks.push(...(await tasksOf(session.controlPlane, job)));
      } catch (error) {
        outcomes.set(job, [failed(job, error)]);
      }
    }
    const lanes = isApart ? tasks.map((task) => [task]) : await lanesOf(session.controlPlane, tasks);
    await Promise.all(lanes.map((lane) => session.turns.take(() => rotateLane(lane, common, lease))));
    for (const task of tasks) {
      const outcome = done.get(task);
      if (outcome) outcomes.set(task.job, [...(outcomes.get(task.job) ?? []), outcome]);
    }
  };
  const attempt = async (its: readonly RotationJob[], doing: () => Promise<void>): Promise<void> => {
    try {
      if (its.length > 0) await doing();
    } catch (error) {
      for (const job of its) outcomes.set(job, outcomes.get(job) ?? [failed(job, error)]);
    }
  };
  const watches = (job: RotationJob): boolean => !options.abort && !options.dryRun && isWatching(job);
  const [watching, changing] = [jobs.filter(watches), jobs.filter((job) => !watches(job))];
  // Who only looks need not wait for anybody, keep anybody waiting, nor leave a trace.
  await Promise.all([
    attempt(watching, () => work(watching, NO_LEASE, true)),
    attempt(changing, async () =>
      options.dryRun
        ? work(changing, NO_LEASE)
        : whileHeld(deps.lease, callerText(await session.controlPlane.caller()), (lease) =>
            work(changing, lease),
          ),
    ),
  ]);
  return outcomes;
}

async function tasksOf(controlPlane: RememberingControlPlane, job: RotationJob): Promise<Task[]> {
  const { targets, stages: named } = await targetsOf(controlPlane, job.addresses);
  const apis = await apisOf(controlPlane, targets, [...job.others, ...job.publishing]);
  return targets.map((target) => ({ job, target, named, apis }));
}

/** The tasks by what must not be worked on side by side: a certificate, with all that were made to take its place. */
async function lanesOf(controlPlane: RememberingControlPlane, tasks: readonly Task[]): Promise<Task[][]> {
  if (tasks.length < 2) return tasks.map((task) => [task]);
  const parents = new Map<string, string>();
  const rootOf = (id: string): string => {
    let root = id;
    for (let up = parents.get(root); up !== undefined; up = parents.get(root)) root = up;
    return root;
  };
  const ids = new Set(tasks.flatMap(({ target }) => target.clientCertificateId ?? []));
  const ofAcm = [...ids].filter(isAcmArn).map(async (clientCertificateId) => ({
    clientCertificateId,
    // Where they cannot be read, the rotation itself says so.
    tags: await controlPlane.getAcmTags(clientCertificateId).catch(() => ({})),
  }));
  const certificates = [...(await controlPlane.knownCertificates()), ...(await Promise.all(ofAcm))];
  for (const certificate of certificates) {
    const { clientCertificateId: id, tags } = certificate;
    for (const linked of [readMark(certificate)?.replaces, acmSuccessor(tags)?.arn]) {
      if (linked === undefined) continue;
      const [one, other] = [rootOf(id), rootOf(linked)];
      if (one !== other) parents.set(one, other);
    }
  }
  const lanes = new Map<string, Task[]>();
  for (const task of tasks) {
    const { clientCertificateId: id } = task.target;
    const key = id === undefined ? stageText(task.target) : rootOf(id);
    lanes.set(key, [...(lanes.get(key) ?? []), task]);
  }
  return [...lanes.values()];
}

/** What the lanes of a session share. */
interface Common {
  readonly session: Session;
  readonly deps: JobsDeps;
  readonly options: JobsOptions;
  readonly done: Map<Task, JobOutcome>;
  /** Whether any rotation has begun: what was seen before it takes time to be looked at again. */
  isAnyBegun: boolean;
}

async function rotateLane(lane: readonly Task[], common: Common, lease: HeldLease): Promise<void> {
  const { session, deps, options, done } = common;
  /** What this run has made, and the last job that was about it. */
  const made = new Map<string, RotationJob>();
  for (const [index, task] of lane.entries()) {
    const { job, apis } = task;
    if (isStopTold(deps.signal, done.values())) return;
    try {
      // A rotation moves all that share the certificate, so an earlier one may have moved this stage too.
      const target = common.isAnyBegun ? await session.controlPlane.getStage(task.target) : task.target;
      const maker = made.get(target.clientCertificateId ?? '');
      if (maker === job) continue;
      const own = rotationDeps({ ...task, target }, common, lease, index === 0);
      // --force is for what was there before, not for what this very run has made for another target.
      const request = maker ? { ...job, settings: { ...job.settings, force: false } } : job;
      const report = await rotateOne({ deps: own, request, target }, options);
      if (report.newCertificateId !== undefined) made.set(arnOfVersion(report.newCertificateId), job);
      done.set(task, { ...named(job), stage: namedStage(target, apiNamesOf(apis)), apis, report });
    } catch (error) {
      done.set(task, { ...failed(job, error, apis), stage: namedStage(task.target, apiNamesOf(apis)) });
    }
  }
}

/** @param mayKnow whether looks of before may serve: after a rotation of the same certificate none does */
function rotationDeps(
  { job, target, named, apis }: Task,
  common: Common,
  lease: HeldLease,
  mayKnow: boolean,
): RotationDeps {
  const { deps } = common;
  const { controlPlane, turns, now } = common.session;
  return {
    controlPlane,
    apis,
    account: mayKnow ? turns.account : lookingAnew(turns.account),
    probeCalls: probeCallsOf(job, target, apis),
    stores: deps.stores(job, apis),
    acknowledgers: deps.acknowledgers?.(job, apis),
    stack: deps.stack?.(job, controlPlane),
    publishing: deps.publishing?.(job, { target, named, apis, region: controlPlane.region }),
    remote: remoteTargets(job.remote, deps.connect),
    journal: fencedBy(deps.journal, lease.fence),
    now,
    sleep: (ms, signal, away = ms) => turns.aside(away, () => deps.sleep(ms, signal)),
    newRotationId: () => deps.newRotationId(now()),
    emit: (event) => {
      common.isAnyBegun ||= event.type === 'started';
      deps.emit(event, apis);
    },
    signal: AbortSignal.any([deps.signal, lease.signal]),
    assertHeld: () => lease.assertHeld(),
    confirm: deps.confirm,
    approve: job.approve === undefined ? undefined : deps.approve,
    request: deps.request,
  };
}

/** Few stages present an ARN. */
async function ofAcm(asked: Given): Promise<Given> {
  if (asked.request.inPlace === undefined && !isAcmArn(asked.target.clientCertificateId ?? '')) return asked;
  const { withVersions } = await import('./in-place.js');
  return withVersions(asked);
}

/** Whether a renewal by ACM is only watched; what is to be replaced goes before that. */
const isWatching = ({ settings, to, toGenerated, importing }: RotationRequest): boolean =>
  settings.watchRenewal && to === undefined && toGenerated !== true && importing === undefined;

async function rotateOne(asked: Given, { abort: isAbort, dryRun }: JobsOptions): Promise<RotationReport> {
  if (!isAbort && isWatching(asked.request)) {
    const { watchRenewal } = await import('./watch-renewal.js');
    return watchRenewal(asked.deps, asked.request, asked.target, { dryRun });
  }
  const { deps, request, target } = await ofAcm(asked);
  return isAbort ? abort(deps, request, target, { dryRun }) : rotate(deps, request, target, { dryRun });
}
