import {
  CreateDeploymentCommand,
  CreateRestApiCommand,
  PutIntegrationCommand,
  PutMethodCommand,
} from '@aws-sdk/client-api-gateway';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { resolveStage, type StageAddress } from '../../src/app/resolve-stage.js';
import type { AppError } from '../../src/core/errors.js';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { createAwsGateway } from '../../src/gateway/aws.js';
import type { Gateway } from '../../src/gateway/gateway.js';
import { clientOf } from '../support/emulator.js';

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
let gateway: Gateway;
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
  gateway = await createAwsGateway({
    endpoint: emulator.url,
    region: 'eu-central-1',
    credentials: () => Promise.resolve({ accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' }),
  });
});
afterAll(() => emulator.close());

async function resolve({ api, stage }: StageAddress): Promise<string> {
  const address = { stage: filled(stage), ...(api === undefined ? {} : { api: filled(api) }) };
  const { restApiId, stageName, apiName } = await resolveStage(gateway, address);
  return `${restApiId}/${stageName} ${apiName}`;
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
  ])('%j: %s', async (address, found) => {
    expect(await resolve(address)).toBe(filled(found));
  });
});

describe('is refused', () => {
  test.each<[StageAddress, string, string, string[]]>([
    [
      { api: 'order', stage: 'prod' },
      'StageNotFound',
      'no REST API "order" in eu-central-1',
      ['orders ({0})'],
    ],
    [{ stage: 'orders/prd' }, 'StageNotFound', 'no stage "prd" in the REST API "orders"', ['dev, prod']],
    [{ stage: 'beta' }, 'StageNotFound', 'no stage "beta" in any REST API', ['blue, dev, green, live, prod']],
    [
      { stage: 'prod' },
      'StageAmbiguous',
      '5 REST APIs have a stage "prod"',
      ['--stage {0}/prod (orders)', '--stage {1}/prod (billing)', '--stage {5}/prod ({0})'],
    ],
    [
      { api: 'twin', stage: 'prod' },
      'StageAmbiguous',
      '2 REST APIs have the name "twin" and a stage "prod"',
      ['--stage {2}/prod (twin)', '--stage {3}/prod (twin)'],
    ],
    [
      { api: 'billing', stage: 'orders/prod' },
      'Usage',
      'given twice: "billing"',
      ['--api billing --stage prod'],
    ],
    [{ stage: 'orders/' }, 'Usage', '"orders/" names no stage', ['--stage orders/prod']],
    [{ stage: '/prod' }, 'Usage', '"/prod" names no stage', ['--api orders']],
  ])('%j: %s', async (address, code, message, hints) => {
    const refusal = await resolve(address).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code, message: expect.stringContaining(message) });
    for (const hint of hints) expect((refusal as AppError).hint).toContain(filled(hint));
  });
});

test('an API that is named costs two calls, whatever else there is', async () => {
  emulator.clearRequests();
  await resolveStage(gateway, { stage: 'orders/prod' });
  expect(emulator.requests().map(({ operation }) => operation)).toEqual(['GetRestApis', 'GetStages']);
});
