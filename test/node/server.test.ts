import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type TrustOptions, trustClientCertificates } from '../../src/node/index.js';
import {
  afterTest,
  bundle,
  call,
  clientOptions,
  directory,
  fingerprint,
  listen,
  mintCast,
  serverCertificate,
  serverOptions,
} from './fixture.js';
import type { TestIdentity } from '../support/certificates.js';

let cast: Awaited<ReturnType<typeof mintCast>>;
beforeAll(async () => {
  cast = await mintCast();
});

function trusting(list: readonly TestIdentity[], options: TrustOptions = {}) {
  const file = join(directory(), 'apigw.pem');
  writeFileSync(file, bundle(...list));
  const trust = trustClientCertificates(file, options);
  afterTest(trust.close);
  return trust;
}

const refusal = (reason: string) => ({
  status: 403,
  body: expect.stringContaining(`"reason":"${reason}"`),
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  test.each([
    ['old', { status: 200 }],
    ['fresh', { status: 200 }],
    ['evil', refusal('CertificateNotListed')],
    ['nobody', refusal('CertificateMissing')],
    ['expired', refusal('CertificateExpired')],
    ['early', refusal('CertificateNotYetValid')],
  ] as const)('%s, while old, fresh, expired and early are listed', async (who, expected) => {
    const trust = trusting([cast.old, cast.fresh, cast.expired, cast.early]);
    const port = await listen(
      trust.createServer(serverOptions, (request, response) => {
        response.end(trust.presented(request)?.fingerprintSha256);
      }),
    );
    const as = who === 'nobody' ? undefined : cast[who];
    const answer = await call({ port, version, ...(as && { as }) });
    expect(answer).toMatchObject(expected);
    if (answer.status === 200) expect(answer.body).toBe(as && fingerprint(as));
    expect(answer.socket.getProtocol()).toBe(version);
  });

  // The reason for this module.
  test('https alone, with both certificates as its ca, accepts only the first', async () => {
    const naive = async (...ca: TestIdentity[]) => {
      const options = {
        ...serverOptions,
        ca: ca.map(({ certificate }) => certificate.pem),
        requestCert: true,
        rejectUnauthorized: true,
      };
      const port = await listen(https.createServer(options, (_request, response) => response.end('ok')));
      const outcome = (as: TestIdentity) =>
        call({ port, as, version }).then(
          ({ status }) => status,
          () => 'refused',
        );
      return { old: await outcome(cast.old), fresh: await outcome(cast.fresh) };
    };
    expect(await naive(cast.old, cast.fresh)).toEqual({ old: 200, fresh: 'refused' });
    expect(await naive(cast.fresh, cast.old)).toEqual({ old: 'refused', fresh: 200 });
  });
});

test('the answer to a refused request is JSON and ends the connection', async () => {
  const port = await listen(trusting([cast.old]).createServer(serverOptions));
  const agent = new https.Agent({ keepAlive: true });
  const { status, headers, body } = await call({ port, as: cast.evil, agent });
  expect(status).toBe(403);
  expect(headers).toMatchObject({ 'content-type': 'application/json', connection: 'close' });
  expect(JSON.parse(body)).toEqual({
    reason: 'CertificateNotListed',
    message: 'This backend does not trust the client certificate.',
  });
});

test('what a handler learns of the certificate', async () => {
  const trust = trusting([cast.old]);
  let presented: unknown;
  const server = trust.createServer(serverOptions, (request, response) => {
    presented = trust.presented(request);
    response.end();
  });
  await call({ port: await listen(server), as: cast.old });
  expect(presented).toEqual({
    fingerprintSha256: fingerprint(cast.old),
    subject: 'C=US, L=Seattle, CN=ApiGateway',
    serialNumber: expect.stringMatching(/^([0-9A-F]{2}:){7}[0-9A-F]{2}$/),
    notBefore: expect.any(Date),
    notAfter: expect.any(Date),
  });
});

test('OpenSSL’s own opinion counts too: expired by its clock and not by ours', async () => {
  const lastYear = new Date(Date.now() - 100 * 86_400_000);
  const trust = trusting([cast.expired], { now: () => lastYear });
  const port = await listen(trust.createServer(serverOptions, (_request, response) => response.end('ok')));
  const answer = await call({ port, as: cast.expired });
  expect(answer).toMatchObject(refusal('CertificateNotVerified'));
  expect(answer.body).toContain('CERT_HAS_EXPIRED');
});

test('a connection kept open does not outlive its certificate', async () => {
  let now = new Date();
  const trust = trusting([cast.old], { now: () => now });
  const port = await listen(trust.createServer(serverOptions, (_request, response) => response.end('ok')));
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  afterTest(() => {
    agent.destroy();
  });
  const first = await call({ port, as: cast.old, agent });
  now = new Date(Date.now() + 26 * 86_400_000);
  const second = await call({ port, as: cast.old, agent });
  expect(first.status).toBe(200);
  expect(second).toMatchObject(refusal('CertificateExpired'));
  expect(second.socket).toBe(first.socket);
});

