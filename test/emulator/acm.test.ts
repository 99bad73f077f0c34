import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ACMClient,
  AddTagsToCertificateCommand,
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  type DescribeCertificateCommandOutput,
  GetCertificateCommand,
  KeyAlgorithm,
  ListCertificatesCommand,
  ListTagsForCertificateCommand,
  RemoveTagsFromCertificateCommand,
  RequestCertificateCommand,
} from '@aws-sdk/client-acm';
import {
  type APIGatewayClient,
  DeleteClientCertificateCommand,
  GetClientCertificateCommand,
  GetClientCertificatesCommand,
  GetStageCommand,
  TestInvokeMethodCommand,
  UpdateClientCertificateCommand,
} from '@aws-sdk/client-api-gateway';
import { UpdateStageCommand as UpdateV2StageCommand } from '@aws-sdk/client-apigatewayv2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { certificateFacts } from '../../src/certificates/parse.js';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
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

const DAY_MS = 86_400_000;
let pki: TestPki;
let backend: CaBackend;
beforeAll(async () => {
  pki = await makePki();
  backend = await startCaBackend(pki.root.pem);
});
afterAll(() => backend.close());

let emulator: Emulator;
let client: APIGatewayClient;
let acm: ACMClient;
let api: ApiFixture;
let dataDir: string;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'apigw-cert-'));
  emulator = await startEmulator({ rateLimit: false, backendCa: backend.caPem, dataDir });
  client = clientOf(emulator);
  acm = acmClientOf(emulator);
  api = await makeApi(emulator, client, backend.url);
});
afterEach(async () => {
  client.destroy();
  acm.destroy();
  await emulator.close();
  rmSync(dataDir, { recursive: true });
});

const chain = () => pki.issuing.pem;
const describeArn = async (
  arn: string,
): Promise<NonNullable<DescribeCertificateCommandOutput['Certificate']>> =>
  (await acm.send(new DescribeCertificateCommand({ CertificateArn: arn }))).Certificate ?? {};
const get = (CertificateArn: string) => acm.send(new GetCertificateCommand({ CertificateArn }));
const attach = (arn: string): Promise<void> => attachCertificate(client, api, arn);
/** What the backend saw of so many requests to the stage. */
async function seen(requests = 1): Promise<string[]> {
  const before = backend.seen.length;
  for (let index = 0; index < requests; index += 1) await fetch(`${api.invokeUrl}/health`);
  return backend.seen.slice(before);
}

