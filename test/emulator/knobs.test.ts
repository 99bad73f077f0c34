import {
  type APIGatewayClient,
  CreateDeploymentCommand,
  GenerateClientCertificateCommand,
  GetClientCertificatesCommand,
  GetResourcesCommand,
} from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { createFaults } from '../../src/emulator/faults.js';
import { faultSchema } from '../../src/emulator/schemas.js';
import { createRateLimiter } from '../../src/emulator/rate-limit.js';
import { createRequestLog } from '../../src/emulator/request-log.js';
import { clientOf, makeApi } from '../support/emulator.js';

let emulator: Emulator;
let client: APIGatewayClient;
beforeEach(async () => {
  emulator = await startEmulator({ rateLimit: false });
  client = clientOf(emulator);
});
afterEach(async () => {
  client.destroy();
  await emulator.close();
});

const generate = () => client.send(new GenerateClientCertificateCommand({}));
const list = async () => (await client.send(new GetClientCertificatesCommand({}))).items ?? [];

describe('the clock', () => {
  test('makes an old certificate that is valid by real time', async () => {
    const real = Date.now();
    emulator.advanceClock(-340 * 86_400_000);
    const made = await generate();
    emulator.setClock(new Date(real));
    const left = (Number(made.expirationDate) - emulator.now().getTime()) / 86_400_000;
    expect(left).toBeGreaterThan(24.9);
    expect(left).toBeLessThanOrEqual(25.001);
  });
});

describe('faults', () => {
  test('cut before the effect, and after it', async () => {
    emulator.addFault({ operation: 'GenerateClientCertificate', kind: 'cutBefore' });
    await expect(generate()).rejects.toThrow('socket hang up');
    expect(await list()).toHaveLength(0);
    emulator.addFault({ operation: 'GenerateClientCertificate', kind: 'cutAfter' });
    await expect(generate()).rejects.toThrow('socket hang up');
    expect(await list()).toHaveLength(1);
    await generate();
    expect(await list()).toHaveLength(2);
  });

  test('answer an error, a throttle, or late', async () => {
    emulator.addFault({
      operation: 'GetClientCertificates',
      occurrence: 2,
      kind: 'error',
      code: 'AccessDeniedException',
      status: 403,
      message: 'no',
    });
    expect(await list()).toEqual([]);
    await expect(list()).rejects.toMatchObject({ name: 'AccessDeniedException', message: 'no' });
    expect(emulator.faults()).toEqual([]);
    emulator.addFault({ operation: '*', occurrence: 'every', kind: 'throttle' });
    for (const call of [list, list, generate]) {
      await expect(call()).rejects.toMatchObject({
        name: 'TooManyRequestsException',
        retryAfterSeconds: '1',
      });
    }
    emulator.clearFaults();
    emulator.addFault({ operation: 'GetClientCertificates', kind: 'delay', ms: 200 });
    const started = performance.now();
    expect(await list()).toEqual([]);
    expect(performance.now() - started).toBeGreaterThanOrEqual(199);
  });

  test('count only the calls that they are for', () => {
    const faults = createFaults();
    faults.add(faultSchema.parse({ operation: 'A', occurrence: 2, kind: 'throttle' }));
    faults.add(faultSchema.parse({ operation: '*', occurrence: 3, kind: 'cutBefore' }));
    const hits = ['A', 'B', 'A', 'A', 'B'].map((operation) => faults.hit(operation)?.kind);
    expect(hits).toEqual([undefined, undefined, 'throttle', 'cutBefore', undefined]);
  });
});

describe('the rate limit', () => {
  test('is 10 a second with a burst of 40, for each account and Region', async () => {
    const limited = await startEmulator();
    try {
      const own = clientOf(limited);
      const call = () => own.send(new GetClientCertificatesCommand({}));
      const started = performance.now();
      const results = await Promise.allSettled(Array.from({ length: 60 }, call));
      const elapsed = (performance.now() - started) / 1000;
      const served = results.filter(({ status }) => status === 'fulfilled').length;
      expect(served).toBeGreaterThanOrEqual(40);
      expect(served).toBeLessThanOrEqual(40 + Math.ceil(elapsed * 10));
      await expect(Promise.all(Array.from({ length: 60 }, call))).rejects.toMatchObject({
        name: 'TooManyRequestsException',
        retryAfterSeconds: '1',
      });
      for (const other of [{ region: 'us-east-1' }, { accessKeyId: 'AKIDOTHER' }]) {
        await clientOf(limited, other).send(new GetClientCertificatesCommand({}));
      }
    } finally {
      await limited.close();
    }
  });

  test('fills again with time, and a refused call costs nothing', () => {
    let now = 0;
    const limiter = createRateLimiter(() => now);
    const limit = { perSecond: 10, burst: 40 };
    const served = (calls: number, operation = 'X'): number => {
      let count = 0;
      for (let i = 0; i < calls; i += 1) {
        try {
          limiter.take('a', 'r', operation, limit);
          count += 1;
        } catch {
          // Throttled.
        }
      }
      return count;
    };
    expect(served(100)).toBe(40);
    now += 1000;
    expect(served(100)).toBe(10);
    now += 60_000;
    expect(served(3, 'CreateDeployment')).toBe(1);
    now += 4999;
    expect(served(1, 'CreateDeployment')).toBe(0);
    now += 2;
    expect(served(1, 'CreateDeployment')).toBe(1);
    expect(served(9, 'GetResources')).toBe(5);
    now += 2001;
    expect(served(9, 'GetResources')).toBe(5);
  });

  test('of CreateDeployment and GetResources is their own', async () => {
    const { restApiId } = await makeApi(emulator, client, 'https://localhost:1');
    // So slow that nothing is filled again while this runs.
    emulator.configure({ rateLimit: { perSecond: 0.01, burst: 40 } });
    const deploy = () => client.send(new CreateDeploymentCommand({ restApiId }));
    await deploy();
    await expect(deploy()).rejects.toMatchObject({
      name: 'TooManyRequestsException',
      retryAfterSeconds: '5000',
    });
    const read = () => client.send(new GetResourcesCommand({ restApiId }));
    for (let i = 0; i < 5; i += 1) await read();
    await expect(read()).rejects.toMatchObject({ name: 'TooManyRequestsException' });
    emulator.configure({ rateLimit: false });
    await deploy();
  });
});

