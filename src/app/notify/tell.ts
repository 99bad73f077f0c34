import { AppError } from '../../core/errors.js';
import { planNotice, type NoticeChange } from '../../core/notice.js';
import type { ExpiryReport } from '../check-expiry.js';
import type { Notice, Notifier } from './notifier.js';
import { readToldState, writeToldState } from './told-state.js';

export interface Told {
  /** What changed since it was last told; nobody is told when nothing did. */
  changes: NoticeChange[];
  /** What would be, or was, sent. */
  notice?: Notice;
  failures: AppError[];
}

export interface TellOptions {
  notifiers: readonly Notifier[];
  stateFile: string;
  /** Sends nothing and remembers nothing. */
  dryRun: boolean;
  summary: string;
}

const line = ({ was, is, message }: NoticeChange): string =>
  `${is.toUpperCase()}${was === 'ok' ? '' : ` (was ${was})`}: ${message}`;

/**
 * Tells what has changed, once: it is remembered when everybody was told. After a failure everybody is told again by the
 * next check, since one notice too many is better than one too few.
 */
export async function tell(
  report: ExpiryReport,
  { notifiers, stateFile, dryRun, summary }: TellOptions,
): Promise<Told> {
  const { changes, next } = planNotice(report.findings, await readToldState(stateFile));
  if (changes.length === 0) return { changes, failures: [] };
  const { level, checkedAt } = report;
  const text = [summary, ...changes.map(line)].join('\n');
  const notice: Notice = { version: 1, level, checkedAt, summary, text, changes };
  if (dryRun) return { changes, notice, failures: [] };
  const results = await Promise.allSettled(notifiers.map((notifier) => notifier.send(notice)));
  const failures = results.flatMap((result) => {
    if (result.status === 'fulfilled') return [];
    if (result.reason instanceof AppError) return [result.reason];
    throw result.reason;
  });
  if (failures.length === 0) await writeToldState(stateFile, next);
  return { changes, notice, failures };
}