test('an imported certificate is described, given back, and presented with its chain', async () => {
  const leaf = await pki.leaf({ dnsNames: ['a.example', 'b.example'] });
  const facts = certificateFacts(leaf.pem);
  const arn = await importCertificate(acm, leaf, { chain: chain() });
  expect(arn).toMatch(/^arn:aws:acm:eu-central-1:\d{12}:certificate\/[0-9a-f-]{36}$/);
  expect(await get(arn)).toMatchObject({ Certificate: leaf.pem, CertificateChain: chain() });
  const unused = await describeArn(arn);
  expect(unused).toMatchObject({
    CertificateArn: arn,
    Type: 'IMPORTED',
    Status: 'ISSUED',
    DomainName: 'a.example',
    SubjectAlternativeNames: ['b.example'],
    KeyAlgorithm: 'EC_prime256v1',
    KeyUsages: [{ Name: 'DIGITAL_SIGNATURE' }],
    ExtendedKeyUsages: [{ Name: 'TLS_WEB_CLIENT_AUTHENTICATION', OID: '1.3.6.1.5.5.7.3.2' }],
    NotBefore: facts.notBefore,
    NotAfter: facts.notAfter,
    RenewalEligibility: 'INELIGIBLE',
    InUseBy: [],
  });
  expect(unused.RenewalSummary).toBeUndefined();

  await attach(arn);
  const stage = { restApiId: api.restApiId, stageName: api.stageName };
  expect((await client.send(new GetStageCommand(stage))).clientCertificateId).toBe(arn);
  expect((await describeArn(arn)).InUseBy).toHaveLength(1);
  expect(await seen()).toEqual([facts.fingerprintSha256]);
  await expect(acm.send(new DeleteCertificateCommand({ CertificateArn: arn }))).rejects.toMatchObject({
    name: 'ResourceInUseException',
  });
  // API Gateway's own operations know nothing of it.
  const id = { clientCertificateId: arn };
  for (const answer of [
    client.send(new GetClientCertificateCommand(id)),
    client.send(new UpdateClientCertificateCommand({ ...id, patchOperations: [] })),
    client.send(new DeleteClientCertificateCommand(id)),
  ]) {
    await expect(answer).rejects.toMatchObject({ name: 'NotFoundException' });
  }
  expect((await client.send(new GetClientCertificatesCommand({}))).items).toEqual([]);

  await attach('');
  await acm.send(new DeleteCertificateCommand({ CertificateArn: arn }));
  await expect(get(arn)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('a stage presents what it is given, even without the intermediate certificate', async () => {
  await attach(await importCertificate(acm, await pki.leaf()));
  expect(await seen()).toEqual(['UNABLE_TO_VERIFY_LEAF_SIGNATURE']);
});

test('TestInvokeMethod takes an ARN only where it is set to', async () => {
  const arn = await importCertificate(acm, await pki.leaf(), { chain: chain() });
  const invoke = () =>
    client.send(
      new TestInvokeMethodCommand({
        restApiId: api.restApiId,
        resourceId: api.healthResourceId,
        httpMethod: 'GET',
        clientCertificateId: arn,
      }),
    );
  await expect(invoke()).rejects.toMatchObject({ name: 'BadRequestException' });
  emulator.configure({ testInvokeAcm: true });
  expect(await invoke()).toMatchObject({ status: 200 });
});

describe('what a stage does not accept', () => {
  const cases: [string, () => Promise<string>, RegExp][] = [
    ['an unknown one', () => Promise.resolve(`${ownPrefix()}00000000`), /no such certificate/],
    ['of another account', () => Promise.resolve(ownPrefix().replace(/\d{12}/, '123456789012')), /account/],
    ['of another Region', () => Promise.resolve(ownPrefix().replace('central', 'west')), /Region/],
    ['a public one that is not issued', requestPublic, /not ISSUED/],
    ['RSA 1024', async () => importCertificate(acm, await pki.leaf({ keyType: 'RSA_1024' })), /RSA_1024/],
    [
      'for servers alone',
      async () => importCertificate(acm, await pki.leaf({ purposes: ['serverAuth'] })),
      /clientAuth/,
    ],
    ['an authority', () => importCertificate(acm, pki.issuing), /key usage/],
    [
      'a chain of six',
      async () => importCertificate(acm, await pki.leaf(), { chain: chain().repeat(5) }),
      /more than 5/,
    ],
  ];
  const ownPrefix = () => `arn:aws:acm:eu-central-1:${emulator.requests()[0]?.account}:certificate/`;
  async function requestPublic(): Promise<string> {
    const { CertificateArn = '' } = await acm.send(
      new RequestCertificateCommand({ DomainName: 'orders.example' }),
    );
    expect(await describeArn(CertificateArn)).toMatchObject({
      Type: 'AMAZON_ISSUED',
      Status: 'PENDING_VALIDATION',
    });
    await expect(get(CertificateArn)).rejects.toMatchObject({ name: 'RequestInProgressException' });
    return CertificateArn;
  }
  test.each(cases)('%s', async (_, make, reason) => {
    const arn = await make();
    await expect(attach(arn)).rejects.toMatchObject({
      name: 'BadRequestException',
      message: expect.stringMatching(reason),
    });
  });

  test('one that has expired, and any on a WebSocket stage', async () => {
    const arn = await importCertificate(acm, await pki.leaf(), { chain: chain() });
    const v2 = v2ClientOf(emulator);
    const { apiId, stageName } = await makeWebSocketApi(emulator, v2);
    const update = { ApiId: apiId, StageName: stageName, ClientCertificateId: arn };
    await expect(v2.send(new UpdateV2StageCommand(update))).rejects.toMatchObject({
      name: 'BadRequestException',
    });
    v2.destroy();
    emulator.advanceClock(91 * DAY_MS);
    await expect(attach(arn)).rejects.toThrow(/not valid now/);
    expect((await describeArn(arn)).Status).toBe('EXPIRED');
  });

  test.each([[{ hasKeyUsage: false }], [{ purposes: [] }], [{ keyType: 'EC_secp521r1' as const }]])(
    'but it accepts %j',
    async (options) => {
      await attach(await importCertificate(acm, await pki.leaf(options), { chain: chain() }));
      expect(await seen()).toEqual([expect.stringMatching(/^[0-9A-F:]{95}$/)]);
    },
  );
});

describe('a re-import', () => {
  test('keeps the ARN, and old and new are presented in turns while it spreads', async () => {
    const [before, after] = [await pki.leaf(), await pki.leaf()];
    const arn = await importCertificate(acm, before, { chain: chain() });
    await attach(arn);
    emulator.configure({ propagationDelayMs: DAY_MS });
    expect(await importCertificate(acm, after, { chain: chain(), arn })).toBe(arn);
    expect(await get(arn)).toMatchObject({ Certificate: after.pem });
    const [old, fresh] = [before, after].map(({ pem }) => certificateFacts(pem).fingerprintSha256);
    expect(await seen(4)).toEqual([old, fresh, old, fresh]);
    emulator.advanceClock(DAY_MS);
    expect(await seen(2)).toEqual([fresh, fresh]);
  });

  test('keeps key type and uses, except clientAuth', async () => {
    const both = ['clientAuth', 'serverAuth'] as const;
    const arn = await importCertificate(acm, await pki.leaf({ purposes: both }));
    const again = async (options: Parameters<TestPki['leaf']>[0]): Promise<string> =>
      importCertificate(acm, await pki.leaf(options), { arn });
    const refused = { name: 'ValidationException' };
    await expect(again({ purposes: both, keyType: 'EC_secp384r1' })).rejects.toMatchObject(refused);
    await expect(again({ purposes: ['clientAuth'] })).rejects.toMatchObject(refused);
    await expect(importCertificate(acm, pki.issuing, { arn })).rejects.toMatchObject(refused);
    expect(await again({ purposes: ['serverAuth'] })).toBe(arn);
    const own = await requestCertificate(acm);
    await expect(importCertificate(acm, await pki.leaf(), { arn: own })).rejects.toMatchObject(refused);
  });

  test('is refused without the key of the certificate, or what can be read', async () => {
    const [one, other] = [await pki.leaf(), await pki.leaf()];
    for (const [identity, options] of [
      [{ ...one, privateKeyPem: other.privateKeyPem }, {}],
      [{ ...one, privateKeyPem: 'x' }, {}],
      [{ ...one, pem: 'x' }, {}],
      [one, { chain: 'x' }],
      [await pki.leaf({ days: 0 }), {}],
    ] as const) {
      await expect(importCertificate(acm, identity, options)).rejects.toMatchObject({
        name: 'ValidationException',
      });
    }
  });
});

describe('a certificate of a private CA', () => {
  test('renews itself with a new key, and may fail to', async () => {
    const arn = await requestCertificate(acm);
    const [first, { CertificateChain: issued = '' }] = await Promise.all([describeArn(arn), get(arn)]);
    expect(first).toMatchObject({ Type: 'PRIVATE', Status: 'ISSUED', RenewalEligibility: 'INELIGIBLE' });
    expect(Number(first.NotAfter) - Number(first.NotBefore)).toBe(395 * DAY_MS);
    await attach(arn);
    expect((await describeArn(arn)).RenewalEligibility).toBe('ELIGIBLE');
    await emulator.renewAcmCertificate(arn, { status: 'FAILED', reason: 'PCA_ACCESS_DENIED' });
    expect(await describeArn(arn)).toMatchObject({
      Serial: first.Serial,
      RenewalSummary: { RenewalStatus: 'FAILED', RenewalStatusReason: 'PCA_ACCESS_DENIED' },
    });
    const renewal = await fetch(`${emulator.url}/_emulator/acm/renew`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ certificateArn: arn, status: 'SUCCESS' }),
    });
    expect(renewal.status).toBe(204);
    const renewed = await describeArn(arn);
    expect(renewed.RenewalSummary).toMatchObject({ RenewalStatus: 'SUCCESS' });
    expect(renewed.Serial).not.toBe(first.Serial);
    expect((await get(arn)).CertificateChain).toBe(issued);
    await expect(emulator.renewAcmCertificate('arn', { status: 'SUCCESS' })).rejects.toMatchObject({
      status: 404,
    });
  });

  test('is not had from the CA of another account', async () => {
    const command = new RequestCertificateCommand({
      DomainName: 'a.example',
      CertificateAuthorityArn: 'arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1',
    });
    await expect(acm.send(command)).rejects.toMatchObject({ name: 'InvalidArnException' });
  });
});

