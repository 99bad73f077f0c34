import type { HostReports } from '../../../acknowledgements/reports.js';
import type { AppError } from '../../../platform/errors.js';
import { untilAborted } from '../../../platform/until-aborted.js';
import { writeFileAtomically } from '../../../platform/write-file.js';
import type { Destination } from './destination.js';
import { followOnce, lookAtLive } from './round.js';
import {
  pauseAfter,
  reportOf,
  SETTLING,
  statusOf,
  type FollowStatus,
  type Identity,
  type Standing,
} from './rules.js';
import type { Source } from './source.js';

/** Reports that expired so long ago are deleted, in milliseconds. */
const PRUNED_AFTER = 86_400_000;

/** A follower, and what it tells. */
export interface Follower {
  source: Source;
  destination: Destination;
  host: string;
  allowOlder: boolean;
  /** Between two looks, in milliseconds. */
  interval: number;
  statusFile?: string | undefined;
  reports?: HostReports | undefined;
  /** Told of every status, and of what went wrong. */
  onStatus: (status: FollowStatus, changed: boolean, error: AppError | undefined) => void;
  now: () => Date;
  /** Waits so many milliseconds; rejects when the signal is aborted. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  random: () => number;
  /** Aborted when it is to stop; a change in progress is completed. */
  signal: AbortSignal;
  /** What was thrown as an AppError. */
  asError: (thrown: unknown) => AppError;
}

const identityOf = ({ source, destination, host }: Follower): Identity => ({
  host,
  from: source.name,
  trustStore: destination.store.name,
});

/** Tells a status. One that cannot be written keeps no list from being applied. */
async function show(follower: Follower, standing: Standing, changed = false): Promise<FollowStatus> {
  const { now, interval, statusFile, onStatus, asError } = follower;
  const made = (what: Standing): FollowStatus =>
    statusOf(identityOf(follower), what, { now: now(), interval });
  let { error } = standing;
  let status = made(standing);
  try {
    if (statusFile !== undefined)
      await writeFileAtomically(statusFile, `${JSON.stringify(status, null, 2)}\n`);
  } catch (thrown) {
    error ??= asError(thrown);
    status = made({ ...standing, error });
  }
  onStatus(status, changed, error);
  return status;
}

/** Says what is live where hosts report. A host on which nothing was ever live does not: it serves nobody yet. */
async function report(follower: Follower, { live }: Standing): Promise<void> {
  const { reports, destination, now, interval } = follower;
  if (!reports) return;
  const wasLive = live ?? (await destination.memory.read().catch(() => undefined))?.applied;
  if (wasLive) await reports.put(reportOf(identityOf(follower), live, { now: now(), interval }));
}

/** Looks once. @throws AppError as {@link followOnce} does, after the status was written; the reason of the signal */
export async function follow(follower: Follower): Promise<{ status: FollowStatus; changed: boolean }> {
  const { standing, changed } = await look(follower, undefined);
  const status = await show(follower, standing, changed);
  if (standing.error) throw standing.error;
  return { status, changed };
}

/** One look, with what is to be said of it. @throws the reason of the signal */
async function look(
  follower: Follower,
  before: Standing | undefined,
): Promise<{ standing: Standing; changed: boolean }> {
  const { source, destination, now, sleep, signal, asError } = follower;
  let standing: Standing;
  let changed = false;
  try {
    const octets = await untilAborted(signal, () => source.read());
    const round = await followOnce(octets, destination, follower);
    ({ changed } = round);
    standing = { state: 'current', live: round.live, notInList: round.notInList, checkedAt: now() };
  } catch (thrown) {
    signal.throwIfAborted();
    const live = await lookAtLive(destination);
    standing = { state: 'failing', live, checkedAt: before?.checkedAt, error: asError(thrown) };
  }
  try {
    if (changed && follower.reports) await sleep(SETTLING, signal);
    await report(follower, standing);
  } catch (thrown) {
    signal.throwIfAborted();
    standing = { ...standing, state: 'failing', error: standing.error ?? asError(thrown) };
  }
  return { standing, changed };
}

/**
 * Keeps the trust store equal to the list until it is asked to stop. A failure is retried later and never ends it.
 * @returns the last status
 */
export async function followOn(follower: Follower): Promise<FollowStatus> {
  const { destination, interval, now, sleep, random, signal, reports } = follower;
  let standing: Standing = { state: 'starting', live: await lookAtLive(destination) };
  await show(follower, standing);
  await reports?.prune(new Date(now().getTime() - PRUNED_AFTER)).catch(() => undefined);
  try {
    for (let failures = 0; ;) {
      const result = await look(follower, standing);
      ({ standing } = result);
      await show(follower, standing, result.changed);
      failures = standing.error ? failures + 1 : 0;
      await sleep(pauseAfter(failures, interval, random()), signal);
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
  // A look that was cut short may have changed what is live.
  standing = { ...standing, live: await lookAtLive(destination) };
  return show(follower, { ...standing, state: 'stopped' });
}
