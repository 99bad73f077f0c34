import { tooManyRequests } from './errors.js';
import type { Settings } from './settings.js';

/** A token bucket; `rate` in tokens a second. */
interface Bucket {
  tokens: number;
  /** Milliseconds, of any steady clock. */
  filledAt: number;
}

/** Operations with a limit of their own, as a share of the limit over all operations (10 a second, burst 40). */
const OPERATION_LIMITS: ReadonlyMap<string, { share: number; burst: number }> = new Map([
  ['CreateDeployment', { share: 0.2 / 10, burst: 1 }],
  ['GetResources', { share: 2.5 / 10, burst: 5 }],
]);

/** The account's pace: real time counts here, whatever the emulator's clock says. */
export interface RateLimiter {
  /**
   * Takes one request from the allowance of the account in the Region.
   * @throws ServiceError 429 with the seconds to wait
   */
  take(account: string, region: string, operation: string, limit: Settings['rateLimit']): void;
  /** Forgets what was used, as after a change of the limit. */
  reset(): void;
}

export function createRateLimiter(nowMs: () => number = () => performance.now()): RateLimiter {
  const buckets = new Map<string, Bucket>();

  function filled(key: string, rate: number, burst: number): Bucket {
    const now = nowMs();
    const bucket = buckets.get(key) ?? { tokens: burst, filledAt: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledAt) / 1000) * rate);
    bucket.filledAt = now;
    buckets.set(key, bucket);
    return bucket;
  }

  return {
    take(account, region, operation, limit) {
      if (limit === false) return;
      const key = `${account}/${region}`;
      const own = OPERATION_LIMITS.get(operation);
      const limits = [
        { key, rate: limit.perSecond, burst: limit.burst },
        ...(own === undefined
          ? []
          : [{ key: `${key}/${operation}`, rate: limit.perSecond * own.share, burst: own.burst }]),
      ].map((each) => ({ ...each, bucket: filled(each.key, each.rate, each.burst) }));
      // A refused request costs nothing, so that nobody who keeps knocking is kept out for ever.
      for (const { bucket, rate } of limits) {
        if (bucket.tokens < 1) throw tooManyRequests(Math.ceil((1 - bucket.tokens) / rate));
      }
      for (const { bucket } of limits) bucket.tokens -= 1;
    },
    reset() {
      buckets.clear();
    },
  };
}
