import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createAwsControlPlane } from '../../src/control-plane/aws.js';
import { createPace, type Pace } from '../../src/control-plane/pace.js';

interface Reply {
  status: number;
  headers?: Record<string, string>;
  body: object;
}

const throttle: Reply = {
  status: 429,
  headers: { 'x-amzn-ErrorType': 'TooManyRequestsException', 'Retry-After': '1' },
  body: { message: 'Too Many Requests' },
};
const empty: Reply = { status: 200, body: { item: [] } };

let replies: Reply[];
let requests: IncomingMessage[];
const server = createServer((request, response) => {
  requests.push(request);
  const { status, headers, body } = replies.shift() ?? empty;
  request.resume().on('end', () => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  });
});

beforeEach(async () => {
  replies = [];
  requests = [];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const controlPlane = (options: { pace?: Pace; onServerTime?: (serverTime: Date, now: Date) => void }) =>
  createAwsControlPlane({
    region: 'eu-west-1',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: () => Promise.resolve({ accessKeyId: 'AKIATEST', secretAccessKey: 'secret' }),
    ...options,
  });

test('each attempt takes a turn of its own, and Retry-After is obeyed', async () => {
  replies = [throttle];
  const pace = createPace();
  const started = performance.now();
  await (await controlPlane({ pace })).getClientCertificates();
  expect(requests).toHaveLength(2);
  expect(pace.counts).toMatchObject({ taken: 2, throttled: 1 });
  expect(pace.counts.perSecond).toBeLessThan(8);
  expect(performance.now() - started).toBeGreaterThanOrEqual(999);
});

test('a used-up quota is no throttling, although its status is the same', async () => {
  replies = [{ ...throttle, headers: { 'x-amzn-ErrorType': 'LimitExceededException' } }];
  const pace = createPace();
  await expect((await controlPlane({ pace })).generateClientCertificate({})).rejects.toMatchObject({
    code: 'QuotaExceeded',
  });
  expect(pace.counts).toEqual({ taken: 1, throttled: 0, perSecond: 8 });
});

test('a request is signed after its turn has come, for a signature ages', async () => {
  let released = 0;
  const pace: Pace = {
    ...createPace(),
    take: () =>
      new Promise((resolve) => {
        setTimeout(() => {
          released = Date.now();
          resolve();
        }, 1_100);
      }),
  };
  await (await controlPlane({ pace })).getRestApis();
  const [, date = '', time = ''] =
    /^(\d{8})T(\d{6})Z$/.exec(String(requests[0]?.headers['x-amz-date'])) ?? [];
  const signed = Date.parse(
    `${date.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`,
  );
  expect(signed).toBeGreaterThanOrEqual(Math.floor(released / 1_000) * 1_000);
});

test('tells the time that AWS gives', async () => {
  replies = [{ ...empty, headers: { Date: 'Wed, 18 Nov 2026 01:02:03 GMT' } }];
  const told: string[] = [];
  const connected = await controlPlane({ onServerTime: (serverTime) => told.push(serverTime.toISOString()) });
  await connected.getClientCertificates();
  expect(told).toEqual(['2026-11-18T01:02:03.000Z']);
});
