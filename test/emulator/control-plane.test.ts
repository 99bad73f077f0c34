import { X509Certificate } from 'node:crypto';
import {
  type APIGatewayClient,
  CreateDeploymentCommand,
  CreateResourceCommand,
  CreateRestApiCommand,
  CreateStageCommand,
  DeleteClientCertificateCommand,
  DeleteRestApiCommand,
  DeleteStageCommand,
  GenerateClientCertificateCommand,
  GetClientCertificateCommand,
  GetClientCertificatesCommand,
  GetDeploymentsCommand,
  GetIntegrationCommand,
  GetMethodCommand,
  GetResourcesCommand,
  GetRestApiCommand,
  GetRestApisCommand,
  GetStageCommand,
  GetStagesCommand,
  GetTagsCommand,
  paginateGetClientCertificates,
  type PatchOperation,
  PutIntegrationCommand,
  PutMethodCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateClientCertificateCommand,
  UpdateStageCommand,
} from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { importNew } from '../support/acm.js';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { attachCertificate, clientOf, makeApi, type ApiFixture } from '../support/emulator.js';

const SIGNED =
  'AWS4-HMAC-SHA256 Credential=AKIDTEST/20261126/eu-central-1/apigateway/aws4_request, Signature=0';
const START = new Date('2026-01-02T03:04:05.678Z');

let emulator: Emulator;
let client: APIGatewayClient;
beforeEach(async () => {
  emulator = await startEmulator({ rateLimit: false, clock: START });
  client = clientOf(emulator);
});
afterEach(async () => {
  client.destroy();
  await emulator.close();
});

