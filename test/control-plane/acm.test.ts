/** How certificates of ACM on stages are read, against the emulator. */
import type { ACMClient } from '@aws-sdk/client-acm';
import type { APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { attach } from '../../src/commands/attach/run.js';
import { doctor } from '../../src/commands/doctor/run.js';
import { download } from '../../src/commands/download/run.js';
import { inspectClientCertificate } from '../../src/commands/inspect/run.js';
import { update } from '../../src/commands/update/run.js';
import type { CertificateFilter } from '../../src/control-plane/certificate-filter.js';
import { createAwsControlPlane } from '../../src/control-plane/aws.js';
import { createAwsFleet } from '../../src/control-plane/aws-fleet.js';
import { DEFAULT_THRESHOLDS } from '../../src/control-plane/certificate-view.js';
import type { ControlPlane } from '../../src/control-plane/control-plane.js';
import { list } from '../../src/control-plane/list.js';
import { checkExpiry, type ExpiryReport } from '../../src/findings/check-expiry.js';
import { DEFAULT_FAIL_ON } from '../../src/findings/fail-on.js';
import { summaryLine } from '../../src/findings/formats/summary.js';
import type { Identity } from '../../src/certificates/issue.js';
import { acmClientOf, importCertificate, makePki, requestCertificate, type TestPki } from '../support/acm.js';
import { startCaBackend, type CaBackend } from '../support/ca-backend.js';
import {
  attachCertificate,
  clientOf,
  makeApi,
  makeWebSocketApi,
  v2ClientOf,
  type ApiFixture,
} from '../support/emulator.js';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';

const DAY_MS = 86_400_000;
const REGION = 'eu-central-1';
const ACCOUNTS = [{ name: 'own', regions: [REGION] }];

let pki: TestPki;
let leaf: Identity;
let backend: CaBackend;
let emulator: Emulator;
let client: APIGatewayClient;
let acm: ACMClient;
let api: ApiFixture;
let controlPlane: ControlPlane;
let arn: string;
beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIDTEST';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'secret';
  pki = await makePki();
  leaf = await pki.leaf();
  backend = await startCaBackend(pki.root.pem);
  emulator = await startEmulator({ rateLimit: false, backendCa: backend.caPem });
  client = clientOf(emulator);
  acm = acmClientOf(emulator);
  api = await makeApi(emulator, client, backend.url);
  controlPlane = await createAwsControlPlane({ region: REGION, endpoint: emulator.url });
  arn = await importCertificate(acm, leaf, { chain: pki.issuing.pem });
});
afterEach(() => {
  emulator.clearFaults();
  emulator.setClock(new Date());
});
afterAll(async () => {
  client.destroy();
  acm.destroy();
  await emulator.close();
  await backend.close();
});

const now = (): Date => emulator.now();
const present = (id: string): Promise<void> => attachCertificate(client, api, id);
const callsOfAcm = (): string[] =>
  emulator
    .requests()
    .filter(({ path }) => path === '/')
    .map(({ operation }) => operation)
    .sort();

const check = (ids?: readonly string[], usage = true): Promise<ExpiryReport> =>
  checkMatching(ids === undefined ? {} : { ids }, { usage });

function checkMatching(
  filter: CertificateFilter,
  { usage = false, all = false }: { usage?: boolean; all?: boolean } = {},
): Promise<ExpiryReport> {
  emulator.clearRequests();
  const question = {
    filter,
    all,
    compliance: false,
    usage,
    thresholds: DEFAULT_THRESHOLDS,
    failOn: DEFAULT_FAIL_ON,
  };
  return checkExpiry(createAwsFleet({ endpoint: emulator.url }), ACCOUNTS, question, now);
}

const codesOf = ({ findings }: Pick<ExpiryReport, 'findings'>): string[] => findings.map(({ code }) => code);
const deny = (): void => {
  const fault = { kind: 'error', code: 'AccessDeniedException', status: 400, occurrence: 'every' } as const;
  const message = `User: x is not authorized to perform: acm:DescribeCertificate on resource: ${arn}`;
  emulator.addFault({ operation: 'DescribeCertificate', ...fault, message });
};

test('without an ARN on a stage, ACM is not called', async () => {
  await present('');
  expect(codesOf(await check())).toEqual([]);
  expect(callsOfAcm()).toEqual([]);
});

