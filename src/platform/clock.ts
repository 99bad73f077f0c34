/** A clock that only goes on, and that can be set once by one that is known to be right. */
export interface SteadyClock {
  readonly now: () => Date;
  /**
   * Sets it by the time that a server gives at this moment, where they are further apart than an answer takes. The first
   * time counts: what is measured by this clock later must not be moved. The machine's own time at this moment says nothing,
   * since it may have jumped after this clock was made.
   */
  readonly correct: (serverTime: Date) => void;
}

/** An HTTP date has whole seconds, and an answer takes a while. Milliseconds. */
const NEAR = 5_000;

/**
 * The wall clock's time of when it was made, and what has passed since by a clock that nobody sets. A jump of the
 * machine's clock must not end a wait within a run, nor a wrong one the wait that an earlier run began.
 * @param wall milliseconds since the epoch
 * @param monotonic milliseconds since anything
 */
export function steadyClock(
  wall: () => number = Date.now,
  monotonic: () => number = () => performance.now(),
): SteadyClock {
  let offset = wall() - monotonic();
  let isCorrected = false;
  const now = (): number => offset + monotonic();
  return {
    now: () => new Date(now()),
    correct: (serverTime) => {
      if (isCorrected) return;
      isCorrected = true;
      const ahead = now() - serverTime.getTime();
      if (Math.abs(ahead) > NEAR) offset -= ahead;
    },
  };
}
