/** When a follower looks again, and what it says of itself. */
import type { HostReport } from '../../../acknowledgements/host-report.js';
import type { AuthorityView } from '../../../certificates/trust-entry.js';
import type { AppError } from '../../../platform/errors.js';
import type { Live } from './round.js';

/** After a failure, no pause is longer, unless the interval is. Milliseconds. */
const LONGEST_RETRY = 60_000;
/** How long a look and a change may take at most, in milliseconds. */
const WORK = 120_000;
/**
 * A reload is a signal to most servers, and the new list is in use some milliseconds after its command has ended. In
 * milliseconds, with a margin.
 */
export const SETTLING = 2_000;

/**
 * The pause until the next look, in milliseconds: the interval or up to a fifth less, so that hosts that began together do
 * not keep asking together. After failures it doubles with each, up to a minute or the interval.
 * @param failures in a row
 * @param random from 0 up to 1
 */
export function pauseAfter(failures: number, interval: number, random: number): number {
  const longest = Math.max(interval, LONGEST_RETRY);
  const backedOff = failures < 2 ? interval : Math.min(interval * 2 ** Math.min(failures - 1, 32), longest);
  return Math.round(backedOff * (1 - 0.2 * random));
}

/** How long a report or a status counts, in milliseconds: three pauses, and what a change may take. */
export const lifetime = (interval: number): number => 3 * Math.max(interval, LONGEST_RETRY) + WORK;

/** What a follower is, for the words of its status. */
export interface Identity {
  host: string;
  from: string;
  trustStore: string;
}

/**
 * `current`: the trust store was equal to the list at the last look. `failing`: the last look or change failed. `starting`
 * and `stopped`: there was none yet, there will be none.
 */
export type FollowState = 'starting' | 'current' | 'failing' | 'stopped';

/** What a follower says of itself. */
export interface FollowStatus extends Identity {
  state: FollowState;
  /** The version of the list that is live; absent where that has none. */
  listVersion?: number;
  /** The exact certificates that the server trusts, by SHA-256; absent where that is not known. */
  fingerprintsSha256?: readonly string[];
  /** The roots with a name that it trusts, where there are any. */
  authorities?: readonly AuthorityView[];
  /** Since when; ISO 8601, UTC. */
  since?: string;
  /** Of these, the ones that the list does not have. */
  notInList?: readonly string[];
  /** When the list was last read and accepted; ISO 8601, UTC. */
  checkedAt?: string;
  /** Why the last look or change failed. */
  error?: { code: string; message: string; hint?: string };
  updatedAt: string;
  /** The status says nothing any more after that. */
  validUntil: string;
}

/** What a status is made of. */
export interface Standing {
  state: FollowState;
  live?: Live | undefined;
  notInList?: readonly string[];
  checkedAt?: Date | undefined;
  error?: AppError | undefined;
}

export function statusOf(
  identity: Identity,
  { state, live, notInList = [], checkedAt, error }: Standing,
  { now, interval }: { now: Date; interval: number },
): FollowStatus {
  const until = state === 'stopped' ? 0 : lifetime(interval);
  return {
    ...identity,
    state,
    ...live,
    ...(notInList.length > 0 ? { notInList } : {}),
    ...(checkedAt ? { checkedAt: checkedAt.toISOString() } : {}),
    ...(error
      ? {
          error: {
            code: error.code,
            message: error.message,
            ...(error.hint === undefined ? {} : { hint: error.hint }),
          },
        }
      : {}),
    updatedAt: now.toISOString(),
    validUntil: new Date(now.getTime() + until).toISOString(),
  };
}

/**
 * Whether callers may be sent to the host: what its server trusts is known. That the list cannot be read at the moment does
 * not count, or an outage of its store would take all hosts away.
 */
export const isHealthy = ({ fingerprintsSha256, validUntil }: FollowStatus, now: Date): boolean =>
  fingerprintsSha256 !== undefined && now < new Date(validUntil);

/** The report of a host; a stopped follower leaves its last one, since its server goes on. */
export const reportOf = (
  { host, trustStore }: Identity,
  live: Live | undefined,
  { now, interval }: { now: Date; interval: number },
): HostReport => ({
  host,
  trustStore,
  ...(live?.listVersion === undefined ? {} : { listVersion: live.listVersion }),
  ...(live === undefined ? {} : { fingerprintsSha256: live.fingerprintsSha256 }),
  ...(live?.authorities === undefined ? {} : { authorities: live.authorities }),
  reportedAt: now,
  expiresAt: new Date(now.getTime() + lifetime(interval)),
});
