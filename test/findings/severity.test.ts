import { describe, expect, test } from '@jest/globals';
import { levelOf, worstLevel } from '../../src/findings/severity.js';

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
