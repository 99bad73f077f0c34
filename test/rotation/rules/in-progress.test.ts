import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mayBeInRotation, rotationInProgress } from '../../../src/rotation/rules/in-progress.js';
import { markTags, nextTag, type Mark } from '../../../src/control-plane/marks.js';

const NOW = new Date('2026-11-24T12:00:00Z');
const DAY = 86_400_000;
const FINGERPRINT = Array.from({ length: 32 }, () => 'AB').join(':');

const certificate = (id: string, mark?: Partial<Mark>, ageDays = 1) => ({
  clientCertificateId: id,
  createdDate: new Date(NOW.getTime() - ageDays * DAY),
  tags: mark === undefined ? {} : markTags({ rotationId: 'r1', replaces: 'old', ...mark }),
});
const old = certificate('old', undefined, 300);
const ROTATION = { rotationId: 'r1', oldId: 'old', newId: 'new' };

/** Which of the two is needed, by what stages present. */
function needed(certificates: readonly ReturnType<typeof certificate>[], ...presented: string[]): string[] {
  const ids = new Set(presented);
  return ['old', 'new'].filter((id) => rotationInProgress(id, certificates, ids, NOW) !== undefined);
}

describe('what a rotation in progress needs', () => {
  test('is both certificates, from the making of the new one to the end of trust in the old one', () => {
    const next = certificate('new', { replacesSha256: FINGERPRINT });
    expect(rotationInProgress('old', [old, next], new Set(['new']), NOW)).toEqual(ROTATION);
    expect(rotationInProgress('new', [old, next], new Set(['old']), NOW)).toEqual(ROTATION);
    expect(needed([old, next], 'old')).toEqual(['old', 'new']);
    expect(needed([old, next], 'new')).toEqual(['old', 'new']);
    // The old one is deleted, and trust in it may be left.
    expect(needed([next], 'new')).toEqual(['old', 'new']);
  });

  test('is the old one, while it names one of ACM that takes its place', () => {
    const arn = 'arn:aws:acm:eu-west-1:123456789012:certificate/1';
    const named = { ...old, tags: nextTag({ arn, rotationId: 'r1' }) };
    const rotation = { rotationId: 'r1', oldId: 'old', newId: arn };
    expect(rotationInProgress('old', [named], new Set([arn]), NOW)).toEqual(rotation);
    expect(rotationInProgress('old', [named], new Set(['old']), NOW)).toEqual(rotation);
    expect(rotationInProgress('old', [named], new Set(['other']), NOW)).toBeUndefined();
    expect(
      rotationInProgress('old', [{ ...old, tags: { 'apigw-cert:next': 'x' } }], new Set(['old']), NOW),
    ).toBeUndefined();
    expect(mayBeInRotation('old', [named])).toBe(true);
    expect(mayBeInRotation('other', [named, certificate('other')])).toBe(false);
  });

  test('by a mark that does not say where trust is left: while the old one is there', () => {
    const next = certificate('new', {});
    expect(needed([old, next], 'new')).toEqual(['old', 'new']);
    expect(needed([next], 'new')).toEqual([]);
  });

  test('of one stage alone: until its mark says that it is over, since the old one stays for others', () => {
    const onlyStage = 'api/prod';
    expect(needed([old, certificate('new', { onlyStage, replacesSha256: FINGERPRINT })], 'new')).toEqual([
      'old',
      'new',
    ]);
    expect(needed([old, certificate('new', { onlyStage })], 'new')).toEqual([]);
  });

  test('is nothing where no stage presents any of the two: there is no stage to go back with', () => {
    const next = certificate('new', { replacesSha256: FINGERPRINT });
    expect(needed([old, next], 'other')).toEqual([]);
  });

  test('is not a new one that was rolled back, or that nobody used for a week', () => {
    const rolledBack = certificate('new', { replacesSha256: FINGERPRINT, rolledBack: NOW.toISOString() });
    expect(needed([old, rolledBack], 'old')).toEqual([]);
    expect(needed([old, certificate('new', { replacesSha256: FINGERPRINT }, 7)], 'old')).toEqual([]);
    expect(needed([old, certificate('new', { replacesSha256: FINGERPRINT }, 6.9)], 'old')).toEqual([
      'old',
      'new',
    ]);
    // In use, it is needed however old it is: the old one may be kept for weeks on purpose.
    expect(needed([old, certificate('new', { replacesSha256: FINGERPRINT }, 30)], 'new')).toEqual([
      'old',
      'new',
    ]);
  });

  test('is nothing without a mark, or where a mark names the very certificate that it is on', () => {
    expect(needed([old, certificate('new')], 'old')).toEqual([]);
    expect(needed([certificate('old', { replaces: 'old', replacesSha256: FINGERPRINT })], 'old')).toEqual([]);
  });
});

test.each([
  ['old', true],
  ['new', true],
  ['other', false],
])('%s may be in a rotation: %s', (id, expected) => {
  expect(mayBeInRotation(id, [old, certificate('new', {}), certificate('other')])).toBe(expected);
});

test('the stages are only worth a look where a mark names the certificate', () => {
  const ids = fc.constantFrom<string>('a', 'b', 'c', 'd');
  const marks = fc.option(
    fc.record(
      {
        replaces: ids,
        replacesSha256: fc.constant(FINGERPRINT),
        onlyStage: fc.constant('api/prod'),
        rolledBack: fc.constant(NOW.toISOString()),
      },
      { requiredKeys: ['replaces'] },
    ),
    { nil: undefined },
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(ids, marks, fc.integer({ min: 0, max: 20 })), { selector: ([id]) => id }),
      fc.uniqueArray(ids),
      ids,
      (drawn, presented, id) => {
        const certificates = drawn.map(([name, mark, age]) => certificate(name, mark, age));
        const found = rotationInProgress(id, certificates, new Set(presented), NOW);
        if (found !== undefined) {
          expect(mayBeInRotation(id, certificates)).toBe(true);
          expect([found.oldId, found.newId]).toContain(id);
          expect([found.oldId, found.newId].some((one) => presented.includes(one))).toBe(true);
        }
      },
    ),
  );
});
