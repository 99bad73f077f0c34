import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteClientCertificateCommand } from '@aws-sdk/client-api-gateway';
import {
  CreateApiCommand,
  CreateDeploymentCommand,
  CreateStageCommand,
  DeleteApiCommand,
  DeleteIntegrationCommand,
  DeleteStageCommand,
  GetApiCommand,
  GetApisCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  GetStageCommand,
  GetStagesCommand,
  GetTagsCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateStageCommand,
  type ApiGatewayV2Client,
} from '@aws-sdk/client-apigatewayv2';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startEmulator } from '../../src/emulator/index.js';
import type { Echo } from '../support/backend.js';
import {
  generateCertificate,
  makeWebSocketApi,
  startLab,
  v2ClientOf,
  type Lab,
  type WebSocketFixture,
} from '../support/emulator.js';

let lab: Lab;
let client: ApiGatewayV2Client;
let chat: WebSocketFixture;
beforeEach(async () => {
  lab = await startLab();
  client = v2ClientOf(lab.emulator);
  chat = await makeWebSocketApi(lab.emulator, client, {
    backendUrl: lab.backend.url,
    certificateId: lab.certificate.id,
  });
});
afterEach(async () => {
  client.destroy();
  await lab.close();
});

const stage = () => ({ ApiId: chat.apiId, StageName: chat.stageName });
const send = () => fetch(chat.messageUrl, { method: 'POST', body: '{"action":"say"}' });

