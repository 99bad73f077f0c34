/** How often a call is sent: a change whose outcome is not known is the caller's to settle, and is never repeated here. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createAwsControlPlane } from '../../src/control-plane/aws.js';
import type { ControlPlane } from '../../src/control-plane/control-plane.js';

type Reply = 'cut' | 'torn' | 'no HTTP' | { status: number; headers?: Record<string, string>; body: object };

const CONCURRENT: Reply = {
  status: 409,
  headers: { 'x-amzn-ErrorType': 'ConflictException' },
  body: { message: 'Unable to complete operation due to concurrent modification. Please try again later.' },
};
const CONFLICT: Reply = {
  status: 409,
  headers: { 'x-amzn-ErrorType': 'ConflictException' },
  body: { message: 'Stage already exists' },
};
const THROTTLED: Reply = {
  status: 429,
  headers: { 'x-amzn-ErrorType': 'TooManyRequestsException' },
  body: { message: 'Too Many Requests' },
};
const FAILED: Reply = { status: 500, body: { message: 'Internal failure' } };
const STAGE = { stageName: 'prod', deploymentId: 'd1' };

let replies: Reply[];
let requests: { method: string; path: string; body: string }[];
let controlPlane: ControlPlane;

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const server = createServer((request, response) => {
  void textOf(request).then((body) => {
    requests.push({ method: request.method ?? '', path: request.url ?? '', body });
    const reply = replies.shift() ?? { status: 200, body: STAGE };
    if (reply === 'cut') request.socket.destroy();
    else if (reply === 'no HTTP') request.socket.end('SSH-2.0-OpenSSH_9.2\r\n');
    else if (reply === 'torn') {
      response.writeHead(200, { 'content-length': '500' }).write('{"stageName":"pr');
      setImmediate(() => request.socket.destroy());
    } else
      response
        .writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
        .end(JSON.stringify(reply.body));
  });
});

beforeEach(async () => {
  replies = [];
  requests = [];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  controlPlane = await createAwsControlPlane({
    region: 'eu-west-1',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: () => Promise.resolve({ accessKeyId: 'AKIATEST', secretAccessKey: 'secret' }),
  });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const rest = { restApiId: 'rest123456', stageName: 'prod' };
const webSocket = { ...rest, protocolType: 'WEBSOCKET' as const };

describe.each([
  ['REST', rest],
  ['WebSocket', webSocket],
])('a change of a %s stage', (_, stage) => {
  test.each([
    ['a connection that is cut', 'cut', 'ServiceUnreachable'],
    ['an answer that is torn', 'torn', 'ServiceUnreachable'],
    ['an answer that is no HTTP', 'no HTTP', 'ServiceUnreachable'],
    ['a failure of the service', FAILED, 'ServiceUnreachable'],
    ['an answer that cannot be used', { status: 200, body: [] }, 'ServiceUnreachable'],
    ['a concurrent modification', CONCURRENT, 'ConcurrentModification'],
    ['another conflict', CONFLICT, 'RequestRefused'],
  ] as const)('is sent once, whatever came of it: %s', async (__, reply, code) => {
    replies = [reply];
    await expect(controlPlane.setStageCertificate(stage, 'a1b2c3')).rejects.toMatchObject({ code });
    expect(requests).toHaveLength(1);
  });

  test('is sent again after throttling, which does nothing', async () => {
    replies = [THROTTLED];
    await expect(controlPlane.setStageCertificate(stage, 'a1b2c3')).resolves.toMatchObject(stage);
    expect(requests).toHaveLength(2);
  });
});

test('a certificate is removed by an empty value, and never by `remove`', async () => {
  await controlPlane.setStageCertificate(rest, undefined);
  await controlPlane.setStageCertificate(webSocket, undefined);
  expect(requests).toEqual([
    {
      method: 'PATCH',
      path: '/restapis/rest123456/stages/prod',
      body: '{"patchOperations":[{"op":"replace","path":"/clientCertificateId","value":""}]}',
    },
    { method: 'PATCH', path: '/v2/apis/rest123456/stages/prod', body: '{"clientCertificateId":""}' },
  ]);
});

test('a certificate is made once, whatever came of it', async () => {
  for (const reply of ['cut', FAILED, CONCURRENT] as const) {
    replies = [reply];
    await expect(controlPlane.generateClientCertificate({})).rejects.toMatchObject({
      code: reply === CONCURRENT ? 'ConcurrentModification' : 'ServiceUnreachable',
    });
  }
  expect(requests).toHaveLength(3);
});

describe('a call that ends alike however often it is sent', () => {
  test.each(['cut', FAILED, CONCURRENT, THROTTLED] as const)('is sent again after %j', async (reply) => {
    replies = [reply];
    await controlPlane.getStage(rest);
    expect(requests).toHaveLength(2);
    replies = [reply, { status: 202, body: {} }];
    await controlPlane.deleteClientCertificate('a1b2c3');
    expect(requests).toHaveLength(4);
  });

  test('is not sent again after a conflict that stays', async () => {
    replies = [CONFLICT];
    await expect(controlPlane.deleteClientCertificate('a1b2c3')).rejects.toMatchObject({
      code: 'RequestRefused',
    });
    expect(requests).toHaveLength(1);
  });

  test('says that it does not know, where the concurrent modifications do not end', async () => {
    replies = Array.from({ length: 5 }, () => CONCURRENT);
    await expect(controlPlane.deleteClientCertificate('a1b2c3')).rejects.toMatchObject({
      code: 'ConcurrentModification',
    });
    expect(requests).toHaveLength(5);
  });
});
