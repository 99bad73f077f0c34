import { expect, test } from '@jest/globals';
import { callerFields, sameCaller } from '../../../src/rotation/journal/same-caller.js';

const own = { accountId: '123456789012', accessKeyId: 'AKIDTEST', region: 'eu-west-1' };
const caller = { ...own, endpoint: 'http://localhost:1' };
const fields = { account: '123456789012', region: 'eu-west-1', endpoint: 'http://localhost:1' };

test('a journal holds account, Region and endpoint, and no key', () => {
  expect(callerFields(caller)).toEqual(fields);
  expect(callerFields(own)).toEqual({ account: '123456789012', region: 'eu-west-1' });
});

test.each([
  ['the same', {}, true],
  ['another account', { account: '210987654321' }, false],
  ['another Region', { region: 'eu-west-2' }, false],
  ['another endpoint', { endpoint: 'http://localhost:2' }, false],
])('a journal of %s', (_what, change, same) => {
  expect(sameCaller({ ...fields, ...change }, caller)).toBe(same);
});

test('a journal that does not say account or endpoint is nobody’s who has one', () => {
  expect(sameCaller({ region: 'eu-west-1', endpoint: 'http://localhost:1' }, caller)).toBe(false);
  expect(sameCaller({ region: 'eu-west-1', account: '123456789012' }, caller)).toBe(false);
});
