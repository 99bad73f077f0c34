import { formatDuration } from '../core/duration.js';

/** Anything shorter needs no word. Milliseconds. */
const SHOW_AFTER = 2_000;
/** Between two lines where there is no terminal, in milliseconds. */
const LINE_EVERY = 60_000;

/** How far something that takes many calls has come. */
export interface CountedCalls {
  /** More calls are needed; after the last one it begins anew. */
  expect(calls: number): void;
  /** One of them is done. */
  done(): void;
  /** `512 of 1320 calls, about 1 m 41 s to go`; nothing before two seconds have passed, nor when all are done. */
  text(): string | undefined;
}

/**
 * Counts calls, and says how long the rest takes at the speed so far.
 * @param eachMinute given the text at most once a minute
 * @param now milliseconds of a steady clock
 */
export function countedCalls(
  eachMinute: (text: string) => void,
  now: () => number = () => performance.now(),
): CountedCalls {
  let expected = 0;
  let done = 0;
  let since = 0;
  let saidAt = 0;
  const text = (): string | undefined => {
    const passed = now() - since;
    if (done === expected || passed < SHOW_AFTER) return undefined;
    const left = done === 0 ? undefined : Math.ceil(((passed / done) * (expected - done)) / 1_000) * 1_000;
    return `${done} of ${expected} calls${left === undefined ? '' : `, about ${formatDuration(left)} to go`}`;
  };
  return {
    expect(calls) {
      if (done === expected) {
        [expected, done] = [0, 0];
        since = saidAt = now();
      }
      expected += calls;
    },
    done() {
      done += 1;
      const said = text();
      if (said === undefined || now() - saidAt < LINE_EVERY) return;
      saidAt = now();
      eachMinute(said);
    },
    text,
  };
}
