import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clientChain } from '../../../src/certificates/client-chain.js';
import { makeAuthority, type Identity } from '../../../src/certificates/issue.js';
import { trustedCertificate } from '../../../src/certificates/parse.js';
import { placeOfArn, type AcmCertificate } from '../../../src/control-plane/acm-certificate.js';
import { acmView } from '../../../src/control-plane/acm-view.js';
import type { AcmDetails } from '../../../src/control-plane/acm-details.js';
import { acmFindings } from '../../../src/findings/rules/acm.js';
import { makePki, type TestPki } from '../../support/acm.js';

const DAY_MS = 86_400_000;
const NOW = new Date('2026-11-29T12:00:00Z');
const ARN = 'arn:aws:acm:eu-west-1:123456789012:certificate/1';
const WHERE = { clientCertificateId: ARN };

let pki: TestPki;
let other: TestPki;
let leaf: Identity;
beforeAll(async () => {
  [pki, other] = [await makePki(NOW), await makePki(NOW)];
  leaf = await pki.leaf({ days: 365 });
});

/** A certificate of ACM as the adapter makes it. */
function certificate(
  { pem }: Identity,
  chain: readonly Identity[],
  details: Partial<AcmDetails> = {},
): AcmCertificate {
  const above = chain.map((each) => each.pem);
  return {
    arn: ARN,
    createdDate: NOW,
    details: { origin: 'privateCa', acmStatus: 'ISSUED', inUseBy: ['x'], chain: [], ...details },
    trusted: trustedCertificate(pem, ARN),
    chainPem: above.join(''),
    chain: clientChain(pem, above),
  };
}

const codesOf = (of: AcmCertificate, now = NOW): string[] =>
  acmFindings({ state: 'read', arn: ARN, certificate: of, view: acmView(of, now) }, WHERE, now).map(
    ({ code }) => code,
  );

describe('the chain', () => {
  test('in order, with or without the root, is fine', () => {
    expect(codesOf(certificate(leaf, [pki.issuing]))).toEqual([]);
    expect(codesOf(certificate(leaf, [pki.issuing, pki.root]))).toEqual([]);
  });

  test('may be missing, of another CA, or have the root alone', () => {
    expect(codesOf(certificate(leaf, []))).toEqual(['AcmChainEmpty']);
    expect(codesOf(certificate(leaf, [other.issuing]))).toEqual(['AcmChainIncomplete']);
    expect(codesOf(certificate(leaf, [pki.root]))).toEqual(['AcmChainIncomplete']);
  });

  test('may be too long', () => {
    expect(codesOf(certificate(leaf, [pki.issuing, pki.root, other.issuing, other.root]))).toEqual([
      'AcmChainUnordered',
    ]);
    const five = [pki.issuing, pki.root, other.issuing, other.root, pki.root];
    expect(codesOf(certificate(leaf, five))).toEqual(['AcmChainUnordered', 'AcmChainTooLong']);
  });

  test('a CA that expires before the certificate, and none at the same time', async () => {
    const dates = { notBefore: new Date(NOW.getTime() - DAY_MS), issuer: pki.root };
    const short = await makeAuthority({ ...dates, days: 100, subject: 'CN=Short' });
    const late = await pki.leaf({ issuer: short, days: 101 });
    expect(codesOf(certificate(late, [short]))).toEqual(['AcmAuthorityExpiresFirst']);
    const same = await pki.leaf({ issuer: short, notBefore: dates.notBefore, days: 100 });
    expect(codesOf(certificate(same, [short]))).toEqual([]);
  });

  test('property: of whatever is given in whatever order, only order and completeness decide', () => {
    const all = [pki.issuing, pki.root, other.issuing, other.root];
    fc.assert(
      fc.property(fc.shuffledSubarray(all), (given) => {
        const codes = codesOf(certificate(leaf, given));
        const expected = !given.includes(pki.issuing)
          ? given.length === 0
            ? ['AcmChainEmpty']
            : ['AcmChainIncomplete']
          : given[0] === pki.issuing && (given.length === 1 || (given.length === 2 && given[1] === pki.root))
            ? []
            : ['AcmChainUnordered'];
        expect(codes).toEqual(expected);
      }),
      { numRuns: 64 },
    );
  });
});

