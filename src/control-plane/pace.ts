import { createTokenBucket, type RequestLimit, type TokenBucket } from './token-bucket.js';

/**
 * What API Gateway's control plane allows an account in a Region over all operations (developer guide, "Amazon API
 * Gateway quotas"). AWS does not raise it.
 */
const ACCOUNT_LIMIT: RequestLimit = { perSecond: 10, burst: 40 };

/**
 * Operations with a limit of their own: 1 in 5 s, and 5 in 2 s. AWS does not say whether these are windows or
 * buckets; evenly spaced requests obey both.
 */
const OPERATION_LIMITS: Readonly<Record<string, RequestLimit>> = {
  CreateDeployment: { perSecond: 0.2, burst: 1 },
  GetResources: { perSecond: 2.5, burst: 1 },
};

/** What is left alone of the burst: requests overtake one another, so AWS can see more at once than were sent. */
const BURST_KEPT = 0.9;

/** The share of the limit that is used unless the user says otherwise: deployments and consoles want some too. */
const DEFAULT_SHARE = 0.8;

/** After throttling the speed is halved, but never below this share of the full one. */
const SLOWEST = 0.05;
/** What each good answer gives back of the full speed. */
const RECOVERY = 0.01;
/** Answers to requests that were on their way when the speed was lowered say nothing new. Milliseconds. */
const EPISODE_MS = 1_000;

/** The speed of all requests to one account and Region. */
export interface Pace {
  /** Resolves when one request of this operation may be sent. First come, first served. */
  take(operation: string): Promise<void>;
  /** AWS answered that requests come too fast, and perhaps how long to wait. */
  throttled(operation: string, retryAfterMs?: number): void;
  /** AWS took a request. */
  accepted(): void;
  /** What there is of counts: requests let through, throttled answers, and the speed in requests a second. */
  readonly counts: Readonly<{ taken: number; throttled: number; perSecond: number }>;
}

export interface PaceOptions {
  /** The share of the limit to use, above 0 and at most 1. */
  share?: number;
  /** Another limit than AWS's own; those of single operations change in proportion. */
  limit?: RequestLimit;
  /** Milliseconds of a steady clock. */
  now?: () => number;
  setTimer?: (run: () => void, ms: number) => void;
}

interface Waiting {
  number: number;
  go: () => void;
}

/** A lane: the requests of one operation, or of all without a limit of their own. */
interface Lane {
  bucket: TokenBucket | undefined;
  blockedUntil: number;
  queue: Waiting[];
}

const scaled = ({ perSecond, burst }: RequestLimit, by: number): RequestLimit => ({
  perSecond: perSecond * by,
  burst: Math.max(1, Math.floor(burst * by)),
});

/** A pace that keeps to AWS's limits, and slows down when AWS says that others are using them too. */
export function createPace({
  share = DEFAULT_SHARE,
  limit = ACCOUNT_LIMIT,
  now = () => performance.now(),
  setTimer = setTimeout,
}: PaceOptions = {}): Pace {
  const full = limit.perSecond * share;
  const burst = Math.max(1, Math.floor(limit.burst * share * BURST_KEPT));
  const shared = createTokenBucket({ perSecond: full, burst }, now());
  const lanes = new Map<string, Lane>();
  const counts = { taken: 0, throttled: 0, perSecond: full };
  let lastNumber = 0;
  let sharedBlockedUntil = 0;
  let loweredAt = -Infinity;
  let wakeAt = Infinity;

  function laneOf(operation: string): Lane {
    const own = OPERATION_LIMITS[operation];
    const name = own === undefined ? '' : operation;
    let lane = lanes.get(name);
    if (lane === undefined) {
      const ownLimit = own && scaled(own, (share * limit.perSecond) / ACCOUNT_LIMIT.perSecond);
      lane = { bucket: ownLimit && createTokenBucket(ownLimit, now()), blockedUntil: 0, queue: [] };
      lanes.set(name, lane);
    }
    return lane;
  }

  const laneWaitMs = ({ bucket, blockedUntil }: Lane, at: number): number =>
    Math.max(blockedUntil - at, bucket?.waitMs(at) ?? 0, 0);
  const sharedWaitMs = (at: number): number => Math.max(sharedBlockedUntil - at, shared.waitMs(at), 0);

  /** Lets through whoever may go, and comes back when the next one may. */
  function pump(): void {
    for (;;) {
      const at = now();
      const waiting = [...lanes.values()].filter((lane) => lane.queue.length > 0);
      if (waiting.length === 0) return;
      const ready = waiting.filter((lane) => laneWaitMs(lane, at) === 0);
      const wait = Math.max(
        sharedWaitMs(at),
        ready.length > 0 ? 0 : Math.min(...waiting.map((lane) => laneWaitMs(lane, at))),
      );
      if (wait > 0) {
        wake(at, wait);
        return;
      }
      const lane = ready.reduce((a, b) => ((a.queue[0]?.number ?? 0) < (b.queue[0]?.number ?? 0) ? a : b));
      shared.take(at);
      lane.bucket?.take(at);
      counts.taken += 1;
      lane.queue.shift()?.go();
    }
  }

  function wake(at: number, wait: number): void {
    const ms = Math.ceil(wait);
    if (wakeAt <= at + ms && wakeAt > at) return;
    wakeAt = at + ms;
    const mine = wakeAt;
    setTimer(() => {
      if (wakeAt === mine) wakeAt = Infinity;
      pump();
    }, ms);
  }

  function setSpeed(at: number, perSecond: number): void {
    counts.perSecond = perSecond;
    shared.setPerSecond(at, perSecond);
  }

  return {
    counts,
    take(operation) {
      return new Promise((go) => {
        laneOf(operation).queue.push({ number: ++lastNumber, go });
        pump();
      });
    },
    throttled(operation, retryAfterMs = 0) {
      const at = now();
      counts.throttled += 1;
      const lane = laneOf(operation);
      if (lane.bucket !== undefined) {
        lane.bucket.empty(at);
        lane.blockedUntil = Math.max(lane.blockedUntil, at + retryAfterMs);
        return;
      }
      shared.empty(at);
      sharedBlockedUntil = Math.max(sharedBlockedUntil, at + retryAfterMs);
      if (at - loweredAt < EPISODE_MS) return;
      loweredAt = at;
      setSpeed(at, Math.max(full * SLOWEST, counts.perSecond / 2));
    },
    accepted() {
      if (counts.perSecond < full) setSpeed(now(), Math.min(full, counts.perSecond + full * RECOVERY));
    },
  };
}
