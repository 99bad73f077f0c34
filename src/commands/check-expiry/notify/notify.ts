import { AppError } from '../../../platform/errors.js';
import { planNotice, type Notice, type NoticeChange, type NoticePlan } from '../../../findings/notice.js';
import { whileHeld, type Lease } from '../../../rotation/journal/lease.js';
import type { Memo } from '../../../rotation/journal/state.js';
import type { ExpiryReport } from '../../../findings/check-expiry.js';
import type { Notifier } from './notifier.js';
import { readNotificationState, writeNotificationState, type StateByChannel } from './state.js';

/** What was sent through one channel, or would be. */
export interface NotificationResult {
  /** The notifier's name. */
  channel: string;
  /** What changed since the last notification through this channel; nothing is sent when nothing did. */
  changes: readonly NoticeChange[];
  notice?: Notice;
  /** Why it could not be delivered. */
  failure?: AppError;
}

export interface NotificationOptions {
  notifiers: readonly Notifier[];
  /** What was sent last. */
  memo: Memo;
  /** Keeps checks with the same memo apart. */
  lease: Lease;
  /** Sends nothing and remembers nothing. */
  dryRun: boolean;
  summary: string;
}

/** How long another check with the same state may take to notify. Milliseconds. */
const PATIENCE_MS = 120_000;

const line = ({ was, is, message }: NoticeChange): string =>
  `${is.toUpperCase()}${was === 'ok' ? '' : ` (was ${was})`}: ${message}`;

/**
 * Notifies each channel once of what has changed; the next check retries only the channels that failed.
 * @throws AppError where the state cannot be read or written; then nothing was sent
 */
export async function notify(
  report: ExpiryReport,
  options: NotificationOptions,
): Promise<NotificationResult[]> {
  const { memo, lease, dryRun } = options;
  if (dryRun) return plan(report, options, await readNotificationState(memo)).map(({ result }) => result);
  return whileHeld(lease, `notify ${memo.name}`, () => send(report, options), { wait: PATIENCE_MS });
}

async function send(report: ExpiryReport, options: NotificationOptions): Promise<NotificationResult[]> {
  const { memo } = options;
  const state = await readNotificationState(memo);
  const plans = plan(report, options, state);
  if (plans.every(({ result }) => result.notice === undefined)) return plans.map(({ result }) => result);
  // If the state could not be written, every check would send the same notifications again.
  await writeNotificationState(memo, state);
  const results = await Promise.all(plans.map(deliver));
  const delivered = plans.filter((_, i) => results[i]?.failure === undefined);
  await writeNotificationState(memo, {
    ...state,
    ...Object.fromEntries(delivered.map(({ notifier, next }) => [notifier.key, next])),
  });
  return results;
}

interface Plan {
  notifier: Notifier;
  result: NotificationResult;
  next: NoticePlan['next'];
}

function plan(
  { findings, level, checkedAt, sources }: ExpiryReport,
  { notifiers, summary }: NotificationOptions,
  state: StateByChannel,
): Plan[] {
  const withStages = sources.filter(({ stages }) => stages !== undefined);
  return notifiers.map((notifier) => {
    const { changes, next } = planNotice(findings, state[notifier.key] ?? {}, withStages);
    const text = [summary, ...changes.map(line)].join('\n');
    const notice: Notice = { version: 1, level, checkedAt, summary, text, changes };
    const result = { channel: notifier.name, changes, ...(changes.length > 0 ? { notice } : {}) };
    return { notifier, result, next };
  });
}

async function deliver({ notifier, result }: Plan): Promise<NotificationResult> {
  if (result.notice === undefined) return result;
  try {
    await notifier.send(result.notice);
    return result;
  } catch (cause) {
    if (cause instanceof AppError) return { ...result, failure: cause };
    throw cause;
  }
}
