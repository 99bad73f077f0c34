import {
  CreateDeploymentCommand,
  CreateStageCommand,
  GetStageCommand,
  UpdateStageCommand,
  type PatchOperation,
  type Stage,
} from '@aws-sdk/client-api-gateway';
import { PutIntegrationCommand } from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startBackend, type Backend, type Echo } from '../support/backend.js';
import { attachCertificate, startLab, type Lab } from '../support/emulator.js';

let lab: Lab;
let canaryBackend: Backend;
/** What the emulator draws next. */
let drawn: number;
beforeEach(async () => {
  drawn = 0;
  canaryBackend = await startBackend();
  lab = await startLab({ random: () => drawn });
});
afterEach(async () => {
  await lab.close();
  await canaryBackend.close();
});

const stage = () => ({ restApiId: lab.api.restApiId, stageName: lab.api.stageName });
const update = (...patchOperations: PatchOperation[]): Promise<Stage> =>
  lab.client.send(new UpdateStageCommand({ ...stage(), patchOperations }));
const replace = (path: string, value: string): PatchOperation => ({ op: 'replace', path, value });
const deploy = async (canarySettings?: object, stageName?: string): Promise<string> => {
  const { restApiId } = lab.api;
  const { id } = await lab.client.send(new CreateDeploymentCommand({ restApiId, stageName, canarySettings }));
  return String(id);
};