describe('over HTTP', () => {
  const admin = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${emulator.url}/_emulator/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return response.status === 204 ? 204 : await response.json();
  };

  test('the clock is set and advanced', async () => {
    await admin('PUT', 'clock', { now: '2030-01-01T00:00:00Z' });
    expect(await admin('POST', 'clock/advance', { ms: 86_400_000 })).toEqual({
      now: expect.stringMatching(/^2030-01-02T00:00:/),
    });
    expect(await admin('PUT', 'clock', { now: 'soon' })).toEqual({ message: expect.stringContaining('now') });
    // A time that no certificate could begin at: an answer, and the emulator lives on.
    for (const ms of [1e300, 1e16, -1e14]) {
      expect(await admin('POST', 'clock/advance', { ms })).toEqual({ message: expect.any(String) });
    }
    expect(await admin('PUT', 'clock', { now: '9999-01-01T00:00:00Z' })).toEqual({
      message: expect.any(String),
    });
    expect(await admin('GET', 'clock')).toEqual({ now: expect.stringMatching(/^2030-01-02T00:00:/) });
  });

  test('faults are added and cleared', async () => {
    const fault = { operation: 'GetClientCertificates', kind: 'throttle' };
    expect(await admin('POST', 'faults', fault)).toEqual([{ ...fault, occurrence: 1 }]);
    await expect(list()).rejects.toMatchObject({ name: 'TooManyRequestsException' });
    await admin('POST', 'faults', fault);
    expect(await admin('DELETE', 'faults')).toBe(204);
    expect(await list()).toEqual([]);
    for (const bad of [{}, { ...fault, kind: 'x' }, { ...fault, occurrence: 0 }, { ...fault, more: 1 }]) {
      expect(await admin('POST', 'faults', bad)).toEqual({ message: expect.any(String) });
    }
    expect(await admin('GET', 'faults')).toEqual([]);
  });

  test('the settings are read and changed', async () => {
    const before = emulator.settings();
    expect(await admin('PATCH', 'config', { certificateQuota: 1 })).toEqual({
      ...before,
      certificateQuota: 1,
    });
    await generate();
    await expect(generate()).rejects.toMatchObject({ name: 'LimitExceededException' });
    expect(await admin('PATCH', 'config', { certificateQuota: -1 })).toEqual({ message: expect.any(String) });
    expect(await admin('GET', 'config')).toEqual({ ...before, certificateQuota: 1 });
  });

  test('the requests received are told, those that a fault hit too', async () => {
    emulator.addFault({ operation: 'GenerateClientCertificate', kind: 'cutAfter' });
    await expect(generate()).rejects.toThrow();
    await list();
    const requests = await admin('GET', 'requests');
    const scope = {
      account: expect.stringMatching(/^\d{12}$/),
      region: 'eu-central-1',
      time: expect.any(String),
    };
    expect(requests).toEqual([
      {
        ...scope,
        operation: 'GenerateClientCertificate',
        method: 'POST',
        path: '/clientcertificates',
        fault: 'cutAfter',
      },
      {
        ...scope,
        operation: 'GetClientCertificates',
        method: 'GET',
        path: '/clientcertificates',
        status: 200,
      },
    ]);
    expect(await admin('DELETE', 'requests')).toBe(204);
    expect(emulator.requests()).toEqual([]);
  });

  test('a body of another type is refused, as a web page could send it', async () => {
    const response = await fetch(`${emulator.url}/_emulator/clock`, {
      method: 'PUT',
      body: '{"now":"2030-01-01T00:00:00Z"}',
      headers: { 'content-type': 'text/plain' },
    });
    expect(response.status).toBe(415);
  });
});

test('the log of requests is bounded', () => {
  const log = createRequestLog();
  for (let i = 0; i < 25_000; i += 1) {
    log.add({ time: '', operation: 'X', method: 'GET', path: `/${i}` });
  }
  const paths = log.list().map(({ path }) => path);
  expect([paths.length, paths[0], paths.at(-1)]).toEqual([10_000, '/15000', '/24999']);
});
