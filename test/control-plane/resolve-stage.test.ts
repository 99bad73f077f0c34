import {
  CreateDeploymentCommand,
  CreateRestApiCommand,
  PutIntegrationCommand,
  PutMethodCommand,
} from '@aws-sdk/client-api-gateway';
import { CreateStageCommand } from '@aws-sdk/client-apigatewayv2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { resolveStage, type StageAddress } from '../../src/control-plane/resolve-stage.js';
import type { AppError } from '../../src/platform/errors.js';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { createAwsControlPlane } from '../../src/control-plane/aws.js';
import type { ControlPlane } from '../../src/control-plane/control-plane.js';
import { clientOf, makeWebSocketApi, v2ClientOf } from '../support/emulator.js';

/** Two APIs share a name, one has a slash in it, and the last one's is the id of the first. */
const APIS = [
  ['orders', ['prod', 'dev']],
  ['billing', ['prod']],
  ['twin', ['prod', 'blue']],
  ['twin', ['prod', 'green']],
  ['team/mail', ['live']],
  ['{0}', ['prod']],
] as const;

let emulator: Emulator;
let controlPlane: ControlPlane;
const ids: string[] = [];

/** Puts the APIs' ids, which are not known before, in the place of their numbers: `{0}/prod`. */
const filled = (text: string): string => text.replace(/\{(\d)\}/g, (_, i: string) => ids[Number(i)] ?? '');

beforeAll(async () => {
  emulator = await startEmulator({ rateLimit: false });
  const client = clientOf(emulator);
  for (const [name, stages] of APIS) {
    const { id: restApiId = '', rootResourceId: resourceId } = await client.send(
      new CreateRestApiCommand({ name: filled(name) }),
    );
    ids.push(restApiId);
    const method = { restApiId, resourceId, httpMethod: 'GET' };
    await client.send(new PutMethodCommand({ ...method, authorizationType: 'NONE' }));
    await client.send(new PutIntegrationCommand({ ...method, type: 'MOCK' }));
    for (const stageName of stages) await client.send(new CreateDeploymentCommand({ restApiId, stageName }));
  }
  client.destroy();
  const v2 = v2ClientOf(emulator);
  const chat = await makeWebSocketApi(emulator, v2);
  await v2.send(new CreateStageCommand({ ApiId: chat.apiId, StageName: 'events' }));
  ids.push(chat.apiId, (await makeWebSocketApi(emulator, v2, { name: 'billing' })).apiId);
  v2.destroy();
  controlPlane = await createAwsControlPlane({
    endpoint: emulator.url,
    region: 'eu-central-1',
    credentials: () => Promise.resolve({ accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' }),
  });
});
afterAll(() => emulator.close());

async function resolve({ api, stage }: StageAddress): Promise<string> {
  const address = { stage: filled(stage), ...(api === undefined ? {} : { api: filled(api) }) };
  const { restApiId, stageName, apiName, protocolType } = await resolveStage(controlPlane, address);
  return [`${restApiId}/${stageName}`, apiName, protocolType].filter(Boolean).join(' ');
}

describe('a stage is found by', () => {
  test.each<[StageAddress, string]>([
    [{ api: 'orders', stage: 'prod' }, '{0}/prod orders'],
    [{ api: '{1}', stage: 'prod' }, '{1}/prod billing'],
    [{ stage: 'orders/dev' }, '{0}/dev orders'],
    [{ stage: '{1}/prod' }, '{1}/prod billing'],
    [{ stage: 'dev' }, '{0}/dev orders'],
    [{ stage: 'team/mail/live' }, '{4}/live team/mail'],
    [{ api: 'twin', stage: 'green' }, '{3}/green twin'],
    [{ api: 'orders', stage: 'orders/dev' }, '{0}/dev orders'],
    [{ stage: '{0}/prod' }, '{0}/prod orders'],
    [{ api: 'chat', stage: 'prod' }, '{6}/prod chat WEBSOCKET'],
    [{ stage: '{6}/prod' }, '{6}/prod chat WEBSOCKET'],
    [{ stage: 'events' }, '{6}/events chat WEBSOCKET'],
    // A REST API of that name goes first; the other is meant by its id.
    [{ stage: 'billing/prod' }, '{1}/prod billing'],
    [{ stage: '{7}/prod' }, '{7}/prod billing WEBSOCKET'],
  ])('%j: %s', async (address, found) => {
    expect(await resolve(address)).toBe(filled(found));
  });
});

describe('is refused', () => {
  test.each<[StageAddress, string, string, string[]]>([
    [
      { api: 'order', stage: 'prod' },
      'StageNotFound',
      'no REST or WebSocket API "order" in eu-central-1',
      ['orders ({0})', 'chat ({6})'],
    ],
    [{ stage: 'orders/prd' }, 'StageNotFound', 'no stage "prd" in the API "orders"', ['dev, prod']],
    [
      { stage: 'beta' },
      'StageNotFound',
      'no stage "beta" in any API',
      ['blue, dev, events, green, live, prod'],
    ],
    [
      { stage: 'prod' },
      'StageAmbiguous',
      '7 APIs have a stage "prod"',
      ['--stage {0}/prod (orders)', '--stage {1}/prod (billing)', '--stage {5}/prod ({0})'],
    ],
    [
      { api: 'twin', stage: 'prod' },
      'StageAmbiguous',
      '2 APIs have the name "twin" and a stage "prod"',
      ['--stage {2}/prod (twin)', '--stage {3}/prod (twin)'],
    ],
    [
      { api: 'billing', stage: 'orders/prod' },
      'Usage',
      'specified twice: "billing"',
      ['--api billing --stage prod'],
    ],
    [{ stage: 'orders/' }, 'Usage', '"orders/" does not specify a stage', ['--stage orders/prod']],
    [{ stage: '/prod' }, 'Usage', '"/prod" does not specify a stage', ['--api orders']],
  ])('%j: %s', async (address, code, message, hints) => {
    const refusal = await resolve(address).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code, message: expect.stringContaining(message) });
    for (const hint of hints) expect((refusal as AppError).hint).toContain(filled(hint));
  });
});

test('an API that is named costs two calls, whatever else there is', async () => {
  emulator.clearRequests();
  await resolveStage(controlPlane, { stage: 'orders/prod' });
  expect(emulator.requests().map(({ operation }) => operation)).toEqual(['GetRestApis', 'GetStages']);
});

test('a WebSocket API that is named costs one call more', async () => {
  emulator.clearRequests();
  await resolveStage(controlPlane, { stage: 'chat/prod' });
  expect(emulator.requests().map(({ operation, path }) => `${operation} ${path.split('?')[0]}`)).toEqual([
    'GetRestApis /restapis',
    'GetApis /v2/apis',
    `GetStages /v2/apis/${ids[6] ?? ''}/stages`,
  ]);
});
