/** The rules of a published list: what a follower may put in place, whatever it is given. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { TrustedCertificate } from '../../src/certificates/certificate.js';
import { entryKey } from '../../src/certificates/trust-entry.js';
import { AppError } from '../../src/platform/errors.js';
import { acceptList, MAX_LIST_OCTETS, sealed, type AcceptedList } from '../../src/trust/published-list.js';
import { manyLike, mintIdentity } from '../support/certificates.js';

let pool: TrustedCertificate[];
beforeAll(async () => {
  pool = manyLike((await mintIdentity('a1b2c3')).certificate, 6);
});

const octets = (text: string): Buffer => Buffer.from(text, 'latin1');
const pems = (indexes: readonly number[]): string => indexes.map((index) => pool[index]?.pem ?? '').join('');
/** Published once for each of `contents`, one after another. */
const published = (...contents: string[]): string =>
  contents.reduce((before, content) => sealed(content, before, 'latin1'), '');

function outcome(text: string | Uint8Array, known?: AcceptedList, allowOlder = false): AcceptedList | string {
  try {
    return acceptList(typeof text === 'string' ? octets(text) : text, known, allowOlder);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'ListRefused') throw error;
    expect(error.hint).toBeDefined();
    return error.details['reason'] as string;
  }
}

const accepted = (text: string): AcceptedList => {
  const found = outcome(text);
  if (typeof found === 'string') throw new Error(found);
  return found;
};

const fingerprintsOf = (list: AcceptedList | string): string[] =>
  typeof list === 'string' ? [] : list.entries.map(entryKey);

/** Which certificates a list has: at least one. */
const choice = fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 6 });

test('the first line is as documented, and a program for checksums agrees', () => {
  const text = sealed('x\n', '', 'utf8');
  expect(text).toBe(
    '# apigw-cert list version 1 sha256 73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac\nx\n',
  );
  expect(sealed(`# mine\n${text}y\n`, text, 'utf8')).toMatch(
    /^# apigw-cert list version 2 sha256 [0-9a-f]{64}\n# mine\nx\ny\n$/,
  );
});

test('a list that was published is accepted whole, and again', () => {
  fc.assert(
    fc.property(choice, fc.integer({ min: 1, max: 5 }), (indexes, times) => {
      const contents = Array.from({ length: times }, (_, index) => `# change ${index}\n${pems(indexes)}`);
      const text = published(...contents);
      const list = accepted(text);
      expect(list).toMatchObject({ version: times, isWhole: true });
      expect(fingerprintsOf(list)).toEqual(indexes.map((index) => pool[index]?.fingerprintSha256));
      expect(outcome(text, list)).toEqual(list);
      // Nothing to do, nothing published.
      expect(sealed(text, text, 'latin1')).toBe(text);
    }),
    { numRuns: 30 },
  );
});

test('a part of a list, or one with any octet changed, is refused or is the same list', () => {
  fc.assert(
    fc.property(choice, fc.nat(), fc.nat(255), fc.boolean(), (indexes, at, octet, isCut) => {
      const whole = octets(published(pems(indexes)));
      const index = at % whole.length;
      const other = Buffer.from(isCut ? whole.subarray(0, index) : whole);
      if (!isCut) other[index] = octet;
      const found = outcome(other, accepted(published('a\n', 'b\n', pems(indexes))));
      // Of the known version 3 nothing but a higher version can come, which a changed digit alone can say.
      if (typeof found !== 'string') {
        expect(found.version).toBeGreaterThanOrEqual(3);
        expect(fingerprintsOf(found)).toEqual(indexes.map((each) => pool[each]?.fingerprintSha256));
      }
    }),
    { numRuns: 120 },
  );
});

test('whatever comes, what is accepted after a version has at least that version', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: 'binary', maxLength: 80 }).map((text) => octets(text)),
    fc
      .tuple(
        choice,
        fc.array(
          fc.constantFrom(
            '',
            '# x\n',
            '\0',
            '\r\n',
            '-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n',
            '# apigw-cert list version 9 sha256 0\n',
            '{"a":1}',
          ),
        ),
      )
      .map(([indexes, parts]) => octets(parts.join('') + pems(indexes))),
    fc
      .tuple(choice, fc.nat(8))
      .map(([indexes, times]) =>
        octets(published(...Array.from({ length: times + 1 }, (_, index) => `# ${index}\n${pems(indexes)}`))),
      ),
  );
  fc.assert(
    fc.property(hostile, fc.boolean(), (bytes, isVersioned) => {
      const known = accepted(isVersioned ? published('1\n', '2\n', '3\n', pems([0])) : pems([0]));
      const found = outcome(bytes, known);
      if (typeof found === 'string') return;
      expect(found.entries.length).toBeGreaterThan(0);
      if (isVersioned) expect(found.version).toBeGreaterThanOrEqual(4);
      else expect(found.isWhole).toBe(found.version !== undefined);
    }),
    { numRuns: 60 },
  );
});

describe('what is refused', () => {
  const known = (): AcceptedList => accepted(published('', pems([0]), pems([0, 1])));
  test.each<[reason: string, text: () => string]>([
    ['empty', () => ''],
    ['empty', () => published('# nothing\n')],
    ['unreadable', () => 'no list at all'],
    ['unreadable', () => '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
    ['tooLarge', () => 'x'.repeat(MAX_LIST_OCTETS + 1)],
    ['older', () => published(pems([0, 1]))],
    ['conflicting', () => published('', pems([0]), pems([0, 2]))],
    ['noVersion', () => pems([0, 1])],
    ['incomplete', () => `${published('', pems([0]), pems([0, 1, 2]))}\n`],
    ['incomplete', () => `# mine\n${published('', '', '', pems([0, 1, 2]))}`],
    ['incomplete', () => published('', '', '', pems([0, 1])).replaceAll('\n', '\r\n')],
  ])('%s', (reason, text) => {
    expect(outcome(text(), known())).toBe(reason);
    const isOfAge = ['older', 'conflicting', 'noVersion'].includes(reason);
    expect(typeof outcome(text(), known(), true)).toBe(isOfAge ? 'object' : 'string');
  });
});

test('a list without a version adds and removes nothing, unless its age is said to be of no matter', () => {
  expect(outcome(pems([0]))).toMatchObject({ isWhole: false });
  expect(outcome(pems([1]), accepted(pems([0])))).toMatchObject({ isWhole: false });
  expect(outcome(pems([1]), accepted(pems([0])), true)).toMatchObject({ isWhole: true });
});

test('a list that was changed by hand is published anew by the next change, or without one', () => {
  const first = published(pems([0]));
  const edited = `${first}# by hand\n`;
  expect(outcome(edited)).toBe('incomplete');
  expect(outcome(sealed(edited, edited, 'latin1'))).toMatchObject({ version: 2 });
  expect(outcome(sealed(`${edited}${pems([1])}`, edited, 'latin1'))).toMatchObject({ version: 2 });
});

test('a version that cannot be counted on is no version', () => {
  const last = Number.MAX_SAFE_INTEGER;
  const text = `# apigw-cert list version ${last} sha256 ${'0'.repeat(64)}\n`;
  expect(() => sealed('a', text, 'utf8')).toThrow('cannot be counted on');
  expect(outcome(`# apigw-cert list version ${last + 1} sha256 ${'0'.repeat(64)}\n${pems([0])}`)).toBe(
    'incomplete',
  );
});