test('lists hide all but RSA 1024 and 2048 unless the key types are named, page by page', async () => {
  const rsa = await importCertificate(acm, await pki.leaf({ keyType: 'RSA_2048' }));
  const ec = await importCertificate(acm, await pki.leaf());
  const list = async (input = {}) => {
    const { CertificateSummaryList = [], NextToken } = await acm.send(new ListCertificatesCommand(input));
    return { arns: CertificateSummaryList.map(({ CertificateArn }) => CertificateArn), NextToken };
  };
  expect((await list()).arns).toEqual([rsa]);
  const all = { Includes: { keyTypes: Object.values(KeyAlgorithm) } };
  expect((await list(all)).arns.sort()).toEqual([rsa, ec].sort());
  const one = await list({ ...all, MaxItems: 1 });
  const two = await list({ ...all, MaxItems: 1, NextToken: one.NextToken });
  expect([...one.arns, ...two.arns].sort()).toEqual([rsa, ec].sort());
  expect(two.NextToken).toBeUndefined();
  expect((await list({ ...all, CertificateStatuses: ['EXPIRED'] })).arns).toEqual([]);
});

test('tags', async () => {
  const arn = await importCertificate(acm, await pki.leaf());
  const Tags = [{ Key: 'team', Value: 'orders' }, { Key: 'bare' }];
  await acm.send(new AddTagsToCertificateCommand({ CertificateArn: arn, Tags }));
  const tags = async () => (await acm.send(new ListTagsForCertificateCommand({ CertificateArn: arn }))).Tags;
  expect(await tags()).toEqual([Tags[0], { Key: 'bare', Value: '' }]);
  const remove = (...some: { Key: string; Value?: string }[]) =>
    acm.send(new RemoveTagsFromCertificateCommand({ CertificateArn: arn, Tags: some }));
  await remove({ Key: 'team', Value: 'other' }, { Key: 'bare' });
  expect(await tags()).toEqual([Tags[0]]);
  const reserved = new AddTagsToCertificateCommand({ CertificateArn: arn, Tags: [{ Key: 'aws:x' }] });
  await expect(acm.send(reserved)).rejects.toMatchObject({ name: 'InvalidTagException' });
});

