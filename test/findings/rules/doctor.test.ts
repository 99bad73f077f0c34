import { expect, test } from '@jest/globals';
import type {
  ClientCertificate,
  Integration,
  Resource,
  Stage,
} from '../../../src/control-plane/api-gateway.js';
import type { CertificateFacts } from '../../../src/certificates/certificate.js';
import { diagnose, type DoctorObservation } from '../../../src/findings/rules/doctor.js';

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
const answered = (accepted: boolean, status: number) => ({
  backend: 'backend.example',
  outcome: accepted ? ('accepted' as const) : status < 500 ? ('refused' as const) : ('unknown' as const),
  accepted,
  status,
});

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
    ['CertificateWarning'],
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
  ['deleted', without('certificate'), ['StageCertificateMissing']],
  [
    'of ACM',
    {
      ...without('certificate'),
      stage: { ...stage, clientCertificateId: arn },
      acm: { state: 'unknown', arn, reason: 'denied' },
    },
    ['AcmCertificateUnknown'],
  ],
  ['none', { ...without('certificate'), stage: bare }, ['StageWithoutCertificate']],
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
  [
    'managed by SAM, which cannot set a certificate',
    {
      ...healthy,
      stage: {
        ...stage,
        tags: {
          'aws:cloudformation:stack-name': 's',
          'aws:cloudformation:logical-id': 'ServerlessRestApiProdStage',
        },
      },
    },
    ['ManagedBySam'],
  ],
  [
    'managed by Terraform',
    { ...healthy, stage: { ...stage, tags: { ManagedBy: 'Terraform' } } },
    ['ManagedByTerraform'],
  ],
  ['quota 47', { ...healthy, certificateCount: 47 }, []],
  ['quota 48', { ...healthy, certificateCount: 48 }, ['QuotaNearlyUsed']],
  ['quota 60', { ...healthy, certificateCount: 60 }, ['QuotaExhausted']],
  ['denied', { ...healthy, denied: ['AWS denies X'] }, ['PermissionMissing']],
];

test.each(CASES)('%s', (_what, seen, codes) => {
  expect(diagnose(seen).map(({ code }) => code)).toEqual(codes);
});

const failing = (outcome: 'refused' | 'unknown', status = 500) => ({
  backend: 'backend.example',
  outcome,
  accepted: false,
  status,
});

test.each([
  ['it says so', 'refused', [failing('unknown')], [failing('unknown')], 'BackendRefusesCurrent'],
  [
    'a caller without any is let in',
    'unknown',
    [answered(true, 200)],
    [failing('unknown')],
    'BackendRefusesCurrent',
  ],
  ['another one is let in', 'unknown', [failing('unknown')], [answered(true, 200)], 'BackendRefusesCurrent'],
  ['nobody is let in', 'unknown', [failing('unknown')], [failing('unknown')], 'BackendAnswersNobody'],
  [
    'another backend lets others in',
    'unknown',
    [{ ...answered(true, 200), backend: 'b' }],
    [failing('unknown')],
    'BackendAnswersNobody',
  ],
] as const)('a call that fails is a refusal of the certificate where %s', (_, outcome, none, other, code) => {
  const [finding] = diagnose({ ...healthy, probes: { current: [failing(outcome)], without: none, other } });
  expect(finding).toMatchObject({ code, args: { subject: 'backend.example answered 500' } });
});

const method = (httpMethod: string, path: string, integration: Partial<Integration>): Resource => ({
  id: path,
  path,
  methods: [
    {
      httpMethod,
      requiredParameters: [],
      integration: { type: 'HTTP_PROXY', httpMethod, insecureSkipVerification: false, ...integration },
    },
  ],
});

test('a backend that is not called is named with the methods that lead to it', () => {
  const pay = { uri: 'https://pay-${stageVariables.color}.example' };
  const found = diagnose({
    ...healthy,
    stage: {
      ...stage,
      variables: { color: 'blue' },
      canary: { percentTraffic: 5, deploymentId: 'd2', variables: { color: 'green' } },
    },
    resources: [
      method('GET', '/a', { ...pay, httpMethod: 'DELETE' }),
      method('ANY', '/{proxy+}', pay),
      method('POST', '/c', pay),
      method('PUT', '/d', pay),
    ],
    unreached: ['pay-blue.example', 'pay-green.example'],
  });
  const ways = 'ANY /{proxy+}, GET /a (integration: DELETE), POST /c, 1 more';
  expect(found).toMatchObject([
    { code: 'BackendUnproved', args: { subject: `pay-blue.example behind ${ways}` } },
    { code: 'BackendUnproved', args: { subject: `pay-green.example (canary) behind ${ways}` } },
    { code: 'CanaryBackends', args: { subject: '5 % of the requests reach pay-green.example' } },
  ]);
});

test('a WebSocket API has backends too', () => {
  const seen: DoctorObservation = {
    ...without('resources'),
    integrations: [
      { type: 'HTTP', uri: 'https://ws.example/x', insecureSkipVerification: true },
      { type: 'HTTP_PROXY', uri: 'http://plain.example', insecureSkipVerification: false },
    ],
    probes: { current: [], without: [] },
    unreached: ['ws.example'],
  };
  expect(diagnose(seen)).toMatchObject([
    { code: 'BackendUnproved', args: { subject: 'ws.example behind WebSocket' } },
    { code: 'PlainHttpIntegration', args: { subject: 'WebSocket → http://plain.example' } },
    { code: 'VerificationSkipped', args: { subject: 'WebSocket → ws.example' } },
  ]);
});

test('a stage variable that is not set is named, with what uses it', () => {
  const seen = {
    ...healthy,
    resources: [method('GET', '/a', { uri: 'https://b.example/${stageVariables.base}' })],
  };
  expect(diagnose(seen)).toMatchObject([
    {
      code: 'StageVariableUnset',
      args: { subject: 'base in GET /a → https://b.example/${stageVariables.base}' },
    },
  ]);
});
