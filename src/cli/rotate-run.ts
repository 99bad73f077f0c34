import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  apisOf,
  configuredJobs,
  everyCertificate,
  stageJob,
  targetsOf,
  type JobFlags,
  type RotationJob,
} from '../app/rotate/jobs.js';
import type { RotationDeps, RotationRequest } from '../app/rotate/ports.js';
import { remembering } from '../app/rotate/remembering.js';
import type { RotationReport } from '../app/rotate/report.js';
import { abort, rotate } from '../app/rotate/rotate.js';
import { callerText } from '../core/caller.js';
import { formatDuration, parseDuration } from '../core/duration.js';
import { AppError, EXIT, type ExitCode } from '../core/errors.js';
import { isAcmArn } from '../core/inventory.js';
import { printable } from '../core/printable.js';
import type { RotationEvent } from '../core/rotation/event.js';
import { stageText } from '../core/rotation/unit.js';
import { steadyClock } from '../platform/clock.js';
import { openFileJournal } from '../journal/file-journal.js';
import { fileLease } from '../journal/file-lease.js';
import { whileHeld, type HeldLease } from '../journal/lease.js';
import { needsConfiguration, type RotateOptions } from './commands/rotate.js';
import { confirmed } from './ask.js';
import { gatewayFor, reached } from './compose.js';
import type { Context } from './context.js';
import { asAppError, errorJson, printError } from './output.js';
import { openEvents } from './rotate-events.js';
import { requestOf, storesOf } from './rotate-request.js';
import { rotationProgress } from './rotate-progress.js';
import { afterwardsText, reportText } from './rotate-text.js';
import { stageWording, type StageWording } from './stage-options.js';

const LONGEST_SPLAY = 86_400_000;

type RotateContext = Context<RotateOptions>;

/** What became of one certificate; exactly one of `report` and `error` is there. */
interface Outcome {
  target?: string;
  /** The stage that it was asked for, `apiId/stageName`, once that is known. */
  stage?: string;
  report?: RotationReport;
  error?: AppError;
  wording: StageWording;
}

/** What all jobs of one run share. */
interface Shared {
  signal: AbortSignal;
  emit: (event: RotationEvent, wording: StageWording) => void;
  /** Makes room on the terminal for a question. */
  clear: () => void;
}

