import { describe, expect, test } from '@jest/globals';
import { daysLeft } from '../../src/certificates/certificate.js';

describe('daysLeft', () => {
  const now = new Date('2026-03-01T12:00:00Z');

  test.each([
    ['2026-03-02T12:00:00Z', 1],
    ['2026-03-02T11:59:59Z', 0],
    ['2026-03-01T12:00:00Z', 0],
    ['2026-03-01T11:59:59Z', -1],
    ['2027-03-01T12:00:00Z', 365],
  ])('an end at %s is %d days away', (notAfter, expected) => {
    expect(daysLeft(new Date(notAfter), now)).toBe(expected);
  });
});
