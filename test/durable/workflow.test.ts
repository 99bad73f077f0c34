/** The workflow against answers that are made up: waits of days, which the runner of the SDK skips. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  LocalDurableTestRunner,
  OperationType,
  WaitingOperationStatus,
} from '@aws/durable-execution-sdk-js-testing';
import { createDurableHandler, type Approval, type DurableOptions } from '../../src/durable/index.js';
import { AppError, type Answer, type Request, type Round } from '../../src/lambda/index.js';

beforeAll(() => LocalDurableTestRunner.setupTestEnvironment({ skipTime: true }));
afterAll(() => LocalDurableTestRunner.teardownTestEnvironment());

const NOW = new Date('2026-11-29T10:00:00.000Z');
const job = { target: 'orders', stage: 'a1/prod', name: 'account-1-eu-west-1-c1' };

/** Runs one execution over answers in their order; the last one stays. */
async function run(event: object, answers: (Round | Error)[], more: Partial<DurableOptions> = {}) {
  const asked: Request[] = [];
  const handler = createDurableHandler({
    handler: (request) => {
      asked.push(request as Request);
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      if (answer instanceof Error) return Promise.reject(answer);
      return Promise.resolve({ request: 'rotate', target: 'orders', certificates: [], ...answer } as Answer);
    },
    now: () => NOW,
    ...more,
  });
  const runner = new LocalDurableTestRunner({ handlerFunction: handler });
  const execution = await runner.run({ payload: event });
  const waits = execution
    .getOperations()
    .flatMap((operation) =>
      operation.getType() === OperationType.WAIT ? (operation.getWaitDetails()?.waitSeconds ?? []) : [],
    );
  return { execution, asked, waits };
}

const rotate = { request: 'rotate', job };
const waiting = (until: string): Round => ({
  status: 'waiting',
  until,
  code: 'RotationWaiting',
  reason: 'soak',
});
const attention = (isTemporary: boolean): Round => ({
  status: 'attention',
  code: isTemporary ? 'Throttled' : 'NewCertificateRefused',
  reason: 'x',
  isTemporary,
});
const done: Round = { status: 'done', outcome: 'completed' };
const needed: Round = { status: 'attention', code: 'ConfirmationNeeded', reason: 'both', isTemporary: false };

test('waits as long as each answer says, at least a second, until the rotation is done', async () => {
  const { execution, asked, waits } = await run(rotate, [
    waiting('2026-11-29T10:05:00.200Z'),
    waiting('2026-12-06T10:00:00.000Z'),
    waiting('2026-11-29T09:00:00.000Z'),
    done,
  ]);
  expect(execution.getStatus()).toBe('SUCCEEDED');
  expect(execution.getResult()).toMatchObject(done);
  expect(waits).toEqual([301, 7 * 86_400, 1]);
  expect(asked).toEqual(Array(4).fill(rotate));
});

test('asks each hour where others keep it waiting, and often again after another wait', async () => {
  const soon = waiting('2026-11-29T10:00:50.000Z');
  const { waits } = await run(rotate, [
    ...Array<Round>(62).fill(soon),
    waiting('2026-11-29T11:00:00.000Z'),
    soon,
    done,
  ]);
  expect(waits).toEqual([...Array<number>(60).fill(50), 3_600, 3_600, 3_600, 50]);
});

test('looks again soon after what is temporary, then as after anything else: attention never ends it', async () => {
  const broken = Object.assign(new TypeError('secret-text'), {});
  const { execution, waits } = await run(
    rotate,
    [
      attention(true),
      attention(true),
      attention(true),
      attention(true),
      attention(false),
      new AppError('ConfigurationInvalid', 'no state'),
      broken,
      done,
    ],
    { attentionInterval: '12h' },
  );
  expect(waits).toEqual([60, 300, 900, 43_200, 43_200, 43_200, 43_200]);
  expect(execution.getStatus()).toBe('SUCCEEDED');
  expect(
    JSON.stringify(execution.getOperations().map((operation) => operation.getOperationData())),
  ).not.toContain('secret-text');
});

test('force and abort are for the first round and for all', async () => {
  const { asked } = await run({ ...rotate, force: true, abort: true }, [waiting(NOW.toISOString()), done]);
  expect(asked).toEqual([
    { ...rotate, force: true, abort: true },
    { ...rotate, abort: true },
  ]);
});