describe('the control plane of apigatewayv2', () => {
  test('makes, lists and deletes APIs, WebSocket and HTTP', async () => {
    const api = await client.send(new GetApiCommand({ ApiId: chat.apiId }));
    expect(api).toMatchObject({
      ApiId: chat.apiId,
      Name: 'chat',
      ProtocolType: 'WEBSOCKET',
      RouteSelectionExpression: '$request.body.action',
      ApiEndpoint: `wss://${chat.apiId}.execute-api.eu-central-1.amazonaws.com`,
      CreatedDate: expect.any(Date),
    });
    const web = await client.send(new CreateApiCommand({ Name: 'web', ProtocolType: 'HTTP' }));
    const { Items = [] } = await client.send(new GetApisCommand({}));
    expect(new Set(Items.map(({ Name, ProtocolType }) => `${Name} ${ProtocolType}`))).toEqual(
      new Set(['chat WEBSOCKET', 'web HTTP']),
    );
    await client.send(new DeleteApiCommand({ ApiId: web.ApiId }));
    expect((await client.send(new GetApisCommand({}))).Items).toHaveLength(1);
    await client.send(new DeleteApiCommand({ ApiId: chat.apiId }));
    expect((await client.send(new GetApisCommand({}))).Items).toEqual([]);
  });

  test('gives pages that neither skip nor repeat', async () => {
    for (let i = 0; i < 5; i += 1) await makeWebSocketApi(lab.emulator, client, { name: `n${i}` });
    const names: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.send(new GetApisCommand({ MaxResults: '4', NextToken }));
      names.push(...(page.Items ?? []).map(({ Name = '' }) => Name));
      ({ NextToken } = page);
    } while (NextToken !== undefined);
    expect(names.sort()).toEqual(['chat', 'n0', 'n1', 'n2', 'n3', 'n4']);
    await expect(client.send(new GetApisCommand({ NextToken: 'made up' }))).rejects.toMatchObject({
      name: 'BadRequestException',
    });
  });

  test('shows WebSocket APIs in its own lists alone, and no REST API', async () => {
    const rest = await fetch(`${lab.emulator.url}/restapis/${chat.apiId}/stages`, {
      headers: {
        authorization:
          'AWS4-HMAC-SHA256 Credential=AKIDTEST/20260101/eu-central-1/apigateway/aws4_request, SignedHeaders=host, Signature=0',
      },
    });
    expect(rest.status).toBe(404);
    await expect(client.send(new GetStagesCommand({ ApiId: lab.api.restApiId }))).rejects.toMatchObject({
      name: 'NotFoundException',
      message: expect.stringMatching(/^Invalid API identifier specified \d{12}:/),
    });
  });

  test('changes what UpdateStage names, and an empty certificate removes it', async () => {
    const before = await client.send(new GetStageCommand(stage()));
    expect(before).toMatchObject({ ClientCertificateId: lab.certificate.id, StageName: 'prod' });
    lab.emulator.advanceClock(5_000);
    const described = await client.send(
      new UpdateStageCommand({ ...stage(), Description: 'd', StageVariables: { a: '1' } }),
    );
    expect(described).toMatchObject({
      ClientCertificateId: lab.certificate.id,
      Description: 'd',
      StageVariables: { a: '1' },
    });
    expect(Number(described.LastUpdatedDate)).toBeGreaterThanOrEqual(Number(before.LastUpdatedDate) + 5_000);
    const detached = await client.send(new UpdateStageCommand({ ...stage(), ClientCertificateId: '' }));
    expect(detached.ClientCertificateId).toBeUndefined();
    expect(detached.Description).toBe('d');
  });

  test('refuses what is not there', async () => {
    const other = { ApiId: chat.apiId, StageName: 'nope' };
    await expect(client.send(new GetStageCommand(other))).rejects.toMatchObject({
      name: 'NotFoundException',
      message: 'Invalid stage identifier specified',
    });
    const update = (change: object) => client.send(new UpdateStageCommand({ ...stage(), ...change }));
    await expect(update({ ClientCertificateId: 'zzzzzz' })).rejects.toMatchObject({
      name: 'BadRequestException',
    });
    await expect(update({ DeploymentId: 'zzzzzz' })).rejects.toMatchObject({
      name: 'BadRequestException',
      message: 'Deployment id does not exist',
    });
    await expect(client.send(new CreateStageCommand(stage()))).rejects.toMatchObject({
      name: 'ConflictException',
    });
    const web = await client.send(new CreateApiCommand({ Name: 'web', ProtocolType: 'HTTP' }));
    await expect(
      client.send(
        new CreateStageCommand({
          ApiId: web.ApiId,
          StageName: '$default',
          ClientCertificateId: lab.certificate.id,
        }),
      ),
    ).rejects.toMatchObject({ name: 'BadRequestException' });
  });

  test('keeps routes, integrations and deployments', async () => {
    const { apiId: ApiId } = chat;
    const { Items: [integration] = [] } = await client.send(new GetIntegrationsCommand({ ApiId }));
    expect(integration).toMatchObject({
      IntegrationType: 'HTTP_PROXY',
      IntegrationMethod: 'POST',
      IntegrationUri: `${lab.backend.url}/messages`,
      ConnectionType: 'INTERNET',
    });
    const { Items: [route] = [] } = await client.send(new GetRoutesCommand({ ApiId }));
    expect(route).toMatchObject({
      RouteKey: '$default',
      Target: `integrations/${integration?.IntegrationId}`,
    });
    await expect(
      client.send(new DeleteIntegrationCommand({ ApiId, IntegrationId: integration?.IntegrationId })),
    ).rejects.toMatchObject({ name: 'ConflictException' });
    const { DeploymentId } = await client.send(new CreateDeploymentCommand({ ApiId, StageName: 'prod' }));
    expect((await client.send(new GetStageCommand(stage()))).DeploymentId).toBe(DeploymentId);
  });

  test('tags APIs and stages by their ARNs', async () => {
    for (const ResourceArn of [
      `arn:aws:apigateway:eu-central-1::/apis/${chat.apiId}`,
      `arn:aws:apigateway:eu-central-1::/apis/${chat.apiId}/stages/prod`,
    ]) {
      await client.send(new TagResourceCommand({ ResourceArn, Tags: { a: '1', b: '2' } }));
      await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['a'] }));
      expect((await client.send(new GetTagsCommand({ ResourceArn }))).Tags).toEqual({ b: '2' });
    }
    expect((await client.send(new GetStageCommand(stage()))).Tags).toEqual({ b: '2' });
  });
});

