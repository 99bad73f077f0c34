/** A clock that only goes on, and that can be set once by one that is known to be right. */
export interface SteadyClock {
  readonly now: () => Date;
  /**
   * Sets it by the time that a server gives, where they are further apart than an answer takes. The first time counts:
   * what is measured by this clock later must not be moved.
   * @param local the machine's own time at that moment
   */
  readonly correct: (serverTime: Date, local: Date) => void;
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
  return {
    now: () => new Date(offset + monotonic()),
    correct: (serverTime, local) => {
      if (isCorrected) return;
      isCorrected = true;
      const ahead = local.getTime() - serverTime.getTime();
      if (Math.abs(ahead) > NEAR) offset -= ahead;
    },
  };
}