test.each([
  ['approved', { ...rotate, approval: 'given' }],
  ['refused', { ...rotate, abort: true }],
])('a switch that is to be approved waits for a person: %s', async (said, last) => {
  const asked: Request[] = [];
  const approvals: Approval[] = [];
  const runner = new LocalDurableTestRunner({
    handlerFunction: createDurableHandler({
      handler: (request) => {
        asked.push(request as Request);
        return Promise.resolve({
          request: 'rotate',
          target: 'orders',
          certificates: [],
          ...(asked.length === 1 ? needed : done),
        } as Answer);
      },
      onApproval: (approval) => {
        approvals.push(approval);
        return Promise.resolve();
      },
      now: () => NOW,
    }),
  });
  const running = runner.run({ payload: rotate });
  const callback = runner.getOperation('approval-1');
  await callback.waitForData(WaitingOperationStatus.SUBMITTED);
  await (said === 'approved' ? callback.sendCallbackSuccess('') : callback.sendCallbackFailure());
  expect((await running).getStatus()).toBe('SUCCEEDED');
  expect(approvals).toEqual([{ callbackId: expect.any(String), job, reason: 'both' }]);
  expect(asked).toEqual([rotate, last]);
});

/** As much of the API of Lambda as starts executions: a name with another payload is refused. */
interface Starts {
  names: Map<string | undefined, unknown>;
  failing: Set<string>;
}

let server: Server;
let starts: Starts;
const before = { ...process.env };
beforeEach(async () => {
  starts = { names: new Map(), failing: new Set() };
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => {
      const name = request.headers['x-amz-durable-execution-name'] as string | undefined;
      const other = starts.names.get(name);
      if (name !== undefined && starts.failing.has(name)) {
        response.writeHead(400, { 'x-amzn-errortype': 'InvalidRequestContentException' }).end('{}');
      } else if (other !== undefined && JSON.stringify(other) !== body) {
        response.writeHead(409, { 'x-amzn-errortype': 'DurableExecutionAlreadyStartedException' }).end('{}');
      } else {
        starts.names.set(name, JSON.parse(body));
        response.writeHead(202).end();
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'AKIDTEST',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });
});
afterEach(() => {
  process.env = { ...before };
  server.closeAllConnections();
  server.close();
});

/** Plans of two jobs a page. */
const fleet = (toleratedFailures: number) =>
  createDurableHandler({
    handler: (request) => {
      const { after = '0' } = request as { after?: string };
      const page = Number(after);
      return Promise.resolve({
        request: 'plan',
        jobs: [0, 1].map((n) => ({ target: `t${page}${n}`, name: `e${page}${n}` })),
        refused: page === 0 ? [{ target: 'file', code: 'MachineNeeded', reason: 'x' }] : [],
        ...(page < 2 ? { next: String(page + 1) } : {}),
      });
    },
    functionName: 'rotate:live',
    toleratedFailures,
  });
const due = { request: 'rotateDue' };

test('starts one execution for each certificate that is due, and the same names again are the same', async () => {
  for (let times = 0; times < 2; times += 1) {
    const runner = new LocalDurableTestRunner({ handlerFunction: fleet(10) });
    const execution = await runner.run({ payload: due });
    expect(execution.getResult()).toEqual({
      request: 'rotateDue',
      started: 6,
      refused: 1,
      failed: 0,
      isContinued: false,
    });
  }
  expect(Object.fromEntries(starts.names)).toEqual(
    Object.fromEntries(
      ['00', '01', '10', '11', '20', '21'].map((n) => [
        `e${n}`,
        { request: 'rotate', job: { target: `t${n}`, name: `e${n}` } },
      ]),
    ),
  );
});

test('a few that cannot be started are tolerated, and the others are started', async () => {
  starts.failing.add('e01');
  starts.names.set('e10', { request: 'rotate', job: 'another' });
  const tolerant = await new LocalDurableTestRunner({ handlerFunction: fleet(20) }).run({ payload: due });
  expect(tolerant.getResult()).toMatchObject({ started: 5, failed: 1 });
  const strict = await new LocalDurableTestRunner({ handlerFunction: fleet(10) }).run({ payload: due });
  expect(strict.getStatus()).toBe('FAILED');
  expect(strict.getError().errorMessage).toContain('1 of 6 executions could not be started');
  expect(starts.names.size).toBe(5);
});