describe('the canary of a stage', () => {
  test('is made with its deployment, which leaves that of the stage', async () => {
    const before = await lab.client.send(new GetStageCommand(stage()));
    const settings = { percentTraffic: 25, stageVariableOverrides: { host: 'canary' } };
    const id = await deploy(settings, 'prod');
    expect(await lab.client.send(new GetStageCommand(stage()))).toMatchObject({
      deploymentId: before.deploymentId,
      canarySettings: {
        deploymentId: id,
        percentTraffic: 25,
        stageVariableOverrides: { host: 'canary' },
        useStageCache: false,
      },
    });
  });

  test('is made with the stage, and is not there unless it was made', async () => {
    const id = await deploy();
    const made = await lab.client.send(
      new CreateStageCommand({
        restApiId: lab.api.restApiId,
        stageName: 'next',
        deploymentId: id,
        canarySettings: { deploymentId: id, percentTraffic: 50 },
      }),
    );
    expect(made.canarySettings).toEqual({ deploymentId: id, percentTraffic: 50, useStageCache: false });
    expect((await lab.client.send(new GetStageCommand(stage()))).canarySettings).toBeUndefined();
  });

  // All as AWS answered (recorded 2025-05-30).
  test('is made by a patch of one of its members, changed by others, promoted and removed', async () => {
    const { deploymentId } = await lab.client.send(new GetStageCommand(stage()));
    expect((await update(replace('/canarySettings/percentTraffic', '50'))).canarySettings).toEqual({
      deploymentId,
      percentTraffic: 50,
      useStageCache: false,
    });
    expect((await update({ op: 'remove', path: '/canarySettings' })).canarySettings).toBeUndefined();
    const id = await deploy();
    expect((await update(replace('/canarySettings/deploymentId', id))).canarySettings).toEqual({
      deploymentId: id,
      percentTraffic: 0,
      useStageCache: false,
    });
    await update(
      replace('/canarySettings/stageVariableOverrides/host', 'canary'),
      replace('/canarySettings/stageVariableOverrides/gone', 'x'),
    );
    const changed = await update({ op: 'remove', path: '/canarySettings/stageVariableOverrides/gone' });
    expect(changed.canarySettings?.stageVariableOverrides).toEqual({ host: 'canary' });
    const promoted = await update(
      { op: 'copy', from: '/canarySettings/deploymentId', path: '/deploymentId' },
      { op: 'copy', from: '/canarySettings/stageVariableOverrides', path: '/variables' },
      { op: 'remove', path: '/canarySettings' },
    );
    expect(promoted).toMatchObject({ deploymentId: id, variables: { host: 'canary' } });
    expect(promoted.canarySettings).toBeUndefined();
  });

  test.each([
    [
      { op: 'remove', path: '/canarySettings/stageVariableOverrides' },
      'Cannot remove method setting canarySettings/stageVariableOverrides because there is no method setting for this method ',
    ],
    [
      { op: 'add', path: '/canarySettings/deploymentId', value: 'x' },
      'Invalid add operation with path: /canarySettings/deploymentId',
    ],
    [
      { op: 'replace', path: '/canarySettings/badPath', value: 'x' },
      expect.stringMatching(/^Invalid method setting path: \/canarySettings\/badPath\. Must be one of: \[/),
    ],
    [replace('/canarySettings/deploymentId', 'nope'), 'Deployment id does not exist'],
    [replace('/canarySettings/percentTraffic', '101'), expect.stringMatching(/percentage/)],
    [replace('/canarySettings/percentTraffic', 'half'), expect.stringMatching(/percentage/)],
  ] as const)('refuses %j', async (patch, message) => {
    await expect(update(patch as PatchOperation)).rejects.toMatchObject({
      name: 'BadRequestException',
      message,
    });
  });

  test('needs a stage', async () => {
    await expect(deploy({ percentTraffic: 1 })).rejects.toMatchObject({
      message:
        'Invalid deployment content specified.Non null and non empty stageName must be provided for canary deployment. Provided value is null',
    });
    await expect(deploy({ percentTraffic: 1 }, 'nope')).rejects.toMatchObject({
      message:
        'Invalid deployment content specified.Stage nope must already be created before making a canary release deployment',
    });
  });
});

describe('traffic', () => {
  const port = (url: string): string => new URL(url).port;
  const ask = async (): Promise<Response> => fetch(`${lab.api.invokeUrl}/health`);

  beforeEach(async () => {
    const { restApiId, healthResourceId: resourceId } = lab.api;
    await lab.client.send(
      new PutIntegrationCommand({
        restApiId,
        resourceId,
        httpMethod: 'GET',
        type: 'HTTP_PROXY',
        integrationHttpMethod: 'GET',
        uri: 'https://localhost:${stageVariables.port}/health',
        tlsConfig: { insecureSkipVerification: true },
      }),
    );
    await deploy(undefined, 'prod');
    await update(
      replace('/variables/port', port(lab.backend.url)),
      replace('/canarySettings/percentTraffic', '25'),
      replace('/canarySettings/stageVariableOverrides/port', port(canaryBackend.url)),
    );
    canaryBackend.pins.add(lab.certificate.fingerprint);
  });

  test.each([
    [0, 'canary'],
    [0.2499, 'canary'],
    [0.25, 'stage'],
    [0.99, 'stage'],
  ])('%d of 1, with 25 percent, goes to the %s', async (draw, where) => {
    drawn = draw;
    expect((await ask()).status).toBe(200);
    expect([lab.backend.accepted.size, canaryBackend.accepted.size]).toEqual(
      where === 'canary' ? [0, 1] : [1, 0],
    );
  });

  test('of both presents the one certificate of the stage', async () => {
    for (drawn of [0, 0.9]) {
      expect(((await (await ask()).json()) as Echo).fingerprint).toBe(lab.certificate.fingerprint);
    }
    await attachCertificate(lab.client, lab.api, '');
    for (drawn of [0, 0.9]) expect((await ask()).status).toBe(403);
  });

  test('of the canary runs its own deployment', async () => {
    const { restApiId, proxyResourceId: resourceId } = lab.api;
    await lab.client.send(
      new PutIntegrationCommand({
        restApiId,
        resourceId,
        httpMethod: 'ANY',
        type: 'MOCK',
      }),
    );
    await update(replace('/canarySettings/deploymentId', await deploy()));
    const other = (): Promise<Response> => fetch(`${lab.api.invokeUrl}/status/418`);
    drawn = 0;
    expect((await other()).status).toBe(200);
    drawn = 0.9;
    expect((await other()).status).toBe(418);
  });
});
