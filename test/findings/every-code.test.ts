/** Each code of the catalogue is found by the rules of some command, and says what it says in plain text. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lintBackend, type LintFormat } from '../../src/commands/backend/lint/run.js';
import { checkPlans } from '../../src/commands/iac/check/run.js';
import { expiryReport, withFailedNotices, type ExpiryQuestion } from '../../src/findings/check-expiry.js';
import type { Integration, Resource, Stage } from '../../src/control-plane/api-gateway.js';
import type { AcmCertificate } from '../../src/control-plane/acm-certificate.js';
import { acmView, type AcmReading } from '../../src/control-plane/acm-view.js';
import type { AcmDetails } from '../../src/control-plane/acm-details.js';
import type { ClientChain } from '../../src/certificates/client-chain.js';
import type { CertificateView } from '../../src/control-plane/certificate-view.js';
import { DEFAULT_THRESHOLDS } from '../../src/control-plane/certificate-view.js';
import type { CertificateFacts } from '../../src/certificates/certificate.js';
import { AppError } from '../../src/platform/errors.js';
import { DEFAULT_FAIL_ON } from '../../src/findings/fail-on.js';
import type { SourceResult } from '../../src/settings/accounts.js';
import { javaClientProblems, LARGEST_HANDSHAKE_MESSAGE } from '../../src/findings/java-client.js';
import { markTags } from '../../src/control-plane/marks.js';
import type { SourceReading } from '../../src/control-plane/source-reading.js';
import { CATALOGUE } from '../../src/findings/catalogue/index.js';
import { finding, reported, type ReportedFinding } from '../../src/findings/finding.js';
import { diagnose, type DoctorObservation } from '../../src/findings/rules/doctor.js';
import { judgeStore, type SeenStore } from '../../src/findings/rules/doctor-trust.js';
import { trustedCertificate } from '../../src/certificates/parse.js';
import { trustedAuthority } from '../../src/certificates/trust-entry.js';
import { mintClientCertificate } from '../../src/certificates/mint.js';
import { mintAuthority } from '../support/authority.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';

/** What nobody should have written into a name. */
const EVIL = 'x\u001b[31m\n::error::\u202e';
const NOW = new Date('2026-11-28T12:00:00Z');
const day = (days: number): Date => new Date(NOW.getTime() + days * 86_400_000);

function view(id: string, left: number, more: Partial<CertificateView> = {}): CertificateView {
  return {
    clientCertificateId: id,
    description: EVIL,
    createdDate: day(-100),
    expirationDate: day(left),
    status: left <= 0 ? 'expired' : left <= 7 ? 'critical' : left <= 30 ? 'warning' : 'ok',
    daysLeft: left,
    subject: 'CN=ApiGateway',
    issuer: 'CN=ApiGateway',
    serialNumber: '1',
    notBefore: day(left - 365),
    notAfter: day(left),
    fingerprintSha256: 'AA',
    tags: {},
    ...more,
  };
}

const ACM = 'arn:aws:acm:eu-central-1:123456789012:certificate/1';

/** A certificate of ACM of which everything that ACM says was made up by somebody. */
function acmReading(details: Partial<AcmDetails>, chain: Partial<ClientChain>, left = 200): AcmReading {
  const arn = `arn:aws:acm:eu-central-1:123456789012:certificate/${JSON.stringify([details, chain]).length}`;
  const certificate: AcmCertificate = {
    arn,
    domainName: EVIL,
    createdDate: NOW,
    details: { origin: 'privateCa', acmStatus: 'ISSUED', inUseBy: [], chain: [], ...details },
    trusted: { ...view(arn, left), pem: '', fingerprintSha1: '', spkiPin: '', issuer: EVIL },
    chainPem: '',
    chain: {
      certificates: [],
      end: 'belowRoot',
      unused: [],
      isOrdered: true,
      isForClients: true,
      maySign: true,
      ...chain,
    },
  };
  return { state: 'read', arn, certificate, view: acmView(certificate, NOW) };
}

const above = (left: number): ClientChain['certificates'][number] => ({
  subject: EVIL,
  issuer: EVIL,
  notAfter: day(left),
  fingerprintSha256: 'AA',
});

