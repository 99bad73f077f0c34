import { formatDuration } from '../platform/duration.js';

/** Anything shorter needs no word. Milliseconds. */
export const SHOW_AFTER = 2_000;
/** Between two lines where there is no terminal, in milliseconds. */
const LINE_EVERY = 60_000;

/** Milliseconds of a clock that nobody sets. */
export type SteadyTime = () => number;

/** Says when another line may be written where there is no terminal: a minute after the one before. */
export function minutely(now: SteadyTime): { isDue: () => boolean; said: () => void } {
  let saidAt = now();
  return {
    isDue: () => now() - saidAt >= LINE_EVERY,
    said: () => {
      saidAt = now();
    },
  };
}

/** `512 of 1320 calls, about 1 m 41 s left` @param left milliseconds, where they can be told */
export function callsText(done: number, expected: number, left: number | undefined): string {
  const end =
    left === undefined || left <= 0 ? '' : `, about ${formatDuration(Math.ceil(left / 1_000) * 1_000)} left`;
  return `${done} of ${expected} calls${end}`;
}

/** How far something that takes many calls has come. */
export interface CountedCalls {
  /** More calls are needed. Once all are done, the count starts over. */
  expect(calls: number): void;
  /** One of them is done. */
  done(): void;
  /** `512 of 1320 calls, about 1 m 41 s left`; nothing before two seconds have passed, nor when all are done. */
  text(): string | undefined;
}

/**
 * Counts calls, and says how long the rest takes at the speed so far.
 * @param eachMinute given the text at most once a minute
 */
export function countedCalls(
  eachMinute: (text: string) => void,
  now: SteadyTime = () => performance.now(),
): CountedCalls {
  let expected = 0;
  let done = 0;
  let since = 0;
  const line = minutely(now);
  const text = (): string | undefined => {
    const passed = now() - since;
    if (done === expected || passed < SHOW_AFTER) return undefined;
    return callsText(done, expected, done === 0 ? undefined : (passed / done) * (expected - done));
  };
  return {
    expect(calls) {
      if (done === expected) {
        [expected, done] = [0, 0];
        since = now();
        line.said();
      }
      expected += calls;
    },
    done() {
      done += 1;
      const said = text();
      if (said === undefined || !line.isDue()) return;
      line.said();
      eachMinute(said);
    },
    text,
  };
}
