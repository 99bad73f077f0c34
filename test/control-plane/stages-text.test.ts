import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stageCount, stageIdsText, stagesText } from '../../src/control-plane/stages-text.js';
import { listText, verbOf } from '../../src/platform/list-text.js';

const stage = (
  apiName: string,
  stageName: string,
  restApiId = apiName,
): Record<'restApiId' | 'apiName' | 'stageName', string> => ({
  restApiId,
  apiName,
  stageName,
});

describe('stages in a line', () => {
  test('a few are all named', () => {
    expect(stagesText([])).toBe('');
    expect(stagesText([stage('orders', 'prod')])).toBe('orders/prod');
    expect(stagesText(['prod', 'beta', 'dev'].map((name) => stage('orders', name)))).toBe(
      'orders/prod, orders/beta, orders/dev',
    );
  });

  test('many are counted, with two as examples', () => {
    const many = Array.from({ length: 200 }, (_, i) =>
      stage(`orders${Math.floor(i / 10)}`, i % 10 === 0 ? 'prod' : `v${i % 10}`),
    );
    expect(stagesText(many)).toBe('200 stages in 20 APIs (orders0/prod, orders0/v1 and 198 more)');
    expect(stageCount(many.slice(0, 1))).toBe('1 stage in 1 API');
  });

  test('up to five are named, and six are counted', () => {
    const ids = ['a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'c/1'];
    expect(stageIdsText(ids.slice(0, 5))).toBe('a/1, a/2, a/3, b/1, b/2');
    expect(stageIdsText(ids)).toBe('6 stages in 3 APIs (a/1, a/2 and 4 more)');
    expect(stageIdsText(ids, (id) => `<${id}>`)).toBe('6 stages in 3 APIs (<a/1>, <a/2> and 4 more)');
    expect(listText(ids.slice(0, 5))).toBe('a/1, a/2, a/3, b/1, b/2');
    expect(listText(ids)).toBe('a/1, a/2 and 4 more');
    expect([verbOf(ids.slice(0, 1), 'present'), verbOf(ids, 'present')]).toEqual(['presents', 'present']);
  });

  test('APIs of one name are told apart', () => {
    expect(stageCount([stage('orders', 'prod', 'a'), stage('orders', 'prod', 'b')])).toBe(
      '2 stages in 2 APIs',
    );
  });

  test('names from outside are shown, not obeyed, and the line does not grow with their number', () => {
    const name = fc.string({ minLength: 1, maxLength: 20, unit: 'binary' });
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name), { minLength: 6, maxLength: 60 }), (names) => {
        const text = stagesText(names.map(([api, own]) => stage(api, own)));
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(text.endsWith(` and ${names.length - 2} more)`)).toBe(true);
        expect(text.length).toBeLessThan(4 * 20 * '\\u{10ffff}'.length + 60);
      }),
    );
  });
});