test('a refused request’s body is read, so that the answer reaches a client that writes before it reads', async () => {
  const port = await listen(trusting([cast.old]).createServer(serverOptions));
  const ca = serverCertificate.caPem;
  const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca });
  const body = Buffer.alloc(10_000_000);
  socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`);
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.write(body, () => {
      resolve();
    });
  });
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 /);
});

test('Expect: 100-continue is refused before the body', async () => {
  const trust = trusting([cast.old]);
  const server = trust.createServer(serverOptions);
  let continued = false;
  server.on('checkContinue', () => (continued = true));
  const port = await listen(server);
  const headers = { Expect: '100-continue' };
  await expect(call({ port, method: 'POST', headers })).resolves.toMatchObject({ status: 403 });
  expect(continued).toBe(false);
});

test.each([
  ['a refused request', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc'],
  ['a refused upgrade', 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
])('a client that goes away amid %s does no harm', async (_what, head) => {
  let goAway: () => void = () => undefined;
  const trust = trusting([cast.old], {
    onRefused: () => {
      goAway();
    },
  });
  const server = trust.createServer(serverOptions, (_request, response) => response.end('ok'));
  server.on('upgrade', (_request, socket) => socket.end());
  const port = await listen(server);
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const tcp = connectTcp(port, '127.0.0.1');
  const tls = connectTls({ socket: tcp, servername: 'localhost', ca: serverCertificate.caPem });
  tls.on('error', () => undefined);
  const [connection] = await accepted;
  const closed = new Promise((resolve) => connection.once('close', resolve));
  goAway = () => {
    tcp.resetAndDestroy();
  };
  tls.write(head);
  await closed;
  await expect(call({ port, as: cast.old })).resolves.toMatchObject({ status: 200 });
});

describe('listeners added by others', () => {
  test.each([
    ['upgrade', 'GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['connect', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n'],
  ])('%s is guarded', async (event, head) => {
    const server = trusting([cast.old]).createServer(serverOptions);
    let reached = 0;
    server.on(event, (_request: unknown, socket: Socket) => {
      reached += 1;
      socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    });
    const port = await listen(server);
    const send = (as?: TestIdentity) => {
      const client = as && clientOptions(as);
      const ca = serverCertificate.caPem;
      const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca, ...client });
      socket.write(head);
      return text(socket);
    };
    expect(await send()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[^]*"reason":"CertificateMissing"\}\n$/);
    expect(await send(cast.evil)).toContain('"reason":"CertificateNotListed"');
    expect(reached).toBe(0);
    expect(await send(cast.old)).toBe('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    expect(reached).toBe(1);
  });

  test('a second request listener is guarded', async () => {
    const server = trusting([cast.old]).createServer(serverOptions);
    let reached = false;
    server.prependListener('request', (_request, response) => {
      reached = true;
      response.end();
    });
    const port = await listen(server);
    expect((await call({ port })).status).toBe(403);
    expect(reached).toBe(false);
  });
});

describe('withoutCertificate', () => {
  test.each([
    ['GET', '/healthz', 200],
    ['HEAD', '/healthz', 200],
    ['POST', '/healthz', 403],
    ['GET', '/healthz?x=1', 403],
    ['GET', '/healthz/../orders', 403],
    ['GET', '//healthz', 403],
    ['GET', '/HEALTHZ', 403],
    ['GET', '/', 403],
  ])('%s %s → %i', async (method, path, status) => {
    const trust = trusting([cast.old]);
    const options = { ...serverOptions, withoutCertificate: ['/healthz'] };
    const server = trust.createServer(options, (request, response) => {
      response.end(trust.presented(request) ? 'known' : 'unknown');
    });
    const answer = await call({ port: await listen(server), as: cast.evil, method, path });
    expect(answer.status).toBe(status);
    if (status === 200 && method === 'GET') expect(answer.body).toBe('unknown');
  });
});

test('options that would decide otherwise count for nothing', async () => {
  const ca = [cast.fresh.certificate.pem, cast.evil.certificate.pem];
  const options = { ...serverOptions, requestCert: false, rejectUnauthorized: true, ca };
  const server = trusting([cast.old, cast.fresh]).createServer(options, ({ socket }, response) => {
    response.end(socket instanceof TLSSocket ? `authorized: ${socket.authorized}` : 'not TLS');
  });
  const port = await listen(server);
  expect((await call({ port, as: cast.evil })).status).toBe(403);
  expect((await call({ port })).status).toBe(403);
  expect(await call({ port, as: cast.old })).toMatchObject({ status: 200, body: 'authorized: false' });
  expect(await call({ port, as: cast.fresh })).toMatchObject({ status: 200, body: 'authorized: false' });
});

test('a refusal is told with its certificate', async () => {
  const refused: unknown[] = [];
  const trust = trusting([cast.old], {
    onRefused: ({ reason, certificate }, { url }) =>
      refused.push([reason, certificate?.fingerprintSha256, url]),
  });
  const port = await listen(trust.createServer(serverOptions));
  await call({ port, as: cast.evil, path: '/orders' });
  await call({ port });
  expect(refused).toEqual([
    ['CertificateNotListed', fingerprint(cast.evil), '/orders'],
    ['CertificateMissing', undefined, '/'],
  ]);
});

test('check serves other kinds of server too, as http2', async () => {
  const trust = trusting([cast.old]);
  const options = { ...serverOptions, ca: [], requestCert: true, rejectUnauthorized: false };
  const server = http2.createSecureServer(options, ({ socket }, response) => {
    const verdict = trust.check(socket);
    response.end(verdict.accepted ? 'accepted' : verdict.reason);
  });
  const port = await listen(server);
  const ask = async (as?: TestIdentity) => {
    const client = as && clientOptions(as);
    const session = http2.connect(`https://localhost:${port}`, { ca: serverCertificate.caPem, ...client });
    try {
      return await text(session.request());
    } finally {
      session.close();
    }
  };
  expect(await ask(cast.old)).toBe('accepted');
  expect(await ask(cast.evil)).toBe('CertificateNotListed');
  expect(await ask()).toBe('CertificateMissing');
});

test('a connection without TLS has no certificate', () => {
  expect(trusting([cast.old]).check({} as never)).toMatchObject({
    accepted: false,
    reason: 'CertificateMissing',
  });
});
