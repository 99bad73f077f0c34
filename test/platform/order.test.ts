import { expect, test } from '@jest/globals';
import { byText } from '../../src/platform/order.js';

test('texts are ordered by code units, and the same is the same', () => {
  expect(['b', 'a', 'ä', 'B', '', '10', '9'].sort(byText)).toEqual(['', '10', '9', 'B', 'a', 'b', 'ä']);
  expect([byText('a', 'b'), byText('b', 'a'), byText('a', 'a')]).toEqual([-1, 1, 0]);
});
