import {
  GenerateClientCertificateCommand,
  GetClientCertificatesCommand,
  GetRestApisCommand,
  GetStageCommand,
  UpdateStageCommand,
} from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { createHistory } from '../../src/emulator/history.js';
import { createStore } from '../../src/emulator/store.js';
import { startLab, type Lab } from '../support/emulator.js';

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
});
afterEach(async () => {
  await lab.close();
});

const describeStage = (value: string) =>
  lab.client.send(
    new UpdateStageCommand({
      restApiId: lab.api.restApiId,
      stageName: lab.api.stageName,
      patchOperations: [{ op: 'replace', path: '/description', value }],
    }),
  );
const description = async (): Promise<string | undefined> =>
  (await lab.client.send(new GetStageCommand({ restApiId: lab.api.restApiId, stageName: lab.api.stageName })))
    .description;

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5);
}

describe('an effect that lands late', () => {
  test.each([
    ['cut' as const, { message: expect.stringContaining('socket hang up') }],
    [500 as const, { name: 'InternalFailure' }],
    [
      409 as const,
      {
        name: 'ConflictException',
        message: 'Unable to complete operation due to concurrent modification. Please try again later.',
      },
    ],
  ])('is answered at once by %s, and comes all the same', async (answer, error) => {
    lab.emulator.addFault({ operation: 'UpdateStage', kind: 'lateEffect', ms: 300, answer });
    const started = performance.now();
    await expect(describeStage('late')).rejects.toMatchObject(error);
    expect(await description()).toBeUndefined();
    await until(async () => (await description()) === 'late');
    expect(performance.now() - started).toBeGreaterThanOrEqual(299);
  });

  test('overwrites what was done in between', async () => {
    lab.emulator.addFault({ operation: 'UpdateStage', kind: 'lateEffect', ms: 200 });
    await expect(describeStage('late')).rejects.toThrow('socket hang up');
    await describeStage('early');
    await until(async () => (await description()) === 'late');
  });

  test('does not come once the emulator has ended', async () => {
    const own: Emulator = await startEmulator();
    own.addFault({ operation: '*', kind: 'lateEffect', ms: 60_000 });
    await fetch(`${own.url}/clientcertificates`).catch(() => undefined);
    await own.close();
  });
});

test('a concurrent modification may have been done', async () => {
  lab.emulator.addFault({ operation: 'UpdateStage', kind: 'error409WithEffect' });
  await expect(describeStage('done')).rejects.toMatchObject({
    name: 'ConflictException',
    message: 'Unable to complete operation due to concurrent modification. Please try again later.',
  });
  expect(await description()).toBe('done');
});

test('an empty body is a list without items', async () => {
  lab.emulator.addFault({ operation: 'GetRestApis', kind: 'emptyBody' });
  const list = () => lab.client.send(new GetRestApisCommand({}));
  expect(await list()).toMatchObject({ $metadata: { httpStatusCode: 200 } });
  expect((await list()).items).toHaveLength(1);
  lab.emulator.addFault({ operation: 'GenerateClientCertificate', kind: 'emptyBody' });
  expect(
    (await lab.client.send(new GenerateClientCertificateCommand({}))).clientCertificateId,
  ).toBeUndefined();
  expect((await lab.client.send(new GetClientCertificatesCommand({}))).items).toHaveLength(1);
});

describe('stale reads', () => {
  test('show what was, of the operation that they are for', async () => {
    lab.emulator.addFault({ operation: 'GetStage', occurrence: 'every', kind: 'staleRead', ms: 400 });
    const started = performance.now();
    await describeStage('new');
    expect(await description()).toBeUndefined();
    await until(async () => (await description()) === 'new');
    expect(performance.now() - started).toBeGreaterThanOrEqual(399);
    lab.emulator.clearFaults();
    await describeStage('newer');
    expect(await description()).toBe('newer');
  });

  test('do not keep writes from what there is', async () => {
    lab.emulator.addFault({ operation: '*', occurrence: 'every', kind: 'staleRead', ms: 60_000 });
    await describeStage('one');
    expect((await describeStage('two')).description).toBe('two');
    expect(await description()).toBeUndefined();
  });

  test('are of the state at their time, however much was changed since', () => {
    let now = 0;
    const store = createStore();
    const world = store.world('1', 'r');
    const history = createHistory(store, () => now);
    const named = (lateMs: number): string[] => [...history.ago(lateMs).world('1', 'r').certificates.keys()];
    const add = (id: string): void => {
      world.certificates.set(id, {} as never);
      history.record();
    };
    add('a');
    expect(named(1_000)).toEqual(['a']);
    history.from(30);
    for (const id of ['b', 'c', 'd', 'e']) {
      now += 10;
      add(id);
    }
    expect([0, 10, 15, 30, 99].map((ms) => named(ms).join(''))).toEqual(['abcde', 'abcd', 'abc', 'ab', 'ab']);
  });
});