describe('the use', () => {
  test.each([
    [{ purposes: ['serverAuth'] as const }, ['AcmClientAuthMissing']],
    [{ purposes: [] }, []],
    [{ hasKeyUsage: false }, []],
  ])('%j', async (options, expected) => {
    expect(codesOf(certificate(await pki.leaf(options), [pki.issuing]))).toEqual(expected);
  });

  test('a public root is told by name', () => {
    const of = certificate(leaf, [pki.issuing]);
    expect(codesOf({ ...of, chain: { ...of.chain, publicRoot: 'CN=R' } })).toEqual(['AcmPublicIssuer']);
    expect(of.chain.publicRoot).toBeUndefined();
  });
});

describe('the renewal', () => {
  const renewals = (details: Partial<AcmDetails>, left = 200): string[] => {
    const of = certificate(leaf, [pki.issuing], details);
    return codesOf(of, new Date(of.trusted.notAfter.getTime() - left * DAY_MS));
  };
  const failed = (reason?: string) => ({
    renewal: { status: 'FAILED', ...(reason === undefined ? {} : { reason }) },
  });
  const authority = { certificateAuthorityArn: 'arn:aws:acm-pca:x' };

  test.each<[Partial<AcmDetails>, number, string[]]>([
    [{ origin: 'imported', renewalEligibility: 'INELIGIBLE' }, 10, ['AcmCertificateImported']],
    [{ ...failed('PCA_ACCESS_DENIED'), ...authority }, 50, ['AcmRenewalDenied']],
    [failed('PCA_ACCESS_DENIED'), 50, ['AcmRenewalFailed']],
    [failed('PCA_INVALID_STATE'), 50, ['AcmRenewalFailed']],
    [failed(), 50, ['AcmRenewalFailed']],
    [{ renewalEligibility: 'INELIGIBLE' }, 200, ['AcmRenewalIneligible']],
    [{ renewalEligibility: 'INELIGIBLE', inUseBy: [] }, 10, ['AcmRenewalIneligible']],
    [{ renewalEligibility: 'ELIGIBLE' }, 45, []],
    [{ renewalEligibility: 'ELIGIBLE' }, 44, ['AcmRenewalOverdue']],
    [{ renewal: { status: 'PENDING_AUTO_RENEWAL' } }, 44, ['AcmRenewalOverdue']],
    // The expiry itself is told of it.
    [{ renewalEligibility: 'ELIGIBLE' }, -1, []],
    [{ acmStatus: 'REVOKED' }, 200, ['AcmNotIssued']],
    [{ acmStatus: 'EXPIRED' }, 200, []],
  ])('%j with %d days left', (details, left, expected) => {
    expect(renewals(details, left)).toEqual(expected);
  });

  test('property: what is imported is never blamed on ACM, and what ACM renews never on the owner', () => {
    const status = fc.constantFrom('SUCCESS', 'PENDING_AUTO_RENEWAL', 'FAILED', 'PENDING_VALIDATION');
    fc.assert(
      fc.property(
        fc.constantFrom<AcmDetails['origin'][]>('imported', 'privateCa', 'public'),
        fc.option(status, { nil: undefined }),
        fc.constantFrom('ELIGIBLE', 'INELIGIBLE'),
        fc.integer({ min: -400, max: 400 }),
        (origin, renewal, renewalEligibility, left) => {
          const codes = renewals(
            { origin, renewalEligibility, ...(renewal ? { renewal: { status: renewal } } : {}) },
            left,
          );
          expect(codes.includes('AcmCertificateImported')).toBe(origin === 'imported');
          expect(codes.some((code) => code.startsWith('AcmRenewal')) && origin === 'imported').toBe(false);
          // At most one thing is said about its renewal.
          expect(codes.length).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

test('one that was not read is unknown, and nothing else is said of it', () => {
  const found = acmFindings({ state: 'unknown', arn: ARN, reason: 'denied', hint: 'allow it' }, WHERE, NOW);
  expect(found).toEqual([
    {
      code: 'AcmCertificateUnknown',
      severity: 'unknown',
      where: WHERE,
      args: { reason: 'denied', hint: 'allow it' },
    },
  ]);
  const place = { accountId: '123456789012', region: 'eu-west-1' };
  expect(placeOfArn(ARN)).toEqual(place);
  expect(acmFindings({ state: 'elsewhere', arn: ARN, ...place }, WHERE, NOW)).toEqual([
    { code: 'AcmCertificateElsewhere', severity: 'unknown', where: WHERE, args: place },
  ]);
  for (const arn of ['', 'arn:aws:acm:eu-west-1:1:certificate/x', `${ARN}/y`, `x${ARN}`])
    expect(placeOfArn(arn)).toBeUndefined();
});
