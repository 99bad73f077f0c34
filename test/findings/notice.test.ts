import { expect, test } from '@jest/globals';
import { regionlessSource, type Source } from '../../src/settings/accounts.js';
import { CATALOGUE, type FindingCode } from '../../src/findings/catalogue/index.js';
import type { Where } from '../../src/findings/finding.js';
import { planNotice } from '../../src/findings/notice.js';

const PROD = { account: 'prod', region: 'eu-west-1' };

function finding(code: FindingCode, source: Source = PROD, more: Where = {}) {
  return {
    ...source,
    code,
    severity: CATALOGUE[code].severity,
    level: 'warning' as const,
    message: code,
    ...more,
  };
}

const told = (...findings: ReturnType<typeof finding>[]) => planNotice(findings, {}, [PROD]).next;

test('what was told of stages is not over because the stages were not read', () => {
  const before = told(
    finding('StageCertificateMissing', PROD, {
      stage: { restApiId: 'api', apiName: 'api', stageName: 'prod' },
    }),
  );
  expect(planNotice([], before, [])).toEqual({ changes: [], next: before });
  expect(planNotice([], before, [PROD]).changes).toMatchObject([{ was: 'warning', is: 'ok' }]);
});

test.each(['default', 'all'] as const)(
  'where the Regions (%s) are not even known, nothing of the account is over',
  (regions) => {
    const before = told(finding('CertificateWarning', PROD, { clientCertificateId: 'a' }));
    const lost = finding('SourceUnknown', regionlessSource('prod', regions));
    const { changes, next } = planNotice([lost], before, []);
    expect(changes).toMatchObject([{ message: 'SourceUnknown' }]);
    expect(next).toMatchObject(before);
    // Repaired: only the failure of access is over, and nothing is told anew.
    const repaired = planNotice([finding('CertificateWarning', PROD, { clientCertificateId: 'a' })], next, [
      PROD,
    ]);
    expect(repaired.changes).toMatchObject([{ was: 'warning', is: 'ok' }]);
    expect(repaired.next).toEqual(before);
  },
);
