/** Rounds of rotations: the jobs of the command `rotate`, without a machine. */
import { createAwsControlPlane } from '../control-plane/aws.js';
import { accountOf, callerText } from '../control-plane/caller.js';
import { createPace } from '../control-plane/pace.js';
import { steadyClock } from '../platform/clock.js';
import { AppError } from '../platform/errors.js';
import { sleep } from '../platform/timer.js';
import {
  stageJob,
  targetJob,
  type FoundTarget,
  type JobFlags,
  type RotationJob,
} from '../rotation/engine/jobs.js';
import {
  acknowledgersOf,
  askStage,
  newRotationId,
  publishingOf,
  stackOf,
  storesOf,
} from '../rotation/engine/request.js';
import { openSession, rotateJobs, type JobOutcome, type Session } from '../rotation/engine/rotate-jobs.js';
import type { RotationEvent } from '../rotation/rules/event.js';
import { accountKey, type ResolvedAccount } from '../settings/resolve.js';
import type { Opened } from './open.js';
import type { Job } from './messages.js';
import { assertSuitable } from './suitable.js';

/** What a round needs beside the configuration and the state. */
export interface RoundContext extends Opened {
  /** The time. */
  now: () => Date;
  /** Aborted before the function's time is over. */
  signal: AbortSignal;
  emit: (event: RotationEvent) => void;
  /** Told of each call of API Gateway. */
  onCall: () => void;
}

/** How a round is done. */
export interface RoundOptions {
  abort?: boolean;
  dryRun?: boolean;
  force?: boolean;
  /** Someone has approved the switch, where that is needed. */
  isApproved?: boolean;
}

/** What became of the certificates of several jobs of one account and Region. */
export interface RoundResult {
  outcomes: JobOutcome[];
  /** The account and Region, and what its lease is called; absent where they could not be reached. */
  place?: { account: string; region: string; leaseKey: string };
  /** The time after it. */
  now: Date;
}

/**
 * The job of the configuration that a request means, with everything that makes it wait left out.
 * @throws AppError `Usage`, `MachineNeeded`
 */
export function jobOf({ target: name, stage }: Job, { configuration }: Opened, force = false): RotationJob {
  const target = Object.hasOwn(configuration.targets ?? {}, name) ? configuration.targets?.[name] : undefined;
  if (target === undefined) {
    throw new AppError('Usage', `the configuration has no target "${name}"`, {
      hint: 'send {"request": "plan"} for the targets that there are',
    });
  }
  const flags: JobFlags = { account: {}, values: { wait: false, force: force ? true : undefined } };
  const whole = targetJob(name, target, configuration, flags);
  const [api = '', stageName = ''] = stage?.split('/') ?? [];
  const found: FoundTarget = { account: whole.account, target: [name, target] };
  const job = stage === undefined ? whole : stageJob({ api, stage: stageName }, configuration, flags, found);
  assertSuitable(job);
  return job;
}

const approvalNeeded = (question: string): AppError =>
  new AppError('ConfirmationNeeded', `not approved: ${question}`, {
    hint: 'approve it, or abort the rotation; until then both certificates stay trusted',
  });

/** Opens an account and Region. */
async function connect(
  { profile, region, roleArn, externalId }: ResolvedAccount,
  { now, signal, onCall }: RoundContext,
): Promise<Session> {
  const controlPlane = await createAwsControlPlane({
    pace: createPace(),
    onCall,
    ...(profile === undefined ? {} : { profile }),
    ...(region === undefined ? {} : { region }),
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(externalId === undefined ? {} : { externalId }),
  });
  const progress = { expect: () => undefined, done: () => undefined };
  // Not corrected by the time of AWS's answers: a function has AWS's time.
  const clock = steadyClock(() => now().getTime());
  return openSession(controlPlane, clock.now, { progress, signal });
}

/**
 * Takes jobs of one account and Region as far as they go without waiting. The lease is held meanwhile, except for a dry run.
 * @returns what became of each certificate; a failure of one does not keep the others
 */
export async function round(
  jobs: readonly RotationJob[],
  context: RoundContext,
  options: RoundOptions = {},
): Promise<RoundResult> {
  const { state, signal, emit } = context;
  const { abort = false, dryRun = false, isApproved = false } = options;
  const nobody = { announce: () => undefined };
  const sessions = new Map<string, Promise<Session>>();
  const sessionOf = (account: ResolvedAccount): Promise<Session> => {
    const key = accountKey(account);
    const session = sessions.get(key) ?? connect(account, context);
    sessions.set(key, session);
    return session;
  };
  const outcomes = await rotateJobs(
    jobs,
    {
      connect: ({ account }) => sessionOf(account),
      lease: state.lease,
      journal: state.journal,
      stores: (job, apis) => storesOf(job, apis, nobody),
      publishing: publishingOf,
      stack: stackOf,
      acknowledgers: (job, apis) => acknowledgersOf(job, apis, context.access),
      emit,
      sleep,
      newRotationId,
      confirm: (question) => {
        throw new AppError('NotConfirmed', `not confirmed: ${question}`, {
          hint: 'set redeploy: never for this target, or rotate it on a terminal',
        });
      },
      approve: (question) => (isApproved ? Promise.resolve() : Promise.reject(approvalNeeded(question))),
      request: askStage,
      signal,
    },
    { abort, dryRun },
  );
  // The jobs are of one account and Region, which is reached first.
  const [session] = sessions.values();
  const reached = await session?.catch(() => undefined);
  const caller = await reached?.controlPlane.caller().catch(() => undefined);
  return {
    outcomes,
    now: reached?.now() ?? context.now(),
    ...(caller === undefined
      ? {}
      : { place: { account: accountOf(caller), region: caller.region, leaseKey: callerText(caller) } }),
  };
}
