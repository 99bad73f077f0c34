import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';

const headers = {
  authorization:
    'AWS4-HMAC-SHA256 Credential=AKID/20261126/eu-central-1/apigateway/aws4_request, Signature=0',
};

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator({ rateLimit: false });
});
afterEach(async () => {
  await emulator.close();
});

const call = (method: string, path: string, body?: string | Buffer): Promise<Response> =>
  fetch(`${emulator.url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });

async function errorOf(response: Response): Promise<unknown[]> {
  const { message } = (await response.json()) as { message: unknown };
  return [response.status, response.headers.get('x-amzn-errortype'), typeof message];
}

/** Sends bytes and reads until the other end closes. */
async function speak(bytes: string): Promise<string> {
  const socket = net.connect(Number(new URL(emulator.url).port), '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  socket.write(bytes);
  await once(socket, 'close');
  return heard;
}

test.each([
  ['bad JSON', 'POST', '/clientcertificates', '{"description":', 400, 'SerializationException'],
  ['JSON of another shape', 'POST', '/clientcertificates', '[1]', 400, 'BadRequestException'],
  ['members of another type', 'POST', '/clientcertificates', '{"tags":{"a":1}}', 400, 'BadRequestException'],
  [
    'a patch that is none',
    'PATCH',
    '/clientcertificates/x',
    '{"patchOperations":{}}',
    400,
    'BadRequestException',
  ],
  ['an unknown route', 'GET', '/nothing/here', undefined, 404, 'UnknownOperationException'],
  ['an unknown method', 'PUT', '/clientcertificates', '{}', 404, 'UnknownOperationException'],
  ['broken percent-encoding', 'GET', '/clientcertificates/%ff', undefined, 404, 'UnknownOperationException'],
  ['a name of every object', 'GET', '/clientcertificates/constructor', undefined, 404, 'NotFoundException'],
  ['an unknown stage', 'GET', '/restapis/a/b/_user_request_/', undefined, 403, 'ForbiddenException'],
  ['an unknown control', 'GET', '/_emulator/nope', undefined, 404, 'NotFoundException'],
  ['a fault that is none', 'POST', '/_emulator/faults', '{"kind":"x"}', 415, 'UnsupportedMediaTypeException'],
] as const)('%s gets an error in the shape of AWS', async (_, method, path, body, status, type) => {
  expect(await errorOf(await call(method, path, body))).toEqual([status, type, 'string']);
});

test('20 MB are refused, with a length or without, and the next request is served', async () => {
  const large = Buffer.alloc(20 * 1024 * 1024, ' ');
  expect(await errorOf(await call('POST', '/clientcertificates', large))).toEqual([
    413,
    'RequestEntityTooLargeException',
    'string',
  ]);
  const head =
    'POST /clientcertificates HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n';
  const chunk = `100000\r\n${' '.repeat(0x100000)}\r\n`;
  const heard = await speak(
    `${head}authorization: ${headers.authorization}\r\n\r\n${chunk.repeat(20)}0\r\n\r\n`,
  );
  expect(heard).toMatch(/^HTTP\/1\.1 413 /);
  expect((await call('GET', '/clientcertificates')).status).toBe(200);
});

test('what is not HTTP is refused, and half-open connections stop nobody', async () => {
  expect(await speak('\x16\x03\x01 no HTTP\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*x-amzn-ErrorType/);
  const port = Number(new URL(emulator.url).port);
  const halves = [
    '',
    'GET /clientcertificates HT',
    'POST /clientcertificates HTTP/1.1\r\ncontent-length: 9\r\n\r\n{',
  ];
  const sockets = await Promise.all(
    halves.map(async (text) => {
      const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(text);
      return socket;
    }),
  );
  expect((await call('GET', '/clientcertificates')).status).toBe(200);
  for (const socket of sockets) socket.resetAndDestroy();
  expect((await call('GET', '/clientcertificates')).status).toBe(200);
});

test('no path, method or body makes the emulator itself fail', async () => {
  const segment = fc.oneof(
    fc.constantFrom(
      'clientcertificates',
      'restapis',
      'tags',
      'stages',
      'resources',
      'deployments',
      'methods',
    ),
    fc.webFragments(),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
      fc.array(segment, { maxLength: 6 }),
      fc.webQueryParameters(),
      fc.oneof(fc.json(), fc.string()),
      async (method, segments, query, body) => {
        const path = `/${segments.join('/').replaceAll('#', '')}?${query}`;
        const response = await call(method, path, method === 'GET' ? undefined : body);
        await response.arrayBuffer();
        expect([response.status, path]).not.toEqual([500, path]);
      },
    ),
    { numRuns: 200 },
  );
  expect((await call('GET', '/clientcertificates')).status).toBe(200);
});
