import { describe, expect, test } from '@jest/globals';
import { datesDiffer, levelOf, worstLevel } from '../../src/core/check-level.js';

describe('worstLevel', () => {
  test.each([
    [[], 'ok'],
    [['ok', 'warning'], 'warning'],
    [['warning', 'unknown', 'ok'], 'unknown'],
    [['unknown', 'critical', 'warning'], 'critical'],
  ] as const)('of %j is %s', (levels, worst) => {
    expect(worstLevel(levels)).toBe(worst);
  });
});

test.each([
  ['expired', 'critical'],
  ['notYetValid', 'warning'],
] as const)('a certificate that is %s is %s', (status, level) => {
  expect(levelOf(status)).toBe(level);
});

describe('datesDiffer', () => {
  const notAfter = new Date('2026-05-01T12:00:00Z');
  test.each([
    ['2026-05-01T12:00:00.999Z', false],
    ['2026-05-01T11:59:59Z', false],
    ['2026-05-01T12:00:02Z', true],
    ['2026-04-30T12:00:00Z', true],
  ])('expirationDate %s: %p', (expirationDate, differ) => {
    expect(datesDiffer({ expirationDate: new Date(expirationDate), notAfter })).toBe(differ);
  });
});