test('check-expiry, list and inventory know it, with two calls for two stages', async () => {
  const second = await makeApi(emulator, client, backend.url, { name: 'billing' });
  await present(arn);
  await attachCertificate(client, second, arn);
  const report = await check();
  expect(callsOfAcm()).toEqual(['DescribeCertificate', 'GetCertificate']);
  expect(report).toMatchObject({
    level: 'ok',
    items: [
      {
        clientCertificateId: arn,
        status: 'ok',
        daysLeft: 89,
        acm: { origin: 'imported', keyType: 'EC_prime256v1' },
      },
    ],
    // It counts not against the quota of client certificates.
    sources: [{ certificates: 0, quotaLeft: 60 }],
  });
  expect(codesOf(report)).toEqual(['AcmCertificateImported']);
  const listing = await list(
    createAwsFleet({ endpoint: emulator.url }),
    ACCOUNTS,
    { usage: true, stages: true },
    now,
  );
  expect(listing.items[0]?.usedBy?.map(({ apiName }) => apiName).sort()).toEqual(['billing', 'orders']);
  expect(listing.items[0]?.acm?.chain.map(({ subject }) => subject)).toEqual(['CN=Orders Issuing CA']);
  expect(listing.stages).toMatchObject([
    { clientCertificateId: arn, status: 'ok', daysLeft: 89 },
    { clientCertificateId: arn, status: 'ok', daysLeft: 89 },
  ]);
  await attachCertificate(client, second, '');
});

test.each<[CertificateFilter, { usage?: boolean; all?: boolean }, unchecked: boolean, readsStages: boolean]>([
  [{}, {}, true, false],
  [{}, { all: true }, true, false],
  [{ description: 'example' }, {}, true, false],
  [{ ids: [] }, {}, true, false],
  [{ ids: ['abc123'] }, {}, false, false],
  [{ tags: { team: 'orders' } }, {}, false, false],
  [{}, { usage: true }, false, true],
  [{ use: 'inUse' }, {}, false, true],
])(
  '%j, %j: ACM certificates on stages are unchecked: %j',
  async (filter, options, unchecked, readsStages) => {
    await present(arn);
    const report = await checkMatching(filter, options);
    expect([report.acmUnchecked, emulator.requests().length > 1]).toEqual([unchecked, readsStages]);
    expect(summaryLine(report).endsWith('; ACM certificates not checked (--usage)')).toBe(unchecked);
  },
);

test('by its ARN it is found without a look at the stages, and judged by its expiry', async () => {
  emulator.advanceClock(85 * DAY_MS);
  const report = await check([arn], false);
  expect(
    emulator
      .requests()
      .map(({ operation }) => operation)
      .sort(),
  ).toEqual(['DescribeCertificate', 'GetClientCertificates', 'GetCertificate'].sort());
  expect(report.level).toBe('critical');
  expect(codesOf(report)).toEqual(['CertificateCritical', 'AcmCertificateImported']);
  expect(report.findings[0]?.remedy).toMatch(/^import its successor/);
  const unknown = await check([arn.replace(/.$/, (last) => (last === '0' ? '1' : '0'))], false);
  expect([unknown.level, codesOf(unknown)]).toEqual(['unknown', ['AcmCertificateUnknown']]);
});

test('what ACM does not tell is unknown, with the permission that is missing', async () => {
  await present(arn);
  deny();
  const report = await check();
  expect(report).toMatchObject({ level: 'unknown', items: [] });
  expect(report.findings).toMatchObject([
    {
      code: 'AcmCertificateUnknown',
      clientCertificateId: arn,
      message: expect.stringContaining('its expiry is unknown: AWS denies DescribeCertificate'),
      remedy: `allow acm:DescribeCertificate on ${arn}`,
    },
  ]);
  await expect(inspectClientCertificate(controlPlane, arn, now)).rejects.toMatchObject({
    code: 'AccessDenied',
  });
  const seen = await doctor(controlPlane, { address: { stage: 'orders/prod' } }, now);
  expect(seen.findings.map(({ code }) => code)).toContain('AcmCertificateUnknown');
});

