import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../src/platform/errors.js';
import { withoutCredentials } from '../../src/platform/uri.js';

test.each([
  ['https://h.example.com:8443/a@b?c=d#e', 'https://h.example.com:8443/a@b?c=d#e'],
  ['https://user:p@ss@h.example.com/x', 'https://***@h.example.com/x'],
  ['${stageVariables.scheme}://u:p@h/', '${stageVariables.scheme}://***@h/'],
  ['https://h/?a=1&api_key=abc&b=2', 'https://h/?a=1&api_key=***&b=2'],
  ['https://h/?X-Amz-Signature=abc&design=x&sig=y', 'https://h/?X-Amz-Signature=***&design=x&sig=***'],
  ['https://h/?token=${stageVariables.token}', 'https://h/?token=${stageVariables.token}'],
  ['GET /x → https://u@h?access_token=1, twice', 'GET /x → https://***@h?access_token=*** twice'],
])('%s is shown as %s', (uri, shown) => {
  expect(withoutCredentials(uri)).toBe(shown);
});

test('no password of any characters is shown, and nothing else is changed by saying it twice', () => {
  const password = fc.stringMatching(/^[^\s/?#]{6,20}$/);
  fc.assert(
    fc.property(password, (secret) => {
      const shown = withoutCredentials(`calls https://user:${secret}@backend.example.com/orders and ends`);
      expect(shown).toBe('calls https://***@backend.example.com/orders and ends');
      expect(withoutCredentials(shown)).toBe(shown);
    }),
  );
});

test('an error shows none', () => {
  const { message, hint } = new AppError('Usage', 'http://a:b@h fails', { hint: 'check http://a:b@h' });
  expect([message, hint]).toEqual(['http://***@h fails', 'check http://***@h']);
});
