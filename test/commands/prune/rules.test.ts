import { describe, expect, test } from '@jest/globals';
import type { CertificateRow } from '../../../src/control-plane/fleet-view.js';
import { pruneReason } from '../../../src/commands/prune/rules.js';
import { markTags } from '../../../src/control-plane/marks.js';

const NOW = new Date('2026-11-24T12:00:00Z');
const DAY = 86_400_000;
const days = (n: number): Date => new Date(NOW.getTime() + n * DAY);

function row(
  id: string,
  more: Partial<CertificateRow> & { age?: number; replaces?: string } = {},
): CertificateRow {
  const { age = 40, replaces, ...rest } = more;
  return {
    account: 'default',
    region: 'eu-west-1',
    clientCertificateId: id,
    createdDate: days(-age),
    notBefore: days(-age),
    notAfter: days(365 - age),
    expirationDate: days(365 - age),
    status: 'ok',
    daysLeft: 365 - age,
    subject: 'CN=ApiGateway',
    issuer: 'CN=ApiGateway',
    serialNumber: '01',
    fingerprintSha256: 'AA',
    usedBy: [],
    tags: replaces === undefined ? {} : markTags({ rotationId: 'r', replaces }),
    ...rest,
  };
}

const inUse = [{ restApiId: 'api', apiName: 'orders', stageName: 'prod' }];
const reason = (of: CertificateRow, ...siblings: CertificateRow[]) =>
  pruneReason(of, [of, ...siblings], 30 * DAY, NOW);

describe('pruneReason', () => {
  test('an ended certificate may go, one in use or of unknown use never', () => {
    const ended = { status: 'expired', notAfter: days(-31) } as const;
    expect(reason(row('a', ended))).toBe('expired');
    expect(reason(row('a', { ...ended, usedBy: inUse }))).toBeUndefined();
    const unread = row('a', ended);
    delete unread.usedBy;
    expect(reason(unread)).toBeUndefined();
  });

  test('what a rotation made and left unused may go, while the certificate to be replaced is there', () => {
    expect(reason(row('b', { replaces: 'a' }), row('a', { usedBy: inUse }))).toBe('abortedRotation');
  });

  test('not while the rotation may still go on', () => {
    expect(reason(row('b', { replaces: 'a', age: 6 }), row('a', { usedBy: inUse }))).toBeUndefined();
  });

  test('the way back of a rotation under way stays, though a rotation made it once, too', () => {
    const old = row('b', { replaces: 'a', age: 250 });
    const next = row('c', { replaces: 'b', age: 1, usedBy: inUse });
    expect(reason(old, next)).toBeUndefined();
  });

  test('nor does the way back of a rotation in progress go once it has expired', () => {
    const ended = { status: 'expired', notAfter: days(-31), age: 396 } as const;
    const next = row('b', { replaces: 'a', age: 1, usedBy: inUse });
    expect(reason(row('a', ended), next)).toBeUndefined();
    expect(reason(row('a', ended), row('b', { replaces: 'a', age: 1 }))).toBe('expired');
  });

  test('nor does the way back go whose own way back is still there', () => {
    const first = row('a', { age: 340 });
    const old = row('b', { replaces: 'a', age: 250 });
    const next = row('c', { replaces: 'b', age: 1, usedBy: inUse });
    expect(reason(old, first, next)).toBeUndefined();
  });

  test('nor does one go that a certificate of one stage alone has taken the place of', () => {
    const first = row('a', { age: 340, usedBy: inUse });
    const old = row('b', { replaces: 'a', age: 250 });
    const tags = markTags({ rotationId: 'r2', replaces: 'b', onlyStage: 'api/prod' });
    expect(reason(old, first, row('c', { tags, age: 100, usedBy: inUse }))).toBeUndefined();
    expect(reason(old, first)).toBe('abortedRotation');
  });

  test.each([
    [6, undefined],
    [7, 'abortedRotation'],
  ])('one that is %d days old, where no stage presents what it was to replace', (age, expected) => {
    const made = row('b', { replaces: 'a', age });
    expect(pruneReason(made, [made, row('a')], DAY, NOW)).toBe(expected);
  });

  test('one whose date has passed by this clock alone stays', () => {
    expect(reason(row('a', { status: 'ok', notAfter: days(-31) }))).toBeUndefined();
  });

  test.each([
    ['a day before', -29, undefined],
    ['at once when', -30, 'expired'],
  ])('an expired one goes after the given time, not %s', (_, expired, expected) => {
    expect(reason(row('a', { status: 'expired', notAfter: days(expired) }))).toBe(expected);
  });

  test.each([
    // For a week a rotation may go on, however short the given time.
    [1, 6, undefined],
    [1, 7, 'abortedRotation'],
    // And for the given time where that is longer.
    [30, 29, undefined],
    [30, 30, 'abortedRotation'],
  ])('older than %d days: one of an unfinished rotation that is %d days old', (olderThan, age, expected) => {
    const made = row('b', { replaces: 'a', age });
    expect(pruneReason(made, [made, row('a', { usedBy: inUse })], olderThan * DAY, NOW)).toBe(expected);
  });

  test.each([
    [3, 2, undefined],
    [3, 3, 'abortedRotation'],
  ])('older than %d days: one that was rolled back and is %d days old', (olderThan, age, expected) => {
    const tags = markTags({ rotationId: 'r', replaces: 'a', rolledBack: days(-1).toISOString() });
    const made = row('b', { tags, age });
    expect(pruneReason(made, [made, row('a', { usedBy: inUse })], olderThan * DAY, NOW)).toBe(expected);
  });

  test('one whose rotation came to its end, and that people took from its stage, is theirs', () => {
    expect(reason(row('b', { replaces: 'a', age: 250 }))).toBeUndefined();
  });

  test('one that was rolled back may go, with its predecessor or without', () => {
    const tags = markTags({ rotationId: 'r', replaces: 'a', rolledBack: days(-35).toISOString() });
    expect(reason(row('b', { tags }))).toBe('abortedRotation');
  });

  test("one that --to named is not the rotation's to delete", () => {
    const tags = markTags({ rotationId: 'r', replaces: 'a', adopted: true });
    expect(reason(row('b', { tags }), row('a', { usedBy: inUse }))).toBeUndefined();
  });
});
