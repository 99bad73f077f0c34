import { randomInt } from 'node:crypto';
import { fromFileOf, loadConfiguration, type LoadedConfiguration } from '../../configuration/load.js';
import { resolveStage } from '../../control-plane/resolve-stage.js';
import {
  configuredJobs,
  everyCertificate,
  stageJob,
  type JobFlags,
  type RotationJob,
} from '../../rotation/engine/jobs.js';
import { findTarget, targetOfCertificate } from '../../rotation/engine/find-target.js';
import {
  acknowledgersOf,
  askStage,
  newRotationId,
  publishingOf,
  stackOf,
  storesOf,
} from '../../rotation/engine/request.js';
import { openSession, rotateJobs, type JobOutcome, type Session } from '../../rotation/engine/rotate-jobs.js';
import type { RotationStep } from '../../rotation/rules/record.js';
import type { RotationReport } from '../../rotation/rules/report.js';
import { stageText } from '../../rotation/rules/unit.js';
import type { RestApi } from '../../control-plane/api-gateway.js';
import { formatDuration, parseDuration } from '../../platform/duration.js';
import { sleep } from '../../platform/timer.js';
import { AppError, EXIT, type ExitCode } from '../../platform/errors.js';
import { steadyClock } from '../../platform/clock.js';
import { accountKey, resolveAccount, type ResolvedAccount } from '../../settings/resolve.js';
import { debugSettings, sayWhere } from '../../terminal/account.js';
import { approved, confirmed } from '../../terminal/ask.js';
import { controlPlaneFor } from '../../terminal/compose.js';
import type { Context } from '../../terminal/context.js';
import { asAppError, errorJson, printError } from '../../terminal/output.js';
import { openEvents } from './events.js';
import type { RotateOptions } from '../../terminal/rotation-options.js';
import { stateAccess, stateOf, statePlace } from '../../terminal/state.js';
import { trustContext } from '../../terminal/trust-context.js';
import { rotationProgress, type RotationProgress } from '../../terminal/rotation-progress.js';
import { afterwardsText, reportText } from './text.js';
import { stageWording, type StageWording } from '../../terminal/stage-options.js';

const LONGEST_SPLAY = 86_400_000;

type RotateContext = Context<RotateOptions>;

type Connect = (account: ResolvedAccount, target?: string) => Promise<Session>;

/** Rotates what the options name; a failure of one certificate does not keep the others. */
export async function runRotations(context: RotateContext, flags: JobFlags): Promise<void> {
  const { options, out } = context;
  const loaded = await loadConfiguration({ file: options.config });
  const state = await stateOf(options, loaded);
  const events = openEvents(options.events, (text) => {
    progress.stop();
    out.warn(text);
  });
  const stop = new AbortController();
  const progress = rotationProgress(context);
  const release = stopOnSignals(stop, options, (text) => {
    progress.note(text);
  });
  const connect = sessions(context, loaded, progress, stop.signal);
  const wordingOf = memoised(stageWording);
  let outcomes: JobOutcome[];
  try {
    await splay(options, stop.signal, (text) => {
      out.note(text);
    });
    const trust = trustContext(() => {
      progress.stop();
    });
    outcomes = await rotateJobs(
      await jobsOf(context, loaded, flags, connect),
      {
        connect: ({ account, target }) => connect(account, target),
        lease: state.lease,
        journal: state.journal,
        stores: (job, apis) => storesOf(job, apis, trust),
        publishing: publishingOf,
        stack: stackOf,
        acknowledgers: (job, apis) => acknowledgersOf(job, apis, stateAccess(options, loaded)),
        emit: (event, apis) => {
          progress.show(event, wordingOf(apis));
          events.write(event);
        },
        sleep,
        newRotationId,
        confirm: (question) => confirmed(question, options.yes === true || options.dryRun === true),
        approve: (question) => {
          progress.stop();
          return approved(question, options.yes === true);
        },
        request: askStage,
        signal: stop.signal,
      },
      { abort: options.abort === true, dryRun: options.dryRun === true },
    );
  } finally {
    progress.stop();
    release();
    events.close();
  }
  showOutcomes(
    context,
    outcomes.map((outcome) => worded(outcome, wordingOf)),
  );
}

/** What became of one certificate, and how its stages are called. */
interface Outcome extends Omit<JobOutcome, 'apis' | 'error'> {
  error?: AppError;
  wording: StageWording;
}

const worded = (
  { apis, error, ...rest }: JobOutcome,
  wordingOf: (apis: readonly RestApi[]) => StageWording,
): Outcome => ({
  ...rest,
  wording: wordingOf(apis),
  ...(error === undefined ? {} : { error: asAppError(error) }),
});

function showOutcomes({ options, out }: RotateContext, outcomes: readonly Outcome[]): void {
  for (const { error, target, stage, wording } of outcomes) {
    const about = [target, ...(stage === undefined ? [] : [wording(stageText(stage))])].filter(
      (one) => one !== undefined,
    );
    // That it waits is no news to a timer that says --quiet.
    if (error?.code === 'RotationWaiting' && options.quiet === true) continue;
    if (error) printError(error, options, about.length > 0 ? about.join(', ') : undefined);
  }
  // A timer that says --quiet wants to hear of what was done, and not each night that nothing was.
  const worthTelling = ({ report }: Outcome): boolean =>
    report !== undefined &&
    (options.quiet !== true || !NOTHING_DONE.has(report.outcome) || isCorrected(report));
  if ((options.output === 'json' || outcomes.some(worthTelling)) && options.events !== '-') {
    out.result({ items: outcomes.map(outcomeJson) }, () =>
      outcomes
        .filter(worthTelling)
        .flatMap(({ report, wording }) => (report ? [reportText(report, out.style, wording)] : []))
        .join('\n'),
    );
  }
  for (const { report } of outcomes) {
    if (report?.outcome === 'completed') out.note(afterwardsText(report));
  }
  if (outcomes.length === 0) out.warn('no stage presents a client certificate: there is nothing to rotate');
  out.exitWith(worst(outcomes));
}

