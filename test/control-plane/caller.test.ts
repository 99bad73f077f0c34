import { describe, expect, test } from '@jest/globals';
import { accountIdIn, accountOf, callerText } from '../../src/control-plane/caller.js';

describe('the account in an access key id', () => {
  // Published by those who found the format out, with the accounts that AWS named for them.
  test.each([
    ['ASIAQNZGKIQY56JQ7WML', '029608264753'],
    ['ASIAY34FZKBOKMUTVV7A', '609629065308'],
    ['AKIAY34FZKBOKMUTVV7A', '609629065308'],
  ])('%s: %s', (id, account) => {
    expect(accountIdIn(id)).toBe(account);
  });

  test.each([
    'AKIAIOSFODNN7EXAMPLE', // older than the format
    'AKIDTEST',
    'AROAQNZGKIQY56JQ7WML',
    'ASIAQNZGKIQY56JQ7WM',
    'ASIAQNZGKIQY56JQ7WMLA',
    'ASIAQNZGKIQY16JQ7WML',
    'asiaqnzgkiqy56jq7wml',
    'ASIA7777777777777777', // more than twelve digits
    '',
  ])('%s: none', (id) => {
    expect(accountIdIn(id)).toBeUndefined();
  });
});

describe('who calls', () => {
  const region = 'eu-west-1';

  test.each([
    [
      'what the credentials say',
      { accountId: '123456789012', accessKeyId: 'ASIAQNZGKIQY56JQ7WML' },
      '123456789012',
    ],
    ['the access key id', { accessKeyId: 'ASIAQNZGKIQY56JQ7WML' }, '029608264753'],
    ['nothing, so the id itself', { accessKeyId: 'AKIDTEST' }, 'AKIDTEST'],
    ['no account id', { accountId: 'my-account', accessKeyId: 'AKIDTEST' }, 'AKIDTEST'],
  ])('the account is told by %s', (_what, caller, account) => {
    expect(accountOf({ ...caller, region })).toBe(account);
  });

  test('is one text for account, Region and endpoint', () => {
    const caller = { accountId: '123456789012', accessKeyId: 'AKIDTEST', region };
    expect(callerText(caller)).toBe('account 123456789012, eu-west-1');
    expect(callerText({ accessKeyId: 'AKIDTEST', region, endpoint: 'http://localhost:1' })).toBe(
      'access key AKIDTEST, eu-west-1, http://localhost:1',
    );
  });
});
