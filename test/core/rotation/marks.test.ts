import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import {
  inheritedTags,
  markedDescription,
  markTags,
  plainDescription,
  readMark,
  type Mark,
} from '../../../src/core/rotation/marks.js';

const id = fc.stringMatching(/^[a-z0-9]{6}$/);
const marks: fc.Arbitrary<Mark> = fc.record(
  {
    rotationId: fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/),
    replaces: id,
    onlyStage: fc.stringMatching(/^[a-z0-9]{10}\/\w[\w-]{0,20}$/),
    adopted: fc.constant(true),
    rolledBack: fc
      .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
      .map((d) => d.toISOString()),
  },
  { requiredKeys: ['rotationId', 'replaces'] },
);

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

  test('is not inherited by the successor, nor is what belongs to AWS', () => {
    const tags = {
      team: 'orders',
      'aws:cloudformation:stack-name': 's',
      ...markTags({ rotationId: 'r', replaces: 'x' }),
    };
    expect(inheritedTags(tags)).toEqual({ team: 'orders' });
  });
});
