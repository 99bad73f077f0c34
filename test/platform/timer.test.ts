import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { after, sleep } from '../../src/platform/timer.js';

const DAY = 86_400_000;

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('whatever was chosen, also over months, is waited for to the millisecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 * DAY }), (ms) => {
      jest.useFakeTimers();
      const work = jest.fn();
      after(ms, work);
      jest.advanceTimersByTime(ms - 1);
      expect(work).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(work).toHaveBeenCalledTimes(1);
    }),
    { examples: [[2_147_483_647], [2_147_483_648], [25 * DAY], [50 * DAY]], numRuns: 50 },
  );
});

test('what was cancelled, also in its second month, does not happen', () => {
  const work = jest.fn();
  const cancel = after(60 * DAY, work);
  jest.advanceTimersByTime(40 * DAY);
  cancel();
  jest.advanceTimersByTime(40 * DAY);
  expect(work).not.toHaveBeenCalled();
});

test('a wait ends with its signal', async () => {
  jest.useRealTimers();
  const abort = new AbortController();
  const waiting = sleep(60 * DAY, abort.signal);
  abort.abort();
  await expect(waiting).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
});
