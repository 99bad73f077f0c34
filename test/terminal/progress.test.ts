import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { progressLine, withProgress } from '../../src/terminal/progress.js';

const isTerminal = process.stderr.isTTY;
let written: string[];
beforeEach(() => {
  written = [];
  process.stderr.isTTY = false;
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  process.stderr.isTTY = isTerminal;
});

test('the slowest source decides when it ends', () => {
  const needs = [
    { expected: 100, done: 50, perSecond: () => 10 },
    { expected: 100, done: 100, perSecond: () => 1 },
    { expected: 40, done: 10, perSecond: () => 1 },
  ];
  expect(progressLine(needs, 3, 1)).toBe(
    '▰▰▰▰▰▰▰▰▰▰▰▰▰▰▰▰▱▱▱▱▱▱▱▱ 1 of 3 accounts and Regions, 160 of 240 calls, about 30 s left',
  );
});

test('nothing is promised before anything is known', () => {
  expect(progressLine([], 1, 0)).toBe(`${'▱'.repeat(24)} 0 of 0 calls`);
});

test.each([
  [false, ['120 of 300 calls, about 18 s left\n', '240 of 300 calls, about 6 s left\n']],
  [true, []],
])(
  'without a terminal there is a line a minute at most, and none with --quiet (%s)',
  async (quiet, lines) => {
    let now = 0;
    const source = { account: 'default', region: 'eu-central-1' };
    await withProgress(
      { quiet },
      (progress) => {
        progress?.sources(1);
        progress?.expect(source, 300, () => 10);
        for (let i = 0; i < 300; i++) {
          now += 500;
          progress?.callDone(source);
        }
        return Promise.resolve();
      },
      () => now,
    );
    expect(written).toEqual(lines);
  },
);
