/** What became of one round, in the words of an answer. Pure. */
import { AppError, EXIT, type ErrorCode } from '../platform/errors.js';
import type { JobOutcome } from '../rotation/engine/rotate-jobs.js';
import type { RotationReport } from '../rotation/rules/report.js';
import type { CertificateRound, Round } from './messages.js';

/** How soon to ask again where nothing says when, on average: not all who met the same lease at once. Milliseconds. */
const SOON = 60_000;

/** Unfinished, and nobody has to do anything. `ConfirmationNeeded` is for a person. */
const isUnfinished = ({ code, exitCode }: AppError): boolean =>
  code !== 'ConfirmationNeeded' && (exitCode === EXIT.unfinished || exitCode === EXIT.interrupted);

/** Failures that may be over in a few minutes; nothing was decided by them. */
const TEMPORARY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ConcurrentModification',
  'ProofInconclusive',
  'ServiceUnreachable',
  'Throttled',
]);

function roundOfReport({ outcome, until }: RotationReport, now: Date): Round {
  if (outcome !== 'keepingOld')
    return {
      status: 'done',
      outcome,
      ...(outcome === 'notDue' && until !== undefined ? { dueAt: until.toISOString() } : {}),
    };
  const end = (until ?? now).toISOString();
  return {
    status: 'waiting',
    until: end,
    code: 'KeepingOld',
    reason: `the new certificate is in use; the old one is kept until ${end}`,
  };
}

/** When to ask again after a run that is unfinished. */
function untilOf({ code, details }: AppError, now: Date, random: () => number): Date {
  const { until } = details;
  const named = typeof until === 'string' ? new Date(until) : undefined;
  if (named !== undefined && !Number.isNaN(named.getTime())) return named;
  // What was stopped for lack of time can go on at once.
  return new Date(now.getTime() + (code === 'Interrupted' ? 0 : Math.round(SOON * (0.5 + random()))));
}

/**
 * A failure as an answer.
 * @param shown makes a text fit to be shown to others
 * @param random at least 0, less than 1
 */
export function roundOfError(
  error: AppError,
  now: Date,
  shown: (text: string) => string,
  random: () => number = Math.random,
): Round {
  const { code, message, hint } = error;
  if (isUnfinished(error))
    return {
      status: 'waiting',
      until: untilOf(error, now, random).toISOString(),
      code,
      reason: shown(message),
    };
  return {
    status: 'attention',
    code,
    reason: shown(message),
    ...(hint === undefined ? {} : { remedy: shown(hint) }),
    isTemporary: TEMPORARY.has(code),
  };
}

/** What was not thrown on purpose: its text may hold anything. */
export const asAppError = (error: unknown): AppError =>
  error instanceof AppError
    ? error
    : new AppError('Internal', `internal error: ${error instanceof Error ? error.name : typeof error}`, {
        hint: 'see the log of this request, and report it with its stack trace',
        cause: error,
      });

/** One certificate of a job. */
export function certificateRound(
  { stage, report, error }: JobOutcome,
  now: Date,
  shown: (text: string) => string,
): CertificateRound {
  const about = stage === undefined ? {} : { stage: shown(`${stage.apiName}/${stage.stageName}`) };
  if (report === undefined) return { ...roundOfError(asAppError(error), now, shown), ...about };
  const { oldCertificateId, newCertificateId, warnings } = report;
  return {
    ...roundOfReport(report, now),
    ...about,
    oldCertificateId,
    ...(newCertificateId === undefined ? {} : { newCertificateId }),
    ...(warnings.length === 0
      ? {}
      : { warnings: warnings.map(({ code, message }) => ({ code, message: shown(message) })) }),
  };
}

/** What the round of a whole job is: attention before waiting before done, and of several waits the first to end. */
export function jobRound(rounds: readonly CertificateRound[]): Round {
  const attention = rounds.filter((round) => round.status === 'attention');
  const waiting = rounds
    .filter((round) => round.status === 'waiting')
    .sort((one, other) => one.until.localeCompare(other.until));
  const lasting = attention.find(({ isTemporary }) => !isTemporary) ?? attention[0];
  if (lasting) {
    const { status, code, reason, remedy, isTemporary } = lasting;
    return { status, code, reason, isTemporary, ...(remedy === undefined ? {} : { remedy }) };
  }
  const [first] = waiting;
  if (first) {
    const { status, until, code, reason } = first;
    return { status, until, code, reason };
  }
  const done = rounds.filter((round) => round.status === 'done');
  const changed = done.find(({ outcome }) => outcome !== 'notDue') ?? done[0];
  if (changed === undefined) throw new Error('a job without certificates');
  const { status, outcome, dueAt } = changed;
  return { status, outcome, ...(dueAt === undefined ? {} : { dueAt }) };
}
