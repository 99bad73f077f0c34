import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseThreshold, type Threshold } from '../../src/platform/duration.js';
import {
  datesDiffer,
  assertThresholdOrder,
  DEFAULT_RENEW_BEFORE,
  dueAt,
  expiryStatus,
  GATEWAY_LIFETIME_MS,
  isDue,
} from '../../src/certificates/expiry.js';

const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };
const thresholds = { warning: parseThreshold('30d'), critical: parseThreshold('7d') };

const threshold: fc.Arbitrary<Threshold> = fc.oneof(
  fc.nat(400 * 86_400_000).map((ms) => ({ kind: 'duration', ms }) as const),
  fc.double({ min: 0, max: 100, noNaN: true }).map((percent) => ({ kind: 'share', percent }) as const),
);

describe('expiryStatus', () => {
  test.each([
    ['2025-12-31T23:59:59Z', 'notYetValid'],
    ['2026-01-01T00:00:00Z', 'ok'],
    ['2026-12-01T23:59:59Z', 'ok'],
    ['2026-12-02T00:00:00Z', 'warning'],
    ['2026-12-24T23:59:59Z', 'warning'],
    ['2026-12-25T00:00:00Z', 'critical'],
    ['2026-12-31T23:59:59.999Z', 'critical'],
    ['2027-01-01T00:00:00Z', 'expired'],
    ['2030-01-01T00:00:00Z', 'expired'],
  ])('at %s: %s', (now, status) => {
    expect(expiryStatus(validity, thresholds, new Date(now))).toBe(status);
  });

  test('a share counts from the certificate’s own lifetime', () => {
    const half = { warning: parseThreshold('50%'), critical: parseThreshold('0%') };
    expect(expiryStatus(validity, half, new Date('2026-07-02T11:59:59Z'))).toBe('ok');
    expect(expiryStatus(validity, half, new Date('2026-07-02T12:00:00Z'))).toBe('warning');
  });

  test('a certificate only ever gets worse, whatever the thresholds', () => {
    const worse = ['notYetValid', 'ok', 'warning', 'critical', 'expired'];
    const time = fc.date({
      min: new Date('2025-06-01'),
      max: new Date('2027-06-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(threshold, threshold, time, time, (warning, critical, a, b) => {
        const [earlier, later] = a < b ? [a, b] : [b, a];
        const at = (now: Date): number => worse.indexOf(expiryStatus(validity, { warning, critical }, now));
        expect(at(earlier)).toBeLessThanOrEqual(at(later));
      }),
    );
  });
});

describe('assertThresholdOrder', () => {
  test.each([
    ['30d', '7d', true],
    ['7d', '7d', true],
    ['7d', '30d', false],
    ['33%', '10%', true],
    ['10%', '33%', false],
    ['33%', '120d', true],
    ['33%', '121d', false],
    ['30d', '8%', true],
    ['30d', '9%', false],
  ])('warning %s, critical %s: %p', (warning, critical, accepted) => {
    const check = (): void => {
      assertThresholdOrder({ warning: parseThreshold(warning), critical: parseThreshold(critical) });
    };
    if (accepted) expect(check).not.toThrow();
    else
      expect(check).toThrow(
        expect.objectContaining({ code: 'Usage', hint: expect.stringContaining('30d and 7d') as unknown }),
      );
  });
});

describe('the renewal window', () => {
  test.each([
    ['33%', '2026-09-02T13:12:00Z'],
    ['30d', '2026-12-02T00:00:00Z'],
    ['0s', '2027-01-01T00:00:00Z'],
  ])('of %s opens at %s, and is open from then on', (renewBefore, opens) => {
    const window = parseThreshold(renewBefore);
    const at = new Date(opens);
    expect(dueAt(validity, window)).toEqual(at);
    expect(isDue(validity, window, new Date(at.getTime() - 1))).toBe(false);
    expect(isDue(validity, window, at)).toBe(true);
    expect(isDue(validity, window, new Date('2029-01-01'))).toBe(true);
  });

  test.each(['365d', '100%', '400d'])('of %s would rotate at every run: refused', (renewBefore) => {
    expect(() => dueAt(validity, parseThreshold(renewBefore))).toThrow(
      expect.objectContaining({
        code: 'Usage',
        message: expect.stringContaining('whole life of 365 d'),
        hint: expect.stringContaining('--force'),
      }),
    );
  });

  test('opens at a third of a life of 365 days, unless somebody says otherwise', () => {
    const days = GATEWAY_LIFETIME_MS / 86_400_000;
    expect(days).toBe(365);
    const notAfter = new Date(validity.notBefore.getTime() + GATEWAY_LIFETIME_MS);
    const left = notAfter.getTime() - dueAt({ ...validity, notAfter }, DEFAULT_RENEW_BEFORE).getTime();
    expect(left).toBe(0.33 * GATEWAY_LIFETIME_MS);
  });

  test('a certificate just made is never due', () => {
    fc.assert(
      fc.property(threshold, (renewBefore) => {
        let due: boolean;
        try {
          due = isDue(validity, renewBefore, validity.notBefore);
        } catch {
          return;
        }
        expect(due).toBe(false);
      }),
    );
  });
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