describe('a certificate that a WebSocket stage presents', () => {
  test('cannot be deleted, until the stage is gone', async () => {
    const own = await generateCertificate(lab.client);
    await client.send(new UpdateStageCommand({ ...stage(), ClientCertificateId: own.id }));
    const remove = () => lab.client.send(new DeleteClientCertificateCommand({ clientCertificateId: own.id }));
    await expect(remove()).rejects.toMatchObject({
      name: 'BadRequestException',
      message: `Client certificate ${own.id} is used by stages: ${chat.apiId}/prod`,
    });
    await client.send(new DeleteStageCommand(stage()));
    expect((await remove()).$metadata.httpStatusCode).toBe(202);
  });

  test('is presented to the backend of the route, and spreads as that of a REST stage does', async () => {
    const response = await send();
    expect(response.status).toBe(200);
    expect((await response.json()) as Echo).toMatchObject({
      method: 'POST',
      url: '/messages',
      body: '{"action":"say"}',
      fingerprint: lab.certificate.fingerprint,
    });
    lab.emulator.configure({ propagationDelayMs: 60_000 });
    const next = await generateCertificate(lab.client);
    lab.backend.pins.add(next.fingerprint);
    await client.send(new UpdateStageCommand({ ...stage(), ClientCertificateId: next.id }));
    const seen: string[] = [];
    for (let i = 0; i < 4; i += 1) seen.push(((await (await send()).json()) as Echo).fingerprint);
    expect(seen).toEqual([
      lab.certificate.fingerprint,
      next.fingerprint,
      lab.certificate.fingerprint,
      next.fingerprint,
    ]);
    lab.emulator.advanceClock(60_000);
    expect(((await (await send()).json()) as Echo).fingerprint).toBe(next.fingerprint);
  });
});

test('requests count against the limit of the account that REST calls use up, and are in the log', async () => {
  const limited = await startEmulator({ rateLimit: { perSecond: 0.001, burst: 2 } });
  try {
    const own = v2ClientOf(limited);
    await own.send(new GetApisCommand({}));
    await own.send(new GetApisCommand({}));
    await expect(own.send(new GetApisCommand({}))).rejects.toMatchObject({
      name: 'TooManyRequestsException',
    });
    expect(limited.requests().map(({ operation, path, status }) => ({ operation, path, status }))).toEqual([
      { operation: 'GetApis', path: '/v2/apis', status: 200 },
      { operation: 'GetApis', path: '/v2/apis', status: 200 },
      { operation: 'GetApis', path: '/v2/apis', status: 429 },
    ]);
  } finally {
    await limited.close();
  }
});

test('a fault can be for the operation of apigatewayv2 alone', async () => {
  lab.emulator.addFault({ operation: 'apigatewayv2:UpdateStage', kind: 'cutBefore' });
  const { restApiId, stageName } = lab.api;
  const { UpdateStageCommand: UpdateRestStage } = await import('@aws-sdk/client-api-gateway');
  await lab.client.send(new UpdateRestStage({ restApiId, stageName, patchOperations: [] }));
  await expect(client.send(new UpdateStageCommand({ ...stage(), Description: 'lost' }))).rejects.toThrow(
    'socket hang up',
  );
});

test('WebSocket APIs are there after a restart, and a state from before there were any is read', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'apigw-cert-'));
  try {
    const first = await startEmulator({ dataDir });
    await makeWebSocketApi(first, v2ClientOf(first));
    await first.close();
    const second = await startEmulator({ dataDir });
    expect((await v2ClientOf(second).send(new GetApisCommand({}))).Items).toHaveLength(1);
    await second.close();
    const file = join(dataDir, 'state.json');
    const state = JSON.parse(readFileSync(file, 'utf8')) as { worlds: { v2Apis?: unknown }[] };
    for (const world of state.worlds) delete world.v2Apis;
    writeFileSync(file, JSON.stringify(state));
    const third = await startEmulator({ dataDir });
    expect((await v2ClientOf(third).send(new GetApisCommand({}))).Items).toEqual([]);
    await third.close();
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