/** Rotates what the options name, one certificate after another; a failure of one does not keep the others. */
export async function runRotations(context: RotateContext, flags: JobFlags): Promise<void> {
  const { options, out } = context;
  const events = openEvents(options.events, (text) => {
    progress.stop();
    out.warn(text);
  });
  const stop = new AbortController();
  const progress = rotationProgress(context);
  const release = stopOnSignals(stop, (text) => {
    progress.note(text);
  });
  const emit: Shared['emit'] = (event, wording) => {
    progress.show(event, wording);
    events.write(event);
  };
  const clear = (): void => {
    progress.stop();
  };
  const outcomes: Outcome[] = [];
  try {
    await splay(options, stop.signal, (text) => {
      out.note(text);
    });
    for (const job of await jobsOf(context, flags)) {
      if (stop.signal.aborted && outcomes.length > 0) break;
      outcomes.push(...(await runJob(context, job, { signal: stop.signal, emit, clear })));
    }
  } finally {
    progress.stop();
    release();
    events.close();
  }
  for (const { error, target, stage, wording } of outcomes) {
    const about = [target, ...(stage === undefined ? [] : [wording(stage)])].filter(
      (one) => one !== undefined,
    );
    // That it waits is no news to a timer that says --quiet.
    if (error?.code === 'RotationWaiting' && options.quiet === true) continue;
    if (error) printError(error, options, about.length > 0 ? about.join(', ') : undefined);
  }
  // A timer that says --quiet wants to hear of what was done, and not each night that nothing was.
  const worthTelling = ({ report }: Outcome): boolean =>
    report !== undefined && (options.quiet !== true || !NOTHING_DONE.has(report.outcome));
  if ((options.output === 'json' || outcomes.some(worthTelling)) && options.events !== '-') {
    out.result({ rotations: outcomes.map(outcomeJson) }, () =>
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

async function jobsOf({ options }: RotateContext, flags: JobFlags): Promise<RotationJob[]> {
  const configuration = await configurationFor(options);
  if (options.stage !== undefined) {
    const { api, stage } = options;
    return [stageJob(api === undefined ? { stage } : { api, stage }, configuration, flags)];
  }
  if (options.all === true) {
    const gateway = await gatewayFor(reached(options, configuration ?? {}))();
    const used = await everyCertificate(gateway);
    return used.map(({ address, names }) => stageJob(address, configuration, flags, names));
  }
  return configuredJobs(configuration, options.target, flags);
}

async function configurationFor(options: RotateOptions) {
  if (!needsConfiguration(options)) return undefined;
  const { loadConfiguration } = await import('../app/config/load.js');
  return loadConfiguration(options.config === undefined ? {} : { file: options.config });
}

const NO_LEASE: HeldLease = {
  signal: new AbortController().signal,
  assertHeld: () => Promise.resolve(),
  release: () => Promise.resolve(),
};

async function runJob(
  context: RotateContext,
  job: RotationJob,
  { signal, emit, clear }: Shared,
): Promise<Outcome[]> {
  const { now, correct } = steadyClock(() => context.now().getTime());
  const named = job.target === undefined ? {} : { target: job.target };
  const outcomes: Outcome[] = [];
  let wording: StageWording = printable;
  try {
    const options = reached(context.options, job);
    const gateway = remembering(await gatewayFor(options, correct)());
    const work = async (lease: HeldLease): Promise<void> => {
      const targets = await targetsOf(gateway, job.addresses);
      const apis = await apisOf(gateway, targets, job.others);
      wording = stageWording(apis);
      const deps: RotationDeps = {
        gateway,
        stores: storesOf(job, apis, clear),
        journal: openFileJournal(),
        now,
        sleep: (ms, aborted) => sleep(ms, undefined, { signal: aborted }),
        newRotationId: () => rotationId(now()),
        emit: (event) => {
          emit(event, wording);
        },
        signal: AbortSignal.any([signal, lease.signal]),
        assertHeld: () => lease.assertHeld(),
        confirm: (question) => confirmed(question, options.yes === true || options.dryRun === true),
        request: ask,
      };
      const handled = new Set<string>();
      for (const first of targets) {
        if (signal.aborted && outcomes.length > 0) return;
        // A rotation moves all that share the certificate, so an earlier one may have moved this stage too.
        const target = outcomes.length === 0 ? first : await gateway.getStage(first);
        if (handled.has(target.clientCertificateId ?? '')) continue;
        const request = requestOf(job, target, apis);
        const outcome = await runTarget(deps, request, target, options);
        outcomes.push({ ...named, stage: stageText(target), ...outcome, wording });
        if (outcome.report?.newCertificateId !== undefined) handled.add(outcome.report.newCertificateId);
        gateway.forget();
      }
    };
    // Who only looks need not wait for anybody, nor leave a trace.
    await (options.dryRun === true
      ? work(NO_LEASE)
      : whileHeld(fileLease(), callerText(await gateway.caller()), work));
  } catch (error) {
    outcomes.push({ ...named, error: asAppError(error), wording });
  }
  return outcomes;
}

async function runTarget(
  deps: RotationDeps,
  request: RotationRequest,
  target: Awaited<ReturnType<typeof targetsOf>>[number],
  { abort: undo, dryRun = false }: RotateOptions,
): Promise<Pick<Outcome, 'report' | 'error'>> {
  try {
    if (target.clientCertificateId !== undefined && isAcmArn(target.clientCertificateId)) {
      throw new AppError('CertificateOfAcm', `${stageText(target)} presents a certificate of ACM`, {
        hint: 'there is nothing to rotate here: ACM renews it, or it is imported again there',
      });
    }
    return {
      report:
        undo === true
          ? await abort(deps, request, target, { dryRun })
          : await rotate(deps, request, target, { dryRun }),
    };
  } catch (error) {
    return { error: asAppError(error) };
  }
}

/** Sorts by time, and says when it was made. */
function rotationId(now: Date): string {
  return `${now.toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;
}

/** Asks a stage as its clients do, through the proxies of the environment. @returns the status, or 0 without an answer */
async function ask(url: string): Promise<number> {
  const { sendRequest } = await import('../net/request.js');
  return sendRequest(new URL(url), { timeoutMs: 30_000 }).catch(() => 0);
}

/** The first signal stops the run after the current step; a second one ends the process at once, which is safe too. */
function stopOnSignals(stop: AbortController, note: (text: string) => void): () => void {
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(EXIT.interrupted);
    note('stopping after the current step; press Ctrl-C again to quit immediately');
    stop.abort(
      new AppError('Interrupted', 'stopped by a signal after the current step', {
        hint: 'run the same command again: it goes on from where it is; with --abort it goes back',
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
    throw new AppError('Usage', `--splay ${most} is longer than a day`, { hint: 'write at most 24h' });
  }
  if (process.stdout.isTTY || longest === 0) return;
  const ms = randomInt(longest);
  note(`waiting ${formatDuration(ms)} (--splay ${most})`);
  await sleep(ms, undefined, { signal }).catch(() => {
    signal.throwIfAborted();
  });
}