const ACM_READINGS: readonly AcmReading[] = [
  { state: 'unknown', arn: ACM, reason: EVIL, hint: EVIL },
  { state: 'elsewhere', arn: `${ACM}2`, accountId: '123456789012', region: 'eu-west-1' },
  acmReading({ origin: 'imported', acmStatus: EVIL }, { end: 'none', publicRoot: EVIL }),
  acmReading({ renewal: { status: 'FAILED', reason: EVIL } }, { end: 'stranger', isForClients: false }),
  acmReading(
    { renewal: { status: 'FAILED', reason: 'PCA_ACCESS_DENIED' }, certificateAuthorityArn: EVIL },
    { firstToExpire: above(1), isOrdered: false },
  ),
  acmReading(
    { renewalEligibility: 'INELIGIBLE' },
    { certificates: Array.from({ length: 5 }, () => above(300)) },
  ),
  acmReading({ renewal: { status: EVIL } }, {}, 20),
];

function ofCheckExpiry(): ReportedFinding[] {
  const replaced = view('old', 200);
  const certificates = [
    view('warning', 20),
    view('critical', 3),
    view('expired', 0),
    view('young', 366, { status: 'notYetValid' }),
    view('differs', 100, { expirationDate: day(90) }),
    view('unused', 300),
    replaced,
    view('new', 300, { tags: markTags({ rotationId: 'r1', replaces: 'old' }) }),
  ];
  const stage = (stageName: string, clientCertificateId?: string, restApiId = 'https') => ({
    restApiId,
    stageName,
    ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
  });
  const usage = {
    apis: [
      { id: 'https', name: EVIL },
      { id: 'plain', name: EVIL },
    ],
    stages: [
      ...['warning', 'critical', 'expired', 'young', 'old'].map((id) => stage(id, id)),
      ...ACM_READINGS.map(({ arn }) => stage('acm', arn)),
      stage('gone', 'gone'),
      stage('bare'),
      stage('plain', 'differs', 'plain'),
    ],
    httpsApis: ['https'],
  };
  const value: SourceReading = {
    readAt: NOW,
    certificates,
    unreadable: [{ clientCertificateId: 'broken', message: EVIL }],
    acm: ACM_READINGS,
  };
  const read: SourceResult<SourceReading> = {
    state: 'read',
    source: { account: EVIL, region: 'eu-central-1' },
    clockOffsetMs: 120_000,
    value: { ...value, usage },
  };
  const unread: SourceResult<SourceReading> = {
    ...read,
    source: { account: 'b', region: 'eu-west-1' },
    value: { ...value, certificates: [], usageError: { code: 'AccessDenied', message: EVIL } },
  };
  const lost: SourceResult<SourceReading> = {
    state: 'unknown',
    source: { account: 'c', region: 'eu-west-1' },
    error: new AppError('AccessDenied', EVIL, { hint: EVIL }),
  };
  const ask = (
    results: readonly SourceResult<SourceReading>[],
    filter: ExpiryQuestion['filter'] = {},
  ): ReportedFinding[] => {
    const question = {
      filter,
      all: false,
      compliance: true,
      thresholds: DEFAULT_THRESHOLDS,
      failOn: DEFAULT_FAIL_ON,
      quota: 9,
    };
    const report = expiryReport(results, [], question, NOW);
    return withFailedNotices(report, [{ message: EVIL, hint: EVIL }]).findings;
  };
  return [
    ...ask([read, unread, lost]),
    ...ask([read], { ids: [EVIL] }),
    ...ask([{ ...read, value }], { tags: { team: EVIL } }),
  ];
}

