import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { remembering, type RememberingControlPlane } from '../../../src/control-plane/remembering.js';
import { AppError } from '../../../src/platform/errors.js';
import type { ControlPlane } from '../../../src/control-plane/control-plane.js';
import { Machine, Process } from './model/machine.js';
import { LARGE, prepare, scene, type Scene } from './model/scene.js';

/* What a process asks AWS once, and what it asks again. */

beforeAll(prepare);

let the: Scene;
let asked: string[];
let controlPlane: RememberingControlPlane;
/** What the next call comes to, where it is not what the world says. */
let fails: AppError | undefined;
beforeEach(() => {
  the = scene(LARGE);
  asked = [];
  fails = undefined;
  const inner = new Process(new Machine(the.world, 'a'), [], () => 0).controlPlane();
  const watched = Object.fromEntries(
    Object.entries(inner).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'function'
        ? (...args: unknown[]): unknown => {
            asked.push([name, ...args.filter((one) => typeof one === 'string')].join(' '));
            const failure = fails;
            fails = undefined;
            return failure ? Promise.reject(failure) : (Reflect.apply(value, inner, args) as unknown);
          }
        : value,
    ]),
  ) as unknown as ControlPlane;
  controlPlane = remembering(watched, () => new Date(the.world.time.now));
});

const inTime = <T>(work: Promise<T>): Promise<T> => the.world.time.until(work);
const pass = (ms: number): Promise<void> => inTime(the.world.time.sleep(ms));
const again = async (ask: () => Promise<unknown>): Promise<string[]> => {
  asked = [];
  const first = await inTime(ask());
  expect(await inTime(ask())).toEqual(first);
  return asked;
};

const LISTS: [string, () => Promise<unknown>][] = [
  ['getRestApis', () => controlPlane.getRestApis()],
  ['getStages api', () => controlPlane.getStages('api')],
  ['getStages pay', () => controlPlane.getStages('pay')],
  ['getWebSocketApis', () => controlPlane.getWebSocketApis()],
  ['getWebSocketStages ws', () => controlPlane.getWebSocketStages('ws')],
];
const OF_APIS: [string, () => Promise<unknown>][] = [
  ['getResources api', () => controlPlane.getResources('api')],
  ['getWebSocketIntegrations ws', () => controlPlane.getWebSocketIntegrations('ws')],
];

test.each([...LISTS, ...OF_APIS])('%s is asked once', async (name, ask) => {
  expect(await again(ask)).toEqual([name]);
  controlPlane.forget();
  // What an API consists of is not what a look at the account is for.
  expect(await again(ask)).toEqual(LISTS.some(([one]) => one === name) ? [name] : []);
});

test.each([...LISTS, ...OF_APIS])('%s is asked again after a failure', async (_, ask) => {
  fails = new AppError('Throttled', 'too fast');
  await expect(inTime(ask())).rejects.toMatchObject({ code: 'Throttled' });
  expect(await again(ask)).toHaveLength(1);
});

test.each([
  ['getStages api', { id: 'api' }, () => controlPlane.getStages('api')],
  [
    'getWebSocketStages ws',
    { id: 'ws', protocolType: 'WEBSOCKET' as const },
    () => controlPlane.getWebSocketStages('ws'),
  ],
])('current stages are always asked for, and then known: %s', async (name, api, known) => {
  expect(await again(() => controlPlane.currentStages(api))).toEqual([name, name]);
  expect(await again(known)).toEqual([]);
});

test('the list of certificates is known for 15 seconds', async () => {
  const ask = (): Promise<unknown> => controlPlane.knownCertificates();
  expect(await again(ask)).toHaveLength(1);
  await pass(14_999);
  expect(await again(ask)).toHaveLength(0);
  await pass(1);
  expect(await again(ask)).toHaveLength(1);
});

const CHANGES: [string, () => Promise<unknown>][] = [
  ['generate', () => controlPlane.generateClientCertificate({})],
  ['update', () => controlPlane.updateClientCertificate(the.spareId, 'x')],
  ['delete', () => controlPlane.deleteClientCertificate(the.spareId)],
  ['tag', () => controlPlane.tagClientCertificate(the.spareId, { a: 'b' })],
  ['untag', () => controlPlane.untagClientCertificate(the.spareId, ['a'])],
];

test.each(CHANGES)('and not after a change of one, whatever became of it: %s', async (_, change) => {
  await inTime(controlPlane.knownCertificates());
  await inTime(change());
  expect(await again(() => controlPlane.knownCertificates())).toHaveLength(1);
  fails = new AppError('ServiceUnreachable', 'lost');
  await expect(inTime(change())).rejects.toMatchObject({ code: 'ServiceUnreachable' });
  expect(await again(() => controlPlane.knownCertificates())).toHaveLength(1);
});

test.each(CHANGES)('nor is one known that was asked for before a change: %s', async (_, change) => {
  const list = controlPlane.knownCertificates();
  await inTime(change());
  await inTime(list);
  expect(await again(() => controlPlane.knownCertificates())).toHaveLength(1);
});
