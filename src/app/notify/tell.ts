import { AppError } from '../../core/errors.js';
import { planNotice, type NoticeChange, type NoticePlan } from '../../core/notice.js';
import { fileLease } from '../../journal/file-lease.js';
import { whileHeld } from '../../journal/lease.js';
import type { ExpiryReport } from '../check-expiry.js';
import type { Notice, Notifier } from './notifier.js';
import { readToldState, writeToldState, type ToldByWay } from './told-state.js';

/** What one way was told, or would be. */
export interface Told {
  /** The notifier's name. */
  way: string;
  /** What changed since it was last told this way; nothing is sent when nothing did. */
  changes: readonly NoticeChange[];
  notice?: Notice;
  /** Why nobody heard it. */
  failure?: AppError;
}

export interface TellOptions {
  notifiers: readonly Notifier[];
  stateFile: string;
  /** Sends nothing and remembers nothing. */
  dryRun: boolean;
  summary: string;
}

/** Another check with the same memory is at work; it tells what there is within this time. Milliseconds. */
const PATIENCE_MS = 120_000;

const line = ({ was, is, message }: NoticeChange): string =>
  `${is.toUpperCase()}${was === 'ok' ? '' : ` (was ${was})`}: ${message}`;

/**
 * Tells what has changed, once each way: a way that has failed is told again by the next check, the others are not.
 * @throws AppError `FileNotReadable`, `FileNotWritable` about the memory of it; then nobody was told
 */
export async function tell(report: ExpiryReport, options: TellOptions): Promise<Told[]> {
  const { stateFile, dryRun } = options;
  if (dryRun) return plan(report, options, await readToldState(stateFile)).map(({ told }) => told);
  return whileHeld(fileLease(), `notify ${stateFile}`, () => send(report, options), { wait: PATIENCE_MS });
}

async function send(report: ExpiryReport, options: TellOptions): Promise<Told[]> {
  const { stateFile } = options;
  const state = await readToldState(stateFile);
  const plans = plan(report, options, state);
  if (plans.every(({ told }) => told.notice === undefined)) return plans.map(({ told }) => told);
  // Where it could not be remembered, everybody would be told again each night.
  await writeToldState(stateFile, state);
  const results = await Promise.all(plans.map(deliver));
  const heard = plans.filter((_, i) => results[i]?.failure === undefined);
  await writeToldState(stateFile, {
    ...state,
    ...Object.fromEntries(heard.map(({ notifier, next }) => [notifier.key, next])),
  });
  return results;
}

interface Plan {
  notifier: Notifier;
  told: Told;
  next: NoticePlan['next'];
}

function plan(
  { findings, level, checkedAt, sources }: ExpiryReport,
  { notifiers, summary }: TellOptions,
  state: ToldByWay,
): Plan[] {
  const withStages = sources.filter(({ stages }) => stages !== undefined);
  return notifiers.map((notifier) => {
    const { changes, next } = planNotice(findings, state[notifier.key] ?? {}, withStages);
    const text = [summary, ...changes.map(line)].join('\n');
    const notice: Notice = { version: 1, level, checkedAt, summary, text, changes };
    const told = { way: notifier.name, changes, ...(changes.length > 0 ? { notice } : {}) };
    return { notifier, told, next };
  });
}

async function deliver({ notifier, told }: Plan): Promise<Told> {
  if (told.notice === undefined) return told;
  try {
    await notifier.send(told.notice);
    return told;
  } catch (cause) {
    if (cause instanceof AppError) return { ...told, failure: cause };
    throw cause;
  }
}