function ofDoctor(): ReportedFinding[] {
  const integration = (uri: string, more: Partial<Integration> = {}): Integration => ({
    type: 'HTTP_PROXY',
    insecureSkipVerification: false,
    uri,
    ...more,
  });
  const api = (...integrations: Integration[]): Resource[] =>
    integrations.map((each, index) => ({
      id: `r${index}`,
      path: `/${index}${EVIL}`,
      methods: [{ httpMethod: index === 0 ? 'ANY' : 'GET', requiredParameters: [], integration: each }],
    }));
  const bare: Stage = {
    restApiId: 'api1',
    stageName: 'prod',
    deploymentId: 'd1',
    variables: {},
    tags: { 'aws:cloudformation:stack-name': EVIL },
    canary: { percentTraffic: 5, deploymentId: 'd2', variables: {} },
  };
  const stage: Stage = { ...bare, clientCertificateId: 'aaaaaa' };
  const facts = (left: number): CertificateFacts => ({
    subject: 'C=US',
    issuer: 'C=US',
    serialNumber: '01',
    notBefore: day(left - 365),
    notAfter: day(left),
    fingerprintSha256: 'AA',
    fingerprintSha1: 'AA',
    spkiPin: 'a',
  });
  const probe = (accepted: boolean, backend = 'b.example') => ({
    backend,
    outcome: accepted ? ('accepted' as const) : ('refused' as const),
    accepted,
    status: accepted ? 200 : 403,
    cause: EVIL,
  });
  const nlb = 'n-0123456789abcdef.elb.eu-central-1.amazonaws.com';
  const certificate = {
    clientCertificateId: 'aaaaaa',
    description: EVIL,
    createdDate: day(-265),
    expirationDate: day(90),
    pemEncodedCertificate: '',
    tags: {},
  };
  const gone: DoctorObservation = {
    stage,
    certificateCount: 50,
    stages: [{ ...stage, stageName: 'beta', clientCertificateId: 'bbbbbb' }],
    resources: api(
      integration(`https://user:secret@${nlb}/`, {
        httpMethod: 'POST',
        connectionType: 'VPC_LINK',
        insecureSkipVerification: true,
      }),
      integration('http://plain.example/'),
      integration('https://b.example/${stageVariables.path}'),
    ),
    unreached: [EVIL],
    probes: { current: [probe(false)], without: [probe(true)], other: [probe(true)] },
    denied: [EVIL],
    now: NOW,
  };
  const withLeft = (left: number): DoctorObservation => ({
    ...gone,
    certificate: { ...certificate, facts: facts(left) },
  });
  const seen = withLeft(100);
  const failing = { ...probe(false), outcome: 'unknown' as const };
  return [
    seen,
    withLeft(0),
    withLeft(366),
    gone,
    {
      ...seen,
      stage: { ...stage, clientCertificateId: ACM },
      acm: { state: 'unknown' as const, arn: ACM, reason: EVIL, hint: EVIL },
      isAcmUntested: true,
    },
    { ...seen, stage: bare },
    { ...seen, stage: { ...stage, tags: { terraform: 'true' } } },
    {
      ...seen,
      stage: {
        ...stage,
        tags: {
          'aws:cloudformation:stack-name': EVIL,
          'aws:cloudformation:logical-id': 'ServerlessRestApiProdStage',
        },
      },
    },
    { ...seen, resources: api(integration('http://plain.example/')), certificateCount: 60 },
    { ...seen, probes: { current: [failing], without: [failing] } },
    {
      ...seen,
      probes: { current: [{ ...failing, code: 'BackendCertificateExpired' as const }], without: [] },
    },
  ].flatMap((each) => diagnose(each).map((found) => reported(found)));
}

let folder: string;
/** Trust stores whose names, and what else is said of them, somebody made up. */
async function ofTrustStores(): Promise<ReportedFinding[]> {
  const { root, issuing, issue } = await mintAuthority(`CN=Root\\, "${EVIL.replaceAll('\n', '')}",O=Example`);
  const leaf = await issue('CN=gateway,O=Example');
  const trusted = trustedCertificate(leaf.pem);
  const reading = acmReading({ origin: 'imported' }, {});
  if (reading.state !== 'read') throw new Error('it was read');
  const acm = { ...reading.certificate, trusted, chainPem: issuing.pem };
  const presented = { trusted, where: { clientCertificateId: EVIL }, now: NOW };
  const name = { trustStore: EVIL, option: `--trust ${EVIL}` };
  const unfinished = { state: 'unfinished', reason: EVIL, since: EVIL, objection: () => undefined } as const;
  const authority = (subject: string) => trustedAuthority(root.pem, { subject });
  const stores: SeenStore[] = [
    { ...name, state: 'unknown', reason: EVIL, hint: EVIL, hasFailed: true },
    { ...name, ...unfinished, fingerprints: [] },
    { ...name, ...unfinished, fingerprints: [], objection: () => EVIL },
    { ...name, ...unfinished, fingerprints: [], authorities: [authority('CN=x')] },
    { ...name, ...unfinished, fingerprints: [trusted.fingerprintSha256] },
    { ...name, ...unfinished, fingerprints: [trusted.fingerprintSha256], objection: () => EVIL },
    {
      ...name,
      ...unfinished,
      fingerprints: [trusted.fingerprintSha256],
      authorities: [authority('CN=gateway,O=Example')],
    },
    { ...name, ...unfinished, fingerprints: [], cas: [trustedCertificate(root.pem)] },
  ];
  return [true, false].flatMap((isAccepted) =>
    stores.flatMap((store) =>
      [{ acm }, {}, { acm: { ...acm, details: { ...acm.details, origin: 'privateCa' as const } } }].flatMap(
        (more) =>
          judgeStore(store, { ...presented, ...more, isAccepted }).findings.map((found) => reported(found)),
      ),
    ),
  );
}