const raw = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${emulator.url}${path}`, { headers: { authorization: SIGNED }, ...init });

const generate = async (input = {}): Promise<string> =>
  String((await client.send(new GenerateClientCertificateCommand(input))).clientCertificateId);

describe('client certificates', () => {
  test('are as API Gateway makes them', async () => {
    const made = await client.send(
      new GenerateClientCertificateCommand({ description: 'orders', tags: { team: 'a', __proto__x: 'b' } }),
    );
    expect(made.clientCertificateId).toMatch(/^[a-z0-9]{6}$/);
    expect(made).toMatchObject({ description: 'orders', tags: { team: 'a', __proto__x: 'b' } });
    expect(made.pemEncodedCertificate).toMatch(
      /^-----BEGIN CERTIFICATE-----\r\n(?:[^\n]+\r\n)+-----END CERTIFICATE-----$/,
    );
    const x509 = new X509Certificate(String(made.pemEncodedCertificate));
    expect(x509.subject).toBe('C=US\nL=Seattle\nCN=ApiGateway');
    expect(new Date(x509.validTo)).toEqual(made.expirationDate);
    expect(Number(made.expirationDate) - Number(made.createdDate)).toBe(365 * 86_400_000);
    // A first answer may take a moment, in which the clock runs on.
    expect(Number(made.createdDate) - START.setMilliseconds(0)).toBeLessThan(30_000);
    const got = await client.send(
      new GetClientCertificateCommand({ clientCertificateId: made.clientCertificateId }),
    );
    expect({ ...got, $metadata: 0 }).toEqual({ ...made, $metadata: 0 });
  });

  test('come as item with times in epoch seconds', async () => {
    await generate();
    const body = (await (await raw('/clientcertificates')).json()) as { item: { createdDate: number }[] };
    expect(Object.keys(body)).toEqual(['item']);
    expect(Number.isInteger(body.item[0]?.createdDate)).toBe(true);
  });

  test('are described, and refuse other patches in the words recorded from AWS', async () => {
    const clientCertificateId = await generate();
    const patch = (patchOperations: PatchOperation[]) =>
      client.send(new UpdateClientCertificateCommand({ clientCertificateId, patchOperations }));
    expect(await patch([{ op: 'replace', path: '/description', value: 'new' }])).toMatchObject({
      description: 'new',
    });
    await expect(patch([{ op: 'replace', path: '/x', value: 'y' }])).rejects.toMatchObject({
      name: 'BadRequestException',
      message: "Invalid patch path  '/x' specified for op 'replace'. Must be one of: [/description]",
    });
    await expect(patch([{ op: 'add', path: '/description', value: 'y' }])).rejects.toMatchObject({
      name: 'BadRequestException',
    });
    // A body that no SDK sends is answered with what is wrong with it.
    await expect(patch([{ op: 'replace', path: 7 as unknown as string }])).rejects.toMatchObject({
      name: 'BadRequestException',
      message:
        'Invalid request input: patchOperations.0.path: Invalid input: expected string, received number',
    });
  });

  test('come in pages', async () => {
    emulator.configure({ certificateQuota: 100 });
    const ids = await Promise.all(Array.from({ length: 27 }, () => generate()));
    const pages: (string | undefined)[][] = [];
    for await (const page of paginateGetClientCertificates({ client, pageSize: 10 }, {})) {
      pages.push((page.items ?? []).map(({ clientCertificateId }) => clientCertificateId));
    }
    expect(pages.map(({ length }) => length)).toEqual([10, 10, 7]);
    expect(pages.flat().sort()).toEqual([...ids].sort());
    const first = await client.send(new GetClientCertificatesCommand({}));
    expect(first.items).toHaveLength(25);
    for (const limit of [0, 501, -1]) {
      await expect(client.send(new GetClientCertificatesCommand({ limit }))).rejects.toMatchObject({
        name: 'BadRequestException',
      });
    }
    for (const position of ['', 'x', `${String(first.position)}A`, Buffer.from('{}').toString('base64')]) {
      const refused = client.send(new GetClientCertificatesCommand({ position }));
      await expect(refused).rejects.toMatchObject({ name: 'BadRequestException' });
    }
    // A token of one collection means nothing to another.
    await expect(client.send(new GetRestApisCommand({ position: first.position }))).rejects.toMatchObject({
      name: 'BadRequestException',
    });
  });

  test('have a quota, which concurrent calls keep too', async () => {
    emulator.configure({ certificateQuota: 2 });
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => generate()));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    await expect(generate()).rejects.toMatchObject({
      name: 'LimitExceededException',
      $metadata: { httpStatusCode: 429 },
    });
  });

  test.each([
    [400, 'BadRequestException'],
    [409, 'ConflictException'],
  ] as const)('are not deleted while a stage uses them: %d', async (deleteInUseStatus, name) => {
    emulator.configure({ deleteInUseStatus });
    const api = await makeApi(emulator, client, 'https://localhost:1');
    const clientCertificateId = await generate();
    await attachCertificate(client, api, clientCertificateId);
    const remove = () => client.send(new DeleteClientCertificateCommand({ clientCertificateId }));
    await expect(remove()).rejects.toMatchObject({ name, $metadata: { httpStatusCode: deleteInUseStatus } });
    await attachCertificate(client, api, '');
    expect((await remove()).$metadata.httpStatusCode).toBe(202);
    await expect(remove()).rejects.toMatchObject({ name: 'NotFoundException' });
  });

  test('and other things are tagged', async () => {
    const id = await generate({ tags: { a: '1' } });
    const api = await makeApi(emulator, client, 'https://localhost:1');
    for (const path of [
      `/clientcertificates/${id}`,
      `/restapis/${api.restApiId}`,
      `/restapis/${api.restApiId}/stages/prod`,
    ]) {
      const resourceArn = `arn:aws:apigateway:eu-central-1::${path}`;
      await client.send(new TagResourceCommand({ resourceArn, tags: { b: '2', 'c d/é': '3' } }));
      await client.send(new UntagResourceCommand({ resourceArn, tagKeys: ['a', 'b'] }));
      const { tags } = await client.send(new GetTagsCommand({ resourceArn }));
      expect(tags).toEqual({ 'c d/é': '3' });
    }
    const tag = (resourceArn: string, tags: Record<string, string>) =>
      client.send(new TagResourceCommand({ resourceArn, tags }));
    const arn = `arn:aws:apigateway:eu-central-1::/clientcertificates/${id}`;
    await expect(tag(arn, { 'aws:x': '1' })).rejects.toMatchObject({ name: 'BadRequestException' });
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, '']));
    await expect(tag(arn, many)).rejects.toMatchObject({ name: 'BadRequestException' });
    await expect(tag(arn.replace(id, 'zzzzzz'), {})).rejects.toMatchObject({ name: 'NotFoundException' });
    await expect(tag(arn.replace('eu-central-1', 'us-east-1'), {})).rejects.toMatchObject({
      name: 'BadRequestException',
    });
  });
});

describe('accounts and Regions', () => {
  test('see nothing of each other', async () => {
    const clientCertificateId = await generate();
    for (const other of [{ region: 'us-east-1' }, { accessKeyId: 'AKIDOTHER' }]) {
      const otherClient = clientOf(emulator, other);
      expect((await otherClient.send(new GetClientCertificatesCommand({}))).items).toEqual([]);
      await expect(
        otherClient.send(new GetClientCertificateCommand({ clientCertificateId })),
      ).rejects.toMatchObject({ name: 'NotFoundException', $metadata: { httpStatusCode: 404 } });
    }
  });

  test('are read from the signature, without which nothing is done', async () => {
    for (const [authorization, type] of [
      [undefined, 'MissingAuthenticationTokenException'],
      ['Bearer x', 'IncompleteSignatureException'],
      [SIGNED.replace('apigateway', 's3'), 'InvalidSignatureException'],
    ] as const) {
      const response = await raw('/clientcertificates', { headers: authorization ? { authorization } : {} });
      expect(response.status).toBe(403);
      expect(response.headers.get('x-amzn-errortype')).toBe(type);
      expect(response.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
      expect(await response.json()).toEqual({ message: expect.any(String) });
    }
  });
});

describe('APIs and stages', () => {
  let api: ApiFixture;
  beforeEach(async () => {
    api = await makeApi(emulator, client, 'https://backend.example');
  });

  test('are made, read and removed', async () => {
    const { restApiId, stageName } = api;
    expect(restApiId).toMatch(/^[a-z0-9]{10}$/);
    expect(await client.send(new GetRestApiCommand({ restApiId }))).toMatchObject({ name: 'orders' });
    expect((await client.send(new GetRestApisCommand({}))).items).toHaveLength(1);
    const bare = await client.send(new GetResourcesCommand({ restApiId }));
    expect(bare.items?.map(({ path }) => path).sort()).toEqual(['/', '/health', '/{proxy+}']);
    const health = (items: typeof bare.items) =>
      items?.find(({ path }) => path === '/health')?.resourceMethods;
    expect(health(bare.items)).toEqual({ GET: {} });
    const embedded = await client.send(new GetResourcesCommand({ restApiId, embed: ['methods'] }));
    expect(health(embedded.items)?.['GET']).toMatchObject({
      authorizationType: 'NONE',
      methodIntegration: { type: 'HTTP_PROXY', httpMethod: 'GET', uri: 'https://backend.example/health' },
    });
    expect((await client.send(new GetDeploymentsCommand({ restApiId }))).items).toHaveLength(1);
    expect((await client.send(new GetStagesCommand({ restApiId }))).item).toMatchObject([{ stageName }]);
    await client.send(new DeleteStageCommand({ restApiId, stageName }));
    await expect(client.send(new GetStageCommand({ restApiId, stageName }))).rejects.toMatchObject({
      name: 'NotFoundException',
      message: 'Invalid stage identifier specified',
    });
    await client.send(new DeleteRestApiCommand({ restApiId }));
    await expect(client.send(new GetStagesCommand({ restApiId }))).rejects.toMatchObject({
      name: 'NotFoundException',
      message: expect.stringMatching(new RegExp(`^Invalid API identifier specified \\d{12}:${restApiId}$`)),
    });
  });

  test('know methods and integrations', async () => {
    const method = { restApiId: api.restApiId, resourceId: api.healthResourceId, httpMethod: 'POST' };
    const put = (integration: object) =>
      client.send(
        new PutIntegrationCommand({
          ...method,
          type: 'HTTP',
          integrationHttpMethod: 'GET',
          uri: 'https://b.example/',
          ...integration,
        }),
      );
    await expect(put({})).rejects.toMatchObject({ message: 'Invalid Method identifier specified' });
    await client.send(new PutMethodCommand({ ...method, authorizationType: 'NONE' }));
    await expect(
      client.send(new PutMethodCommand({ ...method, authorizationType: 'NONE' })),
    ).rejects.toMatchObject({ name: 'ConflictException' });
    // A deployment needs every method to be complete.
    const deploy = () => client.send(new CreateDeploymentCommand({ restApiId: api.restApiId }));
    await expect(deploy()).rejects.toMatchObject({ message: 'No integration defined for method' });
    await expect(put({ uri: 'ftp://b.example' })).rejects.toMatchObject({ name: 'BadRequestException' });
    await expect(put({ type: 'AWS_PROXY' })).rejects.toMatchObject({ name: 'BadRequestException' });
    await put({ tlsConfig: { insecureSkipVerification: true } });
    expect(await client.send(new GetIntegrationCommand(method))).toMatchObject({
      type: 'HTTP',
      tlsConfig: { insecureSkipVerification: true },
    });
    expect(await client.send(new GetMethodCommand(method))).toMatchObject({
      httpMethod: 'POST',
      methodIntegration: { type: 'HTTP' },
    });
    await deploy();
  });

  test('refuse resources that clash', async () => {
    const { restApiId } = api;
    const create = (parentId: string, pathPart: string) =>
      client.send(new CreateResourceCommand({ restApiId, parentId, pathPart }));
    const child = await create(api.healthResourceId, '{id}');
    expect(child.path).toBe('/health/{id}');
    await expect(create(api.healthResourceId, '{id}')).rejects.toMatchObject({ name: 'ConflictException' });
    await expect(create(api.healthResourceId, 'a/b')).rejects.toMatchObject({ name: 'BadRequestException' });
    await expect(create('nope', 'x')).rejects.toMatchObject({
      message: 'Invalid Resource identifier specified',
    });
  });

  test('stages are patched, all operations or none', async () => {
    const { restApiId, stageName } = api;
    const stage = { restApiId, stageName };
    const before = await client.send(new GetStageCommand(stage));
    const clientCertificateId = await generate();
    emulator.advanceClock(5000);
    const update = (patchOperations: PatchOperation[]) =>
      client.send(new UpdateStageCommand({ ...stage, patchOperations }));
    const attach = { op: 'replace', path: '/clientCertificateId', value: clientCertificateId } as const;
    const after = await update([
      attach,
      { op: 'replace', path: '/description', value: 'd' },
      { op: 'replace', path: '/variables/host', value: 'h' },
    ]);
    expect(after).toMatchObject({ clientCertificateId, description: 'd', variables: { host: 'h' } });
    expect(Number(after.lastUpdatedDate)).toBeGreaterThanOrEqual(Number(before.lastUpdatedDate) + 5000);

    await expect(
      update([
        { op: 'replace', path: '/description', value: 'not this' },
        { ...attach, value: 'zzzzzz' },
      ]),
    ).rejects.toMatchObject({ name: 'BadRequestException' });
    await expect(update([{ op: 'replace', path: '/nope', value: '1' }])).rejects.toMatchObject({
      message: expect.stringMatching(
        /^Invalid method setting path: \/nope\. Must be one of: \[.*\/deploymentId/,
      ),
    });
    await expect(update([{ op: 'replace', path: '/deploymentId', value: 'nope' }])).rejects.toMatchObject({
      name: 'BadRequestException',
      message: 'Deployment id does not exist',
    });
    // As AWS has answered it for other paths, trailing space included.
    await expect(update([{ op: 'remove', path: '/clientCertificateId' }])).rejects.toMatchObject({
      name: 'BadRequestException',
      message:
        'Cannot remove method setting clientCertificateId because there is no method setting for this method ',
    });
    expect(await client.send(new GetStageCommand(stage))).toMatchObject({
      description: 'd',
      clientCertificateId,
    });

    expect((await update([{ ...attach, value: '' }])).clientCertificateId).toBeUndefined();
    const arn = await importNew(emulator);
    expect(await update([{ ...attach, value: arn }])).toMatchObject({ clientCertificateId: arn });
  });

  test('stages are created with tags, those of CloudFormation too, ten an API', async () => {
    const { restApiId } = api;
    const deploymentId = (await client.send(new CreateDeploymentCommand({ restApiId }))).id;
    const tags = { 'aws:cloudformation:stack-name': 'orders' };
    const create = (stageName: string, id = deploymentId) =>
      client.send(new CreateStageCommand({ restApiId, stageName, deploymentId: id, tags }));
    expect(await create('s1')).toMatchObject({ tags, deploymentId });
    await expect(create('s1')).rejects.toMatchObject({ name: 'ConflictException' });
    await expect(create('s2', 'nope')).rejects.toMatchObject({ name: 'BadRequestException' });
    await expect(create('a/b')).rejects.toMatchObject({ name: 'BadRequestException' });
    for (let i = 2; i < 10; i += 1) await create(`s${i}`);
    await expect(create('s10')).rejects.toMatchObject({ name: 'LimitExceededException' });
    const { item } = await client.send(new GetStagesCommand({ restApiId, deploymentId }));
    expect(item).toHaveLength(9);
  });

  test('an API without methods is not deployed', async () => {
    const { id } = await client.send(new CreateRestApiCommand({ name: 'empty' }));
    await expect(client.send(new CreateDeploymentCommand({ restApiId: id }))).rejects.toMatchObject({
      message: "The REST API doesn't contain any methods",
    });
  });
});