test('an account and Region has its own, faults hit them, and they outlast a restart', async () => {
  const leaf = await pki.leaf();
  const arn = await importCertificate(acm, leaf, { chain: chain() });
  const own = await requestCertificate(acm);
  await attach(arn);
  for (const other of [{ region: 'eu-west-1' }, { accessKeyId: 'AKIDOTHER' }]) {
    const elsewhere = acmClientOf(emulator, other);
    await expect(elsewhere.send(new GetCertificateCommand({ CertificateArn: arn }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    elsewhere.destroy();
  }
  const denied = { kind: 'error', code: 'AccessDeniedException', status: 400 } as const;
  emulator.addFault({ operation: 'acm:DescribeCertificate', ...denied });
  await expect(describeArn(arn)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  expect(emulator.requests().at(-1)).toMatchObject({ operation: 'DescribeCertificate', fault: 'error' });

  await emulator.close();
  emulator = await startEmulator({ rateLimit: false, backendCa: backend.caPem, dataDir });
  const again = acmClientOf(emulator);
  const { invokeUrl } = api;
  api = { ...api, invokeUrl: invokeUrl.replace(/^http:\/\/[^/]+/, emulator.url) };
  expect(await seen()).toEqual([certificateFacts(leaf.pem).fingerprintSha256]);
  const renewed = await again.send(new GetCertificateCommand({ CertificateArn: own }));
  await emulator.renewAcmCertificate(own, { status: 'SUCCESS' });
  const after = await again.send(new GetCertificateCommand({ CertificateArn: own }));
  expect(after.Certificate).not.toBe(renewed.Certificate);
  expect(after.CertificateChain).toBe(renewed.CertificateChain);
  again.destroy();
});

test('anything else is refused in JSON 1.1', async () => {
  const post = (target: string, service = 'acm') =>
    fetch(emulator.url, {
      method: 'POST',
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=AKID/20261126/eu-central-1/${service}/aws4_request, Signature=0`,
        'x-amz-target': target,
      },
      body: '{}',
    });
  const unknown = await post('CertificateManager.RenewCertificate');
  expect([unknown.status, await unknown.json()]).toEqual([
    400,
    { __type: 'UnknownOperationException', message: expect.any(String) },
  ]);
  const invalid = await post('CertificateManager.DescribeCertificate');
  expect([invalid.status, await invalid.json()]).toMatchObject([400, { __type: 'ValidationException' }]);
  expect((await post('CertificateManager.DescribeCertificate', 'apigateway')).status).toBe(403);
});
