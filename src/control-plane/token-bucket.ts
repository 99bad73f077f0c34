/** How many requests a second, and how many at once after a pause. */
export interface RequestLimit {
  perSecond: number;
  burst: number;
}

/** A token bucket. Instants are milliseconds of any steady clock. */
export interface TokenBucket {
  /** Takes a token if there is one. */
  take(now: number): boolean;
  /** Milliseconds until the next token; 0 when there is one. */
  waitMs(now: number): number;
  /** Throws all tokens away: somebody else has used them. */
  empty(now: number): void;
  /** Changes the speed from `now` on. */
  setPerSecond(now: number, perSecond: number): void;
}

/** So that ten times a tenth makes one. */
const ONE = 1 - 1e-9;

/** A full bucket of `burst` tokens. Whoever obeys it takes at most `burst + perSecond · t` in any `t` seconds. */
export function createTokenBucket({ perSecond, burst }: RequestLimit, startedAt: number): TokenBucket {
  let rate = perSecond;
  let tokens = burst;
  let filledAt = startedAt;

  function fill(now: number): void {
    if (now <= filledAt) return;
    tokens = Math.min(burst, tokens + ((now - filledAt) / 1000) * rate);
    filledAt = now;
  }

  return {
    take(now) {
      fill(now);
      if (tokens < ONE) return false;
      tokens -= 1;
      return true;
    },
    waitMs(now) {
      fill(now);
      return tokens >= ONE ? 0 : ((1 - tokens) / rate) * 1000;
    },
    empty(now) {
      fill(now);
      tokens = Math.min(tokens, 0);
    },
    setPerSecond(now, value) {
      fill(now);
      rate = value;
    },
  };
}
