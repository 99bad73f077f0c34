import { describe, expect, test } from '@jest/globals';
import type { RestApi, Stage } from '../../src/core/api-gateway.js';
import type { Gateway } from '../../src/gateway/gateway.js';
import { resolveStage, type StageAddress } from '../../src/app/resolve-stage.js';

const APIS: Record<string, { name: string; stages: string[] }> = {
  aaaaaaaaa1: { name: 'orders', stages: ['prod', 'dev'] },
  aaaaaaaaa2: { name: 'billing', stages: ['prod'] },
  aaaaaaaaa3: { name: 'twin', stages: ['prod', 'blue'] },
  aaaaaaaaa4: { name: 'twin', stages: ['prod', 'green'] },
  aaaaaaaaa5: { name: 'team/mail', stages: ['live'] },
  // A name that is another API's id: the id wins, or that API could not be named at all.
  aaaaaaaaa6: { name: 'aaaaaaaaa1', stages: ['prod'] },
};

/** The part of an account that addressing looks at, and the calls that it took. */
function account(): { gateway: Gateway; calls: string[] } {
  const calls: string[] = [];
  const gateway = {
    region: 'eu-west-1',
    getRestApis(): Promise<RestApi[]> {
      calls.push('apis');
      return Promise.resolve(Object.entries(APIS).map(([id, { name }]) => ({ id, name })));
    },
    getStages(restApiId: string): Promise<Stage[]> {
      calls.push(restApiId);
      const names = APIS[restApiId]?.stages ?? [];
      return Promise.resolve(
        names.map((stageName) => ({ restApiId, stageName, deploymentId: 'd', variables: {}, tags: {} })),
      );
    },
  };
  return { gateway: gateway as Pick<Gateway, keyof typeof gateway> as Gateway, calls };
}

async function resolve(address: StageAddress): Promise<string> {
  const { restApiId, stageName, apiName } = await resolveStage(account().gateway, address);
  return `${restApiId}/${stageName} ${apiName}`;
}

describe('a stage is found by', () => {
  test.each<[StageAddress, string]>([
    [{ api: 'orders', stage: 'prod' }, 'aaaaaaaaa1/prod orders'],
    [{ api: 'aaaaaaaaa2', stage: 'prod' }, 'aaaaaaaaa2/prod billing'],
    [{ stage: 'orders/dev' }, 'aaaaaaaaa1/dev orders'],
    [{ stage: 'aaaaaaaaa2/prod' }, 'aaaaaaaaa2/prod billing'],
    [{ stage: 'dev' }, 'aaaaaaaaa1/dev orders'],
    [{ stage: 'team/mail/live' }, 'aaaaaaaaa5/live team/mail'],
    [{ api: 'twin', stage: 'green' }, 'aaaaaaaaa4/green twin'],
    [{ api: 'orders', stage: 'orders/dev' }, 'aaaaaaaaa1/dev orders'],
    [{ stage: 'aaaaaaaaa1/prod' }, 'aaaaaaaaa1/prod orders'],
  ])('%j: %s', async (address, found) => {
    expect(await resolve(address)).toBe(found);
  });
});

describe('is refused', () => {
  test.each<[StageAddress, string, string, RegExp]>([
    [
      { api: 'order', stage: 'prod' },
      'StageNotFound',
      'no REST API "order" in eu-west-1',
      /orders \(aaaaaaaaa1\)/,
    ],
    [{ stage: 'orders/prd' }, 'StageNotFound', 'no stage "prd" in the REST API "orders"', /dev, prod/],
    [{ stage: 'beta' }, 'StageNotFound', 'no stage "beta" in any REST API in eu-west-1', /blue, dev, green/],
    [
      { stage: 'prod' },
      'StageAmbiguous',
      '5 REST APIs have a stage "prod"',
      /--stage aaaaaaaaa1\/prod \(orders\), --stage aaaaaaaaa2\/prod \(billing\)/,
    ],
    [
      { api: 'twin', stage: 'prod' },
      'StageAmbiguous',
      '2 REST APIs have the name "twin" and a stage "prod"',
      /aaaaaaaaa3\/prod \(twin\), --stage aaaaaaaaa4\/prod/,
    ],
    [
      { api: 'billing', stage: 'orders/prod' },
      'Usage',
      'given twice: "billing"',
      /--api billing --stage prod/,
    ],
    [{ stage: 'orders/' }, 'Usage', '"orders/" names no stage', /--stage orders\/prod/],
    [{ stage: '/prod' }, 'Usage', '"/prod" names no stage', /--api orders/],
  ])('%j: %s', async (address, code, message, hint) => {
    await expect(resolve(address)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
      hint: expect.stringMatching(hint),
    });
  });
});

test('an API that is named costs two calls, whatever else there is', async () => {
  const { gateway, calls } = account();
  await resolveStage(gateway, { stage: 'orders/prod' });
  expect(calls).toEqual(['apis', 'aaaaaaaaa1']);
});
