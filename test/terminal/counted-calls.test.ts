import { expect, test } from '@jest/globals';
import { countedCalls } from '../../src/terminal/counted-calls.js';

function counted() {
  let now = 0;
  const said: string[] = [];
  const calls = countedCalls(
    (text) => said.push(text),
    () => now,
  );
  return {
    calls,
    said,
    /** So many calls are done, one in so many milliseconds. */
    pass: (count: number, ms: number): void => {
      for (let i = 0; i < count; i++) {
        now += ms;
        calls.done();
      }
    },
  };
}

test('nothing is shown for two seconds, then how far it is and how long it takes, and nothing at the end', () => {
  const { calls, pass } = counted();
  expect(calls.text()).toBeUndefined();
  calls.expect(1320);
  expect(calls.text()).toBeUndefined();
  pass(19, 100);
  expect(calls.text()).toBeUndefined();
  pass(1, 100);
  expect(calls.text()).toBe('20 of 1320 calls, about 2 m 10 s left');
  pass(1299, 100);
  expect(calls.text()).toBe('1319 of 1320 calls, about 1 s left');
  pass(1, 100);
  expect(calls.text()).toBeUndefined();
});

test('a line a minute, not more', () => {
  const { calls, said, pass } = counted();
  calls.expect(1320);
  pass(1320, 125);
  expect(said).toEqual(['480 of 1320 calls, about 1 m 45 s left', '960 of 1320 calls, about 45 s left']);
});

test('calls that become known later are added, and after the end it begins anew', () => {
  const { calls, said, pass } = counted();
  calls.expect(10);
  pass(5, 1_000);
  calls.expect(10);
  expect(calls.text()).toBe('5 of 20 calls, about 15 s left');
  pass(15, 1_000);
  calls.expect(4);
  expect(calls.text()).toBeUndefined();
  pass(2, 3_000);
  expect(calls.text()).toBe('2 of 4 calls, about 6 s left');
  expect(said).toEqual([]);
});
