import { expect, test } from '@jest/globals';
import { progressLine } from '../../src/cli/progress.js';

test('the slowest source decides when it ends', () => {
  const needs = [
    { expected: 100, done: 50, perSecond: () => 10 },
    { expected: 100, done: 100, perSecond: () => 1 },
    { expected: 40, done: 10, perSecond: () => 1 },
  ];
  expect(progressLine(needs, 3, 1)).toBe(
    '▰▰▰▰▰▰▰▰▰▰▰▰▰▰▰▰▱▱▱▱▱▱▱▱ 1 of 3 sources, 160 of 240 calls, about 30 s to go',
  );
});

test('nothing is promised before anything is known', () => {
  expect(progressLine([], 1, 0)).toBe(`${'▱'.repeat(24)} 0 of 0 calls`);
});
