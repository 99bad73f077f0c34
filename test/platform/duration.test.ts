import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  durationText,
  formatDuration,
  formatThreshold,
  parseDuration,
  parseThreshold,
  thresholdMs,
} from '../../src/platform/duration.js';
import { AppError } from '../../src/platform/errors.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;

/** The AppError that `action` throws. */
function errorOf(action: () => unknown): AppError {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseDuration', () => {
  test.each([
    ['30d', 30 * DAY],
    ['12h', 12 * HOUR],
    ['90m', 90 * 60_000],
    ['45s', 45_000],
    ['500ms', 500],
    ['1w', 7 * DAY],
    ['1d12h', 36 * HOUR],
    ['1d 12h', 36 * HOUR],
    [' 5 m ', 300_000],
    ['1.5h', 90 * 60_000],
    ['1.2 s', 1_200],
    ['0s', 0],
    ['2m3ms', 120_003],
    ['36500d', 36_500 * DAY],
  ])('%j is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    ['', 'longest first'],
    [' ', 'longest first'],
    ['30', '"30d" for days'],
    ['0', '"0d" for days'],
    ['-5m', 'without a sign'],
    ['d', 'longest first'],
    ['30x', 'longest first'],
    ['30D', 'longest first'],
    ['1M', 'longest first'],
    ['1y', 'longest first'],
    ['12h1d', 'longest first'],
    ['1d1d', 'longest first'],
    ['1d foo', 'longest first'],
    ['1d12', 'longest first'],
    ['1e3s', 'longest first'],
    ['1,5h', 'longest first'],
    ['.5h', 'longest first'],
    ['33%', 'longest first'],
    ['36501d', 'shorter'],
    [`${'9'.repeat(400)}d`, 'shorter'],
    ['Infinity', 'longest first'],
    ['1d\u001b[31m', 'longest first'],
  ])('%j is refused with a hint', (text, hint) => {
    const error = errorOf(() => parseDuration(text));
    expect(error.code).toBe('Usage');
    expect(error.hint).toContain(hint);
  });

  test('text of any kind is either a whole number of milliseconds or a usage error', () => {
    const pieces = fc.constantFrom('1', '90', '.', '5', 'd', 'h', 'm', 's', 'ms', 'w', ' ', '-', '%', 'x');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces, { maxLength: 12 }).map((p) => p.join('')),
        ),
        (text) => {
          let ms: number;
          try {
            ms = parseDuration(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'Usage' });
            return;
          }
          expect(Number.isSafeInteger(ms) && ms >= 0).toBe(true);
        },
      ),
    );
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0 ms'],
    [999.9, '999 ms'],
    [1_000, '1 s'],
    [1_290, '1.2 s'],
    [59_999, '59.9 s'],
    [60_000, '1 m'],
    [300_000, '5 m'],
    [330_000, '5 m 30 s'],
    [HOUR + 59_000, '1 h'],
    [36 * HOUR, '1 d 12 h'],
    [3 * DAY, '3 d'],
    [10 * DAY + 23 * HOUR, '10 d'],
    [340 * DAY, '340 d'],
    [-2 * DAY, '-2 d'],
    [-0.5, '0 ms'],
  ])('%d ms is %j', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('is read back: exactly for a round value, never as more, and written the same again', () => {
    fc.assert(
      fc.property(fc.nat(36_500 * DAY), (ms) => {
        const text = formatDuration(ms);
        expect(parseDuration(text)).toBeLessThanOrEqual(ms);
        expect(formatDuration(parseDuration(text))).toBe(text);
      }),
    );
    const round = fc.oneof(
      fc.nat(36_500).map((n) => n * DAY),
      fc.integer({ min: 0, max: 239 }).map((n) => n * HOUR),
      fc.integer({ min: 0, max: 1_439 }).map((n) => n * 60_000),
      fc.integer({ min: 0, max: 3_599 }).map((n) => n * 1_000),
      fc.integer({ min: 0, max: 999 }),
    );
    fc.assert(
      fc.property(round, (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

describe('parseThreshold', () => {
  test.each([
    ['30d', { kind: 'duration', ms: 30 * DAY }],
    ['33%', { kind: 'share', percent: 33 }],
    ['33.3 %', { kind: 'share', percent: 33.3 }],
    ['0%', { kind: 'share', percent: 0 }],
    ['100%', { kind: 'share', percent: 100 }],
  ])('%j', (text, threshold) => {
    expect(parseThreshold(text)).toEqual(threshold);
  });

  test.each(['101%', '-1%', '%', 'a%', '1e1%', '33', '', '3%%'])('%j is refused', (text) => {
    expect(errorOf(() => parseThreshold(text)).code).toBe('Usage');
  });

  test.each([
    ['33%', 365 * DAY, 120.45 * DAY],
    ['30d', 365 * DAY, 30 * DAY],
    ['30d', 1 * DAY, 30 * DAY],
    ['100%', 90 * DAY, 90 * DAY],
  ])('%s of a life of %d ms is %d ms', (text, lifetime, ms) => {
    expect(thresholdMs(parseThreshold(text), lifetime)).toBe(ms);
  });

  test.each(['30d', '33%', '12.5%', '10d12h', '1d12h30m'])('%s is written as it was read', (text) => {
    expect(formatThreshold(parseThreshold(text))).toBe(text);
  });
});

test('durationText writes to the millisecond what parseDuration reads', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 36_500 * DAY }), (ms) => {
      expect(parseDuration(durationText(ms))).toBe(ms);
    }),
  );
  expect([30 * DAY, 36 * HOUR, 90 * 60_000, 1_200, 0].map(durationText)).toEqual([
    ...['30d', '1d12h', '1h30m', '1s200ms', '0s'],
  ]);
});
