import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import {
  inheritedTags,
  isMarkTag,
  keepOldMark,
  keepOldOf,
  MARK_TAG_KEYS,
  markedDescription,
  markTags,
  plainDescription,
  readMark,
  removedCertificates,
  removedTag,
  type Mark,
} from '../../src/control-plane/marks.js';

const id = fc.stringMatching(/^[a-z0-9]{6}$/);
const time = fc
  .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
  .map((date) => date.toISOString());
const marks: fc.Arbitrary<Mark> = fc.record(
  {
    rotationId: fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/),
    replaces: id,
    onlyStage: fc.stringMatching(/^[a-z0-9]{10}\/\w[\w-]{0,20}$/),
    adopted: fc.constant(true),
    trustedBefore: fc.constant(true),
    rolledBack: time,
    withdrawn: time,
    keepOld: fc.nat(31_536_000).map((seconds) => keepOldMark(seconds * 1000)),
    replacesSha256: fc
      .array(fc.integer({ min: 0, max: 255 }), { minLength: 32, maxLength: 32 })
      .map((bytes) => bytes.map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':')),
  },
  { requiredKeys: ['rotationId', 'replaces'] },
);

describe('a certificate that is deleted', () => {
  const fingerprintSha256 = Array.from({ length: 32 }, () => 'AB').join(':');

  test('is read from the tags of the one that is left, as it was written', () => {
    const one = { clientCertificateId: 'abc123', fingerprintSha256 };
    const two = { clientCertificateId: 'def456', fingerprintSha256, onlyStage: 'abcdefghij/prod' };
    const tags = { team: 'a', ...markTags({ rotationId: 'r1', replaces: 'c1' }), ...removedTag(one) };
    expect(removedCertificates(tags)).toEqual([one]);
    expect(removedCertificates({ ...tags, ...removedTag(two) })).toEqual([one, two]);
    expect(removedCertificates({ team: 'a' })).toEqual([]);
    expect(inheritedTags(tags)).toEqual({ team: 'a' });
    expect(Object.keys(tags).filter(isMarkTag)).toEqual([
      'apigw-cert:rotation',
      'apigw-cert:replaces',
      'apigw-cert:removed:abc123',
    ]);
    for (const [key, value] of Object.entries({ ...removedTag(one), ...removedTag(two) })) {
      expect(key).toMatch(/^[\w:+=./@ -]{1,128}$/);
      expect(value).toMatch(/^[\w:+=./@ -]{0,256}$/);
    }
  });

  test.each([
    ['no id', { 'apigw-cert:removed:': fingerprintSha256 }],
    ['an id that is none', { 'apigw-cert:removed:../x': fingerprintSha256 }],
    ['no fingerprint', { 'apigw-cert:removed:abc123': '' }],
    ['more than there can be', { 'apigw-cert:removed:abc123': `${fingerprintSha256} a b` }],
    ['half a fingerprint', { 'apigw-cert:removed:abc123': 'AB:AB' }],
  ])('is not read from %s', (_, tags) => {
    expect(removedCertificates(tags)).toEqual([]);
  });
});

