import { describe, expect, test } from '@jest/globals';
import type { ClientCertificate, Integration, Resource, Stage } from '../../src/core/api-gateway.js';
import type { CertificateFacts } from '../../src/core/certificate.js';
import { diagnose, otherCertificate, type DoctorObservation } from '../../src/core/doctor.js';

const now = new Date('2026-11-24T00:00:00Z');
const day = (days: number): Date => new Date(now.getTime() + days * 86_400_000);

const stage: Stage = {
  restApiId: 'api1',
  stageName: 'prod',
  deploymentId: 'd1',
  clientCertificateId: 'aaaaaa',
  variables: {},
  tags: {},
};

function certificate(id: string, left = 300, tags: Record<string, string> = {}): ClientCertificate {
  return {
    clientCertificateId: id,
    createdDate: day(left - 365),
    expirationDate: day(left),
    pemEncodedCertificate: '',
    tags,
  };
}

function facts(left: number): CertificateFacts {
  return {
    subject: 'C=US',
    issuer: 'C=US',
    serialNumber: '01',
    notBefore: day(left - 365),
    notAfter: day(left),
    fingerprintSha256: 'AA',
    fingerprintSha1: 'AA',
    spkiPin: 'a',
  };
}

function api(...integrations: Partial<Integration>[]): Resource[] {
  return integrations.map((integration, i) => ({
    id: `r${i}`,
    path: `/${i}`,
    methods: [
      {
        httpMethod: 'GET',
        requiredParameters: [],
        integration: { type: 'HTTP_PROXY', insecureSkipVerification: false, ...integration },
      },
    ],
  }));
}

const HTTPS = { uri: 'https://backend.example/x' };
const answered = (accepted: boolean, status: number) => ({ backend: 'backend.example', accepted, status });

const healthy: DoctorObservation = {
  stage,
  certificate: { ...certificate('aaaaaa'), facts: facts(300) },
  certificateCount: 3,
  resources: api(HTTPS),
  unreached: [],
  probes: { current: [answered(true, 200)], without: [answered(false, 403)], other: [answered(false, 500)] },
  denied: [],
  now,
};

const without = (key: keyof DoctorObservation): DoctorObservation =>
  Object.fromEntries(
    Object.entries(healthy).filter(([name]) => name !== key),
  ) as unknown as DoctorObservation;

const bare: Stage = { restApiId: 'api1', stageName: 'prod', deploymentId: 'd1', variables: {}, tags: {} };
const arn = 'arn:aws:acm:eu-west-1:1:certificate/x';

const CASES: readonly (readonly [what: string, seen: DoctorObservation, codes: string[]])[] = [
  ['all is well', healthy, []],
  [
    'refuses the current',
    { ...healthy, probes: { ...healthy.probes, current: [answered(false, 403)] } },
    ['BackendRefusesCurrent'],
  ],
  [
    'admits anybody',
    { ...healthy, probes: { ...healthy.probes, without: [answered(true, 200)] } },
    ['BackendAdmitsWithout'],
  ],
  [
    'admits another',
    { ...healthy, probes: { ...healthy.probes, other: [answered(true, 200)] } },
    ['BackendAdmitsOther'],
  ],
  [
    'no other to try',
    { ...healthy, probes: { current: [], without: [answered(false, 403)] } },
    ['OtherNotTried'],
  ],
  [
    'no probe',
    { ...healthy, probes: { current: [], without: [] }, unreached: ['a', 'b'] },
    ['BackendUnproved', 'BackendUnproved'],
  ],
  [
    'due',
    { ...healthy, certificate: { ...certificate('aaaaaa', 100), facts: facts(100) } },
    ['CertificateDue'],
  ],
  [
    'expired',
    { ...healthy, certificate: { ...certificate('aaaaaa', 0), facts: facts(0) } },
    ['CertificateExpired'],
  ],
  [
    'from the future',
    { ...healthy, certificate: { ...certificate('aaaaaa', 366), facts: facts(366) } },
    ['CertificateNotYetValid'],
  ],
  [
    'dates apart',
    { ...healthy, certificate: { ...certificate('aaaaaa', 299), facts: facts(300) } },
    ['EndDatesDiffer'],
  ],
  ['deleted', without('certificate'), ['CertificateGone']],
  [
    'of ACM',
    { ...without('certificate'), stage: { ...stage, clientCertificateId: arn } },
    ['CertificateOfAcm'],
  ],
  ['none', { ...without('certificate'), stage: bare }, ['NoCertificate']],
  [
    'never presented',
    { ...healthy, resources: api({ type: 'AWS_PROXY', uri: 'arn:x' }) },
    ['NeverPresented'],
  ],
  [
    'plain http beside https',
    { ...healthy, resources: api(HTTPS, { uri: 'http://b/' }) },
    ['PlainHttpIntegration'],
  ],
  [
    'unverified',
    { ...healthy, resources: api({ ...HTTPS, insecureSkipVerification: true }) },
    ['VerificationSkipped'],
  ],
  [
    'managed',
    { ...healthy, stage: { ...stage, tags: { 'aws:cloudformation:stack-name': 's' } } },
    ['ManagedByCloudFormation'],
  ],
  ['quota 47', { ...healthy, certificateCount: 47 }, []],
  ['quota 48', { ...healthy, certificateCount: 48 }, ['QuotaNearlyUsed']],
  ['quota 60', { ...healthy, certificateCount: 60 }, ['QuotaExhausted']],
  ['denied', { ...healthy, denied: ['AWS denies X'] }, ['PermissionMissing']],
];

test.each(CASES)('%s', (_what, seen, codes) => {
  expect(diagnose(seen).map(({ code }) => code)).toEqual(codes);
});

describe('the certificate that a backend should refuse', () => {
  const pick = (...others: ClientCertificate[]) =>
    otherCertificate(
      [
        certificate('aaaaaa', 300, { 'apigw-cert:rotation': 'r', 'apigw-cert:replaces': 'bbbbbb' }),
        ...others,
      ],
      [stage, { ...stage, stageName: 'dev', clientCertificateId: 'cccccc' }],
      { currentId: 'aaaaaa', now },
    )?.clientCertificateId;

  test.each([
    ['unused', certificate('dddddd'), 'dddddd'],
    ['in use elsewhere', certificate('cccccc'), undefined],
    ['the predecessor, which may be trusted still', certificate('bbbbbb'), undefined],
    [
      'the successor, which may be trusted already',
      certificate('eeeeee', 300, { 'apigw-cert:rotation': 'r', 'apigw-cert:replaces': 'aaaaaa' }),
      undefined,
    ],
    ['expired, refused whatever the list', certificate('ffffff', -1), undefined],
  ] as const)('%s', (_what, other, picked) => {
    expect(pick(other)).toBe(picked);
  });
});