test('inspect and download show it with its chain', async () => {
  await present(arn);
  const inspected = await inspectClientCertificate(controlPlane, arn, now);
  expect(inspected).toMatchObject({
    clientCertificateId: arn,
    publicKey: 'EC prime256v1',
    usedBy: [{ apiName: 'orders', stageName: 'prod' }],
    acm: { origin: 'imported', acmStatus: 'ISSUED', inUseBy: [expect.stringContaining(api.restApiId)] },
  });
  expect(inspected.findings?.map(({ code }) => code)).toEqual(['AcmCertificateImported']);
  const pem = `${leaf.pem}${pki.issuing.pem}`;
  const { certificates, content, findings } = await download(
    controlPlane,
    { ids: [arn], encoding: 'pem' },
    now,
  );
  expect([certificates[0]?.pem, Buffer.from(content).toString(), findings]).toEqual([pem, pem, []]);
  await expect(download(controlPlane, { ids: [arn], encoding: 'der' }, now)).rejects.toMatchObject({
    code: 'Usage',
  });
});

test('doctor says that the backend was not tested where no test call takes an ARN', async () => {
  await present(arn);
  const codes = async () =>
    (await doctor(controlPlane, { address: { stage: 'orders/prod' } }, now)).findings.map(({ code }) => code);
  const untested = await codes();
  expect(untested).toContain('AcmNotTested');
  expect(untested).not.toContain('BackendRefusesCurrent');
  emulator.configure({ testInvokeAcm: true });
  expect(await codes()).not.toContain('AcmNotTested');
  emulator.configure({ testInvokeAcm: false });
});

test('one that ACM could not renew, since its CA does not permit it', async () => {
  const own = await requestCertificate(acm);
  await present(own);
  await emulator.renewAcmCertificate(own, { status: 'FAILED', reason: 'PCA_ACCESS_DENIED' });
  const report = await check();
  expect(report.findings).toMatchObject([
    { code: 'AcmRenewalDenied', remedy: expect.stringContaining('acm-pca create-permission') },
  ]);
  expect(report.level).toBe('critical');
  await emulator.renewAcmCertificate(own, { status: 'SUCCESS' });
  expect(codesOf(await check())).toEqual([]);
});

test('attach shows it, and refuses what a stage does not accept', async () => {
  const options = {
    managerOf: () => ({ allowDrift: false }),
    confirm: () => Promise.resolve(),
  };
  await present('');
  const to = { stage: 'orders/prod' };
  expect(await attach(controlPlane, to, arn, now, options)).toMatchObject({
    after: arn,
    certificate: { status: 'ok', acm: { origin: 'imported' } },
  });
  const v2 = v2ClientOf(emulator);
  await makeWebSocketApi(emulator, v2, { name: 'chat' });
  v2.destroy();
  emulator.clearRequests();
  await expect(attach(controlPlane, { stage: 'chat/prod' }, arn, now, options)).rejects.toThrow(/WebSocket/);
  const unknown = arn.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  await expect(attach(controlPlane, to, unknown, now, options)).rejects.toMatchObject({
    code: 'CertificateNotFound',
    message: expect.stringContaining('there is no ACM certificate'),
  });
  expect(emulator.requests().map(({ operation }) => operation)).not.toContain('UpdateStage');
});

test('the tags of a certificate of ACM are read, set and removed', async () => {
  await controlPlane.tagClientCertificate(arn, { team: 'orders', 'apigw-cert:replaces': 'a1b2c3' });
  await controlPlane.untagClientCertificate(arn, ['team', 'none']);
  expect(await controlPlane.getAcmTags(arn)).toEqual({ 'apigw-cert:replaces': 'a1b2c3' });
  await controlPlane.untagClientCertificate(arn, ['apigw-cert:replaces']);
  expect(await controlPlane.getAcmTags(arn)).toEqual({});
});

test('what is for client certificates alone refuses an ARN without a call', async () => {
  emulator.clearRequests();
  for (const refused of [
    () => controlPlane.getClientCertificate(arn),
    () => controlPlane.updateClientCertificate(arn, 'x'),
    () => controlPlane.deleteClientCertificate(arn),
    () => update(controlPlane, arn, { tags: { a: 'b' }, untag: [] }, now),
  ]) {
    await expect(refused()).rejects.toMatchObject({ code: 'CertificateOfAcm' });
  }
  expect(emulator.requests()).toEqual([]);
});