describe('a mark', () => {
  test('is read from tags as it was written, whatever else there is', () => {
    fc.assert(
      fc.property(marks, fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.string()), (mark, others) => {
        expect(readMark({ tags: { ...others, ...markTags(mark) } })).toEqual(mark);
      }),
    );
  });

  test('is read from the description where tags are denied, and leaves what the user wrote', () => {
    fc.assert(
      fc.property(marks, fc.string(), (mark, text) => {
        const description = markedDescription(text, mark);
        expect(readMark({ tags: {}, description })).toEqual(mark);
        expect(plainDescription(description)).toBe(plainDescription(text).trim());
        // Written again, as a rollback does, it is not doubled.
        expect(readMark({ tags: {}, description: markedDescription(description, mark) })).toEqual(mark);
      }),
    );
  });

  test('fits into AWS tags', () => {
    fc.assert(
      fc.property(marks, (mark) => {
        for (const [key, value] of Object.entries(markTags(mark))) {
          expect(key).toMatch(/^[\w:+=./@ -]{1,128}$/);
          expect(key).not.toMatch(/^aws:/);
          expect(value).toMatch(/^[\w:+=./@ -]{0,256}$/);
        }
      }),
    );
  });

  test.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['half of one', { 'apigw-cert:rotation': 'r1' }],
    ['the other half', { 'apigw-cert:replaces': 'aaaaaa' }],
    ['an empty one', { 'apigw-cert:rotation': '', 'apigw-cert:replaces': '' }],
    ['an id with something before it', { 'apigw-cert:rotation': '/r1', 'apigw-cert:replaces': 'aaaaaa' }],
    ['an id with something behind it', { 'apigw-cert:rotation': 'r1/', 'apigw-cert:replaces': 'aaaaaa' }],
    [
      'an id that would leave the directory of journals',
      { 'apigw-cert:rotation': '../../etc/x', 'apigw-cert:replaces': 'aaaaaa' },
    ],
    [
      'an id too long for a file name',
      { 'apigw-cert:rotation': 'x'.repeat(129), 'apigw-cert:replaces': 'aaaaaa' },
    ],
  ])('%s is none', (_, tags) => {
    expect(readMark({ tags })).toBeUndefined();
  });

  test('is complete with an id as long as the name of a file may be', () => {
    const rotationId = 'x'.repeat(128);
    expect(readMark({ tags: markTags({ rotationId, replaces: 'aaaaaa' }) })).toEqual({
      rotationId,
      replaces: 'aaaaaa',
    });
  });

  test.each([
    'orders [apigw-cert rotation=r1 replaces=aaaaaa] (see the wiki)',
    'orders [apigw-cert rotation=r1 replaces=aaaaaa',
    'orders (apigw-cert rotation=r1 replaces=aaaaaa)',
    '[apigw-cert rotation=r1 replaces=]',
  ])('is none where it is not the end of a description: %s', (description) => {
    expect(readMark({ tags: {}, description })).toBeUndefined();
    expect(plainDescription(description)).toBe(description);
  });

  test('leaves the description that it is put behind', () => {
    const description = markedDescription('orders, prod', { rotationId: 'r1', replaces: 'aaaaaa' });
    expect(description).toBe('orders, prod [apigw-cert rotation=r1 replaces=aaaaaa]');
    expect(plainDescription(description)).toBe('orders, prod');
    expect(markedDescription('', { rotationId: 'r1', replaces: 'aaaaaa' })).toBe(
      '[apigw-cert rotation=r1 replaces=aaaaaa]',
    );
  });

  test('in the description goes before tags, and nothing of theirs is added to it', () => {
    fc.assert(
      fc.property(marks, marks, fc.string(), (earlier, later, text) => {
        const description = markedDescription(text, later);
        expect(readMark({ tags: markTags(earlier), description })).toEqual(later);
      }),
    );
    // Half of one is no mark.
    const mark = { rotationId: 'r2', replaces: 'bbbbbb' };
    expect(readMark({ tags: markTags(mark), description: '[apigw-cert rotation=r1]' })).toEqual(mark);
  });

  test('says nothing that it cannot mean', () => {
    const sha = Array.from({ length: 32 }, () => 'AB').join(':');
    const tags = {
      ...markTags({ rotationId: 'r1', replaces: 'aaaaaa' }),
      'apigw-cert:adopted': 'false',
      'apigw-cert:trusted-before': 'yes',
      'apigw-cert:only-stage': '',
      'apigw-cert:rolled-back': '',
      'apigw-cert:withdrawn': '',
    };
    for (const keepOld of ['7d', '-1s', '1s ', ' 1s', '12345678901s']) {
      for (const replacesSha256 of ['', `${sha}:AB`, `AB:${sha}`, sha.toLowerCase(), sha.slice(3)]) {
        const more = { 'apigw-cert:keep-old': keepOld, 'apigw-cert:replaces-sha256': replacesSha256 };
        expect(readMark({ tags: { ...tags, ...more } })).toEqual({ rotationId: 'r1', replaces: 'aaaaaa' });
      }
    }
  });

  test('keeps the time of --keep-old to the second, and no shorter', () => {
    expect(keepOldMark(1_001)).toBe('2s');
    expect(keepOldOf({ rotationId: 'r', replaces: 'a', keepOld: '604800s' })).toBe(604_800_000);
    expect(keepOldOf({ rotationId: 'r', replaces: 'a', keepOld: 'a week' })).toBeUndefined();
    expect(keepOldOf({ rotationId: 'r', replaces: 'a' })).toBeUndefined();
  });

  test('uses no other tags than those that are taken away with it', () => {
    fc.assert(
      fc.property(marks, (mark) => {
        expect(MARK_TAG_KEYS).toEqual(expect.arrayContaining(Object.keys(markTags(mark))));
      }),
    );
    expect(MARK_TAG_KEYS.every((key) => key.startsWith('apigw-cert:'))).toBe(true);
  });

  test('is not inherited by the successor, nor is what belongs to AWS', () => {
    const tags = {
      team: 'orders',
      'aws:cloudformation:stack-name': 's',
      ...markTags({ rotationId: 'r', replaces: 'x' }),
    };
    expect(inheritedTags(tags)).toEqual({ team: 'orders' });
  });
});
