import { expect, test } from '@jest/globals';
import type { ExpiryReport } from '../../src/findings/check-expiry.js';
import { nextStep } from '../../src/findings/formats/html/next-step.js';

const finding: ExpiryReport['findings'][number] = {
  code: 'QuotaNearlyUsed',
  severity: 'warning',
  level: 'warning',
  account: 'shop',
  region: 'eu-west-1',
  message: '58 of 60',
};

test.each([
  ['the default credentials', {}, 'apigw-cert list --usage --region eu-west-1'],
  [
    "a profile of another name than the account's",
    { profile: 'acme shop' },
    "apigw-cert list --usage --profile 'acme shop' --region eu-west-1",
  ],
  [
    'a role, for which no profile stands',
    { profile: 'hub', roleArn: 'arn:aws:iam::210987654321:role/watch' },
    'apigw-cert list --usage --region eu-west-1',
  ],
])('a command for an account that is reached by %s', (_how, access, command) => {
  expect(nextStep(finding, undefined, access)).toEqual({ command });
});