/** Works something out once for each object. */
function memoised<Key extends object, Value>(work: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, Value>();
  return (key) => {
    const value = known.get(key) ?? work(key);
    known.set(key, value);
    return value;
  };
}

/** One session for each account and Region that options and jobs name. */
function sessions(
  { options, out, now }: RotateContext,
  loaded: LoadedConfiguration | undefined,
  progress: RotationProgress,
  signal: AbortSignal,
): Connect {
  const open = new Map<string, Promise<Session>>();
  const connect = async (account: ResolvedAccount, target: string | undefined): Promise<Session> => {
    const clock = steadyClock(() => now().getTime());
    const fromFile = fromFileOf(loaded, account, target);
    const controlPlane = await controlPlaneFor(options, account, { fromFile, onServerTime: clock.correct });
    await sayWhere(controlPlane, account, out);
    return openSession(controlPlane, clock.now, { progress: progress.look, signal });
  };
  return (account, target) => {
    const key = accountKey(account);
    const session = open.get(key) ?? connect(account, target);
    open.set(key, session);
    return session;
  };
}

/** Nothing was due, and something else than the id in use was published. */
const isCorrected = ({ outcome, steps }: RotationReport): boolean =>
  outcome === 'notDue' && steps.some(({ step }) => !LOOKS.has(step));

/** Of a renewal by ACM that is watched: nothing is done by them. */
const LOOKS: ReadonlySet<string> = new Set<RotationStep>(['verifyTrust', 'verifyUse', 'watch']);

const NOTHING_DONE: ReadonlySet<RotationReport['outcome']> = new Set([
  'notDue',
  'keepingOld',
  'nothingToAbort',
]);

function outcomeJson({ target, stage, report, error }: Outcome): Record<string, unknown> {
  return {
    ...(target === undefined ? {} : { target }),
    ...(report ?? (stage === undefined ? {} : { stages: [stage] })),
    ...(error ? { error: errorJson(error) } : {}),
  };
}

/** An interruption first, then a failure, then what is merely unfinished. */
function worst(outcomes: readonly Outcome[]): ExitCode {
  const codes = outcomes.flatMap(({ error }) => error?.exitCode ?? []);
  const order: readonly ExitCode[] = [EXIT.interrupted, EXIT.failed, EXIT.usage, EXIT.unfinished];
  return order.find((code) => codes.includes(code)) ?? EXIT.ok;
}

async function jobsOf(
  { options }: RotateContext,
  loaded: LoadedConfiguration | undefined,
  flags: JobFlags,
  connect: Connect,
): Promise<RotationJob[]> {
  const jobs = await namedJobs(options, loaded, flags, connect);
  if (options.debug === true) {
    const { jobRows, placeSettings } = await import('../../configuration/show.js');
    debugSettings([
      ...placeSettings(loaded, statePlace(options, loaded)),
      ...jobs.flatMap((job) => jobRows(job, loaded)),
    ]);
  }
  return jobs;
}

async function namedJobs(
  { all, api, stage, target }: RotateOptions,
  loaded: LoadedConfiguration | undefined,
  flags: JobFlags,
  connect: Connect,
): Promise<RotationJob[]> {
  const configuration = loaded?.configuration;
  if (stage !== undefined) {
    const address = api === undefined ? { stage } : { api, stage };
    const found = await findTarget(address, configuration, flags, async (account) =>
      resolveStage((await connect(account)).controlPlane, address),
    );
    return [stageJob(address, configuration, flags, found)];
  }
  if (all === true) {
    const account = resolveAccount(flags.account, configuration);
    const { turns } = await connect(account);
    const used = everyCertificate(await turns.account.look({ known: true }));
    return used.map(({ address, names }) =>
      stageJob(address, configuration, flags, targetOfCertificate(names, configuration, account)),
    );
  }
  return configuredJobs(configuration, target, flags);
}

/** The first signal stops the run after the current step; a second one ends the process at once, which is safe too. */
function stopOnSignals(
  stop: AbortController,
  { watchRenewal }: Pick<RotateOptions, 'watchRenewal'>,
  note: (text: string) => void,
): () => void {
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(EXIT.interrupted);
    note('stopping after the current step; press Ctrl-C again to quit immediately');
    stop.abort(
      new AppError('Interrupted', 'stopped by a signal after the current step', {
        hint:
          watchRenewal === true
            ? 'nothing was changed; run the same command again to test once more'
            : 'run the same command again to resume, or add --abort to abort',
      }),
    );
  };
  // A limit on the size of files is to be an error of the write, as a full disk is, and not the end of the process.
  const ignore = (): void => undefined;
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGXFSZ', ignore);
  return () => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGXFSZ', ignore);
  };
}

/** A fleet's cron jobs start at the same second; the account's requests are few. */
async function splay(
  { splay: most }: RotateOptions,
  signal: AbortSignal,
  note: (text: string) => void,
): Promise<void> {
  if (most === undefined) return;
  const longest = parseDuration(most);
  if (longest > LONGEST_SPLAY) {
    throw new AppError('Usage', `--splay ${most} is longer than a day`, { hint: 'specify at most 24h' });
  }
  if (process.stdout.isTTY || longest === 0) return;
  const ms = randomInt(longest);
  note(`waiting ${formatDuration(ms)} (--splay ${most})`);
  await sleep(ms, signal).catch(() => {
    signal.throwIfAborted();
  });
}
