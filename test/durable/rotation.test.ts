/** The durable function with the real handler: emulator, table, services and a TLS backend, in real time. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  LocalDurableTestRunner,
  OperationType,
  WaitingOperationStatus,
} from '@aws/durable-execution-sdk-js-testing';
import { createDurableHandler, type DurableOptions } from '../../src/durable/index.js';
import { createHandler } from '../../src/lambda/index.js';
import { startTraffic, type Traffic } from '../support/rotation.js';
import { presented, startServiceLab, type ServiceLab } from '../support/service-lab.js';

beforeAll(() => LocalDurableTestRunner.setupTestEnvironment());
afterAll(() => LocalDurableTestRunner.teardownTestEnvironment());

let lab: ServiceLab;
let traffic: Traffic;
beforeEach(async () => {
  lab = await startServiceLab();
  traffic = startTraffic(`${lab.api.invokeUrl}/health`, { lanes: 2 });
});
afterEach(async () => {
  await traffic.stop();
  await lab.close();
});

/** The rotation of the lab, with waits of seconds. */
async function runnerOf(options: Partial<DurableOptions> = {}, more = '    soak: 0s') {
  const config = await lab.configure(lab.target(more));
  const handler = createHandler({ config, write: (line) => lab.lines.push(line) });
  return new LocalDurableTestRunner({ handlerFunction: createDurableHandler({ handler, ...options }) });
}

const payload = { request: 'rotate', job: { target: 'orders' } };

test('one execution rotates a certificate through soak and keepOld, without a failed request', async () => {
  const runner = await runnerOf({}, '    soak: 1s\n    keepOld: 2s');
  const execution = await runner.run({ payload });
  expect(execution.getResult()).toMatchObject({ status: 'done', outcome: 'completed' });
  expect(await presented(lab)).not.toBe(lab.certificate.id);
  const { requests, failed } = await traffic.stop();
  expect(failed).toEqual([]);
  expect(requests).toBeGreaterThan(50);
  const types = execution.getOperations().map((operation) => operation.getType());
  expect(types).toContain(OperationType.STEP);
  expect(types.length).toBeLessThan(20);
});

test('a person approves before any stage is switched, and a later execution finds nothing to do', async () => {
  const runner = await runnerOf(
    { onApproval: () => Promise.resolve() },
    '    soak: 0s\n    approve: before-switch',
  );
  const running = runner.run({ payload });
  const callback = runner.getOperation('approval-1');
  await callback.waitForData(WaitingOperationStatus.SUBMITTED);
  expect(await presented(lab)).toBe(lab.certificate.id);
  await callback.sendCallbackSuccess('');
  expect((await running).getResult()).toMatchObject({ status: 'done', outcome: 'completed' });
  const second = await (await runnerOf()).run({ payload });
  expect(second.getResult()).toMatchObject({ status: 'done', outcome: 'notDue' });
  expect(await presented(lab)).not.toBe(lab.certificate.id);
  expect((await traffic.stop()).failed).toEqual([]);
});
