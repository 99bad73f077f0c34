import { expect, test } from '@jest/globals';
import type { ExpiryReport } from '../../src/app/check-expiry.js';
import { nextStep } from '../../src/cli/report/next-step.js';

const finding: ExpiryReport['findings'][number] = {
  code: 'UnusedCertificate',
  severity: 'info',
  level: 'ok',
  account: 'shop',
  region: 'eu-west-1',
  message: 'a1 is presented by no stage',
};

test.each([
  ['the default credentials', {}, 'apigw-cert prune --region eu-west-1 --dry-run'],
  [
    "a profile of another name than the account's",
    { profile: 'acme shop' },
    "apigw-cert prune --profile 'acme shop' --region eu-west-1 --dry-run",
  ],
  [
    'a role, for which no profile stands',
    { profile: 'hub', roleArn: 'arn:aws:iam::210987654321:role/watch' },
    'apigw-cert prune --region eu-west-1 --dry-run',
  ],
])('a command for an account that is reached by %s', (_how, access, command) => {
  expect(nextStep(finding, undefined, access)).toEqual({ command });
});
