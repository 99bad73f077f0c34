import { AppError } from '../platform/errors.js';
import { asAppError, certificateRound, jobRound, roundOfError } from './answer.js';
import { check } from './check.js';
import { logEvent, openLog, secretsOf, shownWithout, type Fields, type Log } from './log.js';
import { open, type Opened } from './open.js';
import { plan } from './plan.js';
import type { Answer, CertificateRound, RotateAnswer, RotateRequest } from './messages.js';
import { readRequest } from './request.js';
import { jobOf, round, type RoundContext } from './rotate.js';

/** What of Lambda's context object is used. */
export interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** How the function is made. */
export interface HandlerOptions {
  /** `apigw-cert.yaml`, relative to the function's own folder (`LAMBDA_TASK_ROOT`). It must specify a shared `state`. */
  config: string;
  /** Writes one line of the log; by default to stdout. */
  write?: (line: string) => void;
  /** The time; by default the machine's. */
  now?: () => Date;
}

/** The function's handler: one request, one answer. */
export type Handler = (event: unknown, context: LambdaContext) => Promise<Answer>;

/** The current step has so long to complete before the function is killed, in milliseconds. */
const MARGIN = 15_000;

/**
 * Makes the handler of a Lambda function that rotates certificates. It never waits for a soak or for `keepOld`: a round
 * goes as far as it can and answers when to ask again.
 *
 * The handler throws AppErrors for what no later request could make better: `Usage` for what is no request,
 * `ConfigurationInvalid` for a configuration without shared state. What becomes of a certificate is an answer.
 */
export function createHandler({
  config,
  write = (line) => process.stdout.write(`${line}\n`),
  now = () => new Date(),
}: HandlerOptions): Handler {
  let opened: Promise<Opened> | undefined;
  const openOnce = (): Promise<Opened> =>
    (opened ??= open(config).catch((error: unknown) => {
      // What is wrong may be the network of this moment.
      opened = undefined;
      throw error;
    }));

  return async (event, context) => {
    const started = performance.now();
    const about: Fields = { requestId: context.awsRequestId };
    const logWith = (more: Fields, secrets: readonly string[]): Log =>
      openLog({ ...about, ...more }, { write, now, shown: shownWithout(secrets) });
    let log = logWith({}, secretsOf(process.env));
    try {
      const request = readRequest(event);
      const { configuration, state, access } = await openOnce();
      const secrets = secretsOf(process.env, externalIds(configuration));
      const shown = shownWithout(secrets);
      const subject = request.request === 'rotate' ? { target: request.job.target } : {};
      log = logWith({ request: request.request, ...subject }, secrets);
      let calls = 0;
      const stop = new AbortController();
      const left = context.getRemainingTimeInMillis() - MARGIN;
      const timer = setTimeout(
        () => {
          stop.abort(interrupted());
        },
        Math.max(left, 0),
      );
      const roundContext: RoundContext = {
        configuration,
        state,
        access,
        now,
        signal: stop.signal,
        emit: (happening) => {
          logEvent(log, happening);
        },
        onCall: () => {
          calls += 1;
        },
      };
      const spent = (): { ApiCalls: number; Duration: number } => ({
        ApiCalls: calls,
        Duration: Math.round(performance.now() - started),
      });
      try {
        switch (request.request) {
          case 'plan': {
            const answer = await plan(request, roundContext, shown);
            for (const { target, code, reason } of answer.refused)
              log.line('WARN', reason, { refused: target, code });
            log.metrics({ Jobs: answer.jobs.length, Refused: answer.refused.length, ...spent() });
            return answer;
          }
          case 'rotate': {
            const answer = await rotateOnce(request, roundContext, { left, log, shown });
            log.metrics({ ...roundMetrics(answer), ...spent() }, fieldsOf(answer));
            return answer;
          }
          case 'check': {
            const answer = await check(request, roundContext, shown);
            const { level, certificates: Certificates, findingCount: Findings, unknownSources } = answer;
            for (const { target, reason } of answer.missingHosts) log.line('WARN', reason, { target });
            const counts = { UnknownSources: unknownSources, HostsMissing: answer.missingHostsCount };
            log.metrics({ Certificates, Findings, ...counts, ...spent() }, { level });
            return answer;
          }
        }
      } finally {
        clearTimeout(timer);
      }
    } catch (error) {
      logFailure(log, error);
      log.metrics({ Attention: 1, Duration: Math.round(performance.now() - started) });
      throw asAppError(error);
    }
  };
}

function interrupted(): AppError {
  return new AppError('Interrupted', 'stopped after the current step: the time of the function is over', {
    hint: 'send the same request again to resume',
  });
}

/** Of accounts and targets: they are no passwords, but not for everyone who may read a log. */
function externalIds({ accounts = [], targets = {} }: Opened['configuration']): string[] {
  return [...accounts, ...Object.values(targets)].flatMap(({ externalId }) => externalId ?? []);
}

/** What was not thrown on purpose is shown by its stack alone: its message may hold anything. */
function logFailure(log: Log, error: unknown): void {
  const { code, message, hint, cause } = asAppError(error);
  const thrown = code === 'Internal' && cause instanceof Error ? cause : undefined;
  const stack = thrown?.stack?.split('\n').filter((line) => /^\s+at /.test(line));
  log.line('ERROR', message, {
    code,
    ...(hint === undefined ? {} : { hint }),
    ...(stack === undefined ? {} : { stack: stack.slice(0, 12).join(' ') }),
  });
}

/** @param left how long the round may take, in milliseconds */
async function rotateOnce(
  request: RotateRequest,
  context: RoundContext,
  { left, log, shown }: { left: number; log: Log; shown: (text: string) => string },
): Promise<RotateAnswer> {
  const { job: asked, approval, abort = false, force = false } = request;
  const { target } = asked;
  const common = { request: 'rotate' as const, target };
  try {
    const job = jobOf(asked, context, force);
    const { settle } = job.settings;
    if (left < settle) {
      throw new AppError(
        'ConfigurationInvalid',
        `"settle" of ${target} is ${settle / 1000} s, and the function has ${Math.max(0, Math.round(left / 1000))} s`,
        {
          hint: `set the timeout of the function to at least ${Math.ceil((settle + 2 * MARGIN) / 1000)} s (at most 900 s), or use a shorter settle`,
        },
      );
    }
    const asking: typeof job = approval === 'required' ? { ...job, approve: 'before-switch' } : job;
    const isApproved = approval === 'given';
    const { outcomes, now } = await round([asking], context, { abort, force, isApproved });
    const certificates = outcomes.map((outcome): CertificateRound => {
      if (outcome.error !== undefined && !(outcome.error instanceof AppError)) logFailure(log, outcome.error);
      return certificateRound(outcome, now, shown);
    });
    return { ...jobRound(certificates), ...common, certificates };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ...roundOfError(error, context.now(), shown), ...common, certificates: [] };
  }
}

const roundMetrics = ({ status, certificates }: RotateAnswer) => ({
  Rounds: 1,
  Done: status === 'done' ? 1 : 0,
  Waiting: status === 'waiting' ? 1 : 0,
  Attention: status === 'attention' ? 1 : 0,
  Rotated: certificates.filter((round) => round.status === 'done' && round.outcome === 'completed').length,
});

function fieldsOf(answer: RotateAnswer): Fields {
  const { status } = answer;
  if (answer.status === 'done') return { status, outcome: answer.outcome };
  const { code, reason } = answer;
  return { status, code, reason, ...(answer.status === 'waiting' ? { until: answer.until } : {}) };
}