let ours: TestIdentity;
let next: TestIdentity;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apigw-cert-codes-'));
  [ours, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
  const mint = (subject: string, notBefore = new Date()): Promise<string> =>
    mintClientCertificate({ notBefore, subject }).then(({ pem }) => pem);
  const pem = ours.certificate.pem;
  const files = {
    'agw.pem': pem,
    'ca.pem': (await mintAuthority()).root.pem,
    'two.pem': pem + next.certificate.pem,
    'foreign.pem': await mint('CN=someone'),
    'many.pem': pem + (await mint(`O=${'x'.repeat(LARGEST_HANDSHAKE_MESSAGE)}`)),
    'young.pem': await mint('C=US, L=Seattle, CN=ApiGateway', new Date(Date.now() + 86_400_000)),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function ofLint(): Promise<ReportedFinding[]> {
  const pem = ours.certificate.pem;
  const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  const nginx = (text: string): string =>
    `http {\n server { listen 443 ssl; server_name a.example;\n ${text}\n location / { proxy_pass http://127.0.0.1:1; } } }\n`;
  const apache = (text: string): string =>
    `<VirtualHost *:443>\nSSLEngine on\nProxyPass / http://127.0.0.1:1/\n${text}\n</VirtualHost>\n`;
  const haproxy = (bind: string, rule: string): string =>
    `frontend f\n mode http\n bind :443 ssl crt s.pem ${bind}\n ${rule}\n default_backend a\nbackend a\n mode http\n server a 127.0.0.1:1\n`;
  const caddy = (auth: string): string =>
    `a.test {\n tls a.pem a.key {\n client_auth {\n ${auth}\n }\n }\n reverse_proxy 127.0.0.1:1\n}\n`;
  const cases: readonly (readonly [format: LintFormat, text: string | Uint8Array])[] = [
    ['pem', ''],
    ['pem', `${pem.trimEnd()}${pem}`],
    ['pem', pem.replaceAll('\n', ' ')],
    ['pem', Buffer.from(`\ufeff${pem}`, 'utf16le')],
    ['pem', JSON.stringify({ pemEncodedCertificate: pem })],
    ['pem', pem.replace(/[A-Z]{3}/, '!!!')],
    ['pem', `${pem}${pem}${key}-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n`],
    ['nginx', nginx('ssl_verify_client on; ssl_client_certificate agw.pem;')],
    ['nginx', nginx('ssl_verify_client on; ssl_client_certificate two.pem;')],
    ['nginx', nginx('ssl_verify_client on; ssl_client_certificate ca.pem;')],
    [
      'apache',
      apache(
        `SSLVerifyClient optional_no_ca\n<Location />\nRequire expr "%{SSL_CLIENT_VERIFY} == 'SUCCESS'"\n</Location>`,
      ),
    ],
    ['nginx', nginx('ssl_verify_client on; ssl_client_certificate young.pem;')],
    ['nginx', nginx('ssl_verify_client on; ssl_client_certificate gone.pem; include /none;')],
    [
      'nginx',
      nginx('ssl_verify_client on; ssl_client_certificate foreign.pem; ssl_trusted_certificate agw.pem;'),
    ],
    [
      'nginx',
      nginx('ssl_verify_client on; ssl_client_certificate gone.pem; ssl_trusted_certificate agw.pem;'),
    ],
    [
      'nginx',
      nginx(
        'ssl_verify_client optional; ssl_client_certificate many.pem; if ($ssl_client_s_dn = "") { return 403; }',
      ),
    ],
    [
      'nginx',
      `http {\n map $ssl_client_escaped_cert $ok { "${encodeURIComponent(pem)}" 1; }\n server { listen 443 ssl; ssl_verify_client optional_no_ca; if ($ok = "") { return 403; } location / { proxy_pass http://127.0.0.1:1; } } }\n`,
    ],
    ['nginx', nginx(`if ($ssl_client_fingerprint != ${'0'.repeat(40)}) { return 403; }`)],
    [
      'nginx',
      `http {\n server { listen 80; location /.well-known/acme-challenge/ { root /srv; } location / { return 301 https://$host$request_uri; } } }\n`,
    ],
    ['apache', apache('SSLCACertificateFile agw.pem\n<Location /o>\nSSLVerifyClient require\n</Location>')],
    [
      'apache',
      apache(
        'SSLProtocol all -TLSv1.3\nSSLCACertificateFile agw.pem\n<Location /o>\nSSLVerifyClient require\n</Location>',
      ),
    ],
    [
      'haproxy',
      haproxy(
        'verify optional ca-file agw.pem crt-ignore-err all',
        'http-request deny unless { ssl_c_der,sha2(256),hex,lower -f pins }',
      ),
    ],
    ['caddy', caddy(`trusted_ca_cert_file ${join(folder, 'two.pem')}`)],
    ['caddy', caddy(`mode require\n trusted_leaf_cert_file ${join(folder, 'agw.pem')}`)],
    ['caddy', caddy(`mode require_and_verify\n trusted_leaf_cert_file ${join(folder, 'agw.pem')}`)],
  ];
  writeFileSync(join(folder, 'pins'), 'NOT-A-PIN\n');
  const clocks = [new Date(), new Date(Date.now() + 1_000 * 86_400_000)];
  const found = await Promise.all(
    cases.flatMap(([format, text], index) =>
      clocks.map((now) =>
        lintBackend(
          {
            file: join(folder, `${EVIL}${index}.conf`),
            bytes: Buffer.from(text),
            format,
            consumer: 'openssl-ca-bundle',
          },
          () => now,
        ),
      ),
    ),
  );
  return found.flatMap(({ findings }) => findings);
}

const ofVerify = (): ReportedFinding[] =>
  javaClientProblems({
    caNames: [['CN=Acme']],
    largestRequest: LARGEST_HANDSHAKE_MESSAGE + 1,
    isLate: true,
    tls13: true,
    host: 'backend',
  }).map((problem) => reported(finding(problem, {}, {})));

/** Plans of which each is wrong in its own way. */
function ofPlans(): ReportedFinding[] {
  const address = `${EVIL}.x`;
  const stage = (id: string | null): object => ({ client_certificate_id: id, rest_api_id: EVIL });
  const change = (type: string, actions: string[], before: unknown, after: unknown, more = {}): object => ({
    address,
    type,
    change: { actions, before, after, ...more },
  });
  const [certificate, ofStage] = ['aws_api_gateway_client_certificate', 'aws_api_gateway_stage'];
  const plan = {
    format_version: '1.2',
    errored: true,
    resource_changes: [
      null,
      change(certificate, ['create'], null, {}),
      change(certificate, ['delete'], { id: EVIL }, null),
      change(certificate, ['forget'], { id: EVIL }, null),
      change(certificate, ['delete', 'create'], { id: EVIL }, {}),
      change(certificate, ['create', 'delete'], { id: EVIL }, {}),
      change(ofStage, ['create'], null, stage(EVIL)),
      change(ofStage, ['update'], stage(EVIL), stage(null)),
      change(ofStage, ['update'], stage(null), stage(EVIL)),
      change(ofStage, ['delete'], stage(EVIL), null),
      change(ofStage, ['delete', 'create'], stage(EVIL), stage(EVIL)),
      change(ofStage, ['update'], stage(EVIL), {}, { after_unknown: true }),
      change('aws_cloudformation_stack', ['update'], {}, {}),
    ],
    resource_drift: [change(ofStage, ['update'], stage(EVIL), stage('a'))],
  };
  const changes = [
    'AWS::ApiGateway::ClientCertificate',
    'AWS::ApiGateway::Stage',
    'AWS::CloudFormation::Stack',
  ];
  const changeSet = {
    Status: EVIL,
    StatusReason: EVIL,
    Changes: changes.map((ResourceType) => ({
      ResourceChange: { ResourceType, LogicalResourceId: EVIL, Action: 'Dynamic' },
    })),
  };
  const sources = [plan, changeSet].map((each) => ({ file: EVIL, bytes: Buffer.from(JSON.stringify(each)) }));
  return checkPlans(sources).findings;
}

test('no code is without a rule that finds it', async () => {
  const found = [
    ...ofCheckExpiry(),
    ...ofDoctor(),
    ...(await ofTrustStores()),
    ...(await ofLint()),
    ...ofVerify(),
    ...ofPlans(),
  ];
  const codes = new Set(found.map(({ code }) => code));
  expect(Object.keys(CATALOGUE).filter((code) => !codes.has(code as ReportedFinding['code']))).toEqual([]);
  for (const { message, remedy = '' } of found) {
    expect(message + remedy).not.toMatch(/[\p{Cc}\p{Cf}]|undefined|\[object|user:secret/u);
    expect(message).not.toBe('');
  }
});
