import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readServerFlight } from '../../src/net/server-flight.js';
import { tlsProbe } from '../../src/net/tls-probe.js';
import { mintServerCertificate } from '../../src/certificates/mint.js';
import { nameText } from '../../src/certificates/name.js';
import { mintIdentity } from '../support/certificates.js';
import { startTlsServer, type TlsServer } from '../support/tls-server.js';

let server: TlsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const probe = (url: string) => tlsProbe(new URL(url), { timeoutMs: 5_000 });

const VERSIONS = [
  { maxVersion: 'TLSv1.2' },
  { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' },
  { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_256_GCM_SHA384' },
  { minVersion: 'TLSv1.3', ciphers: 'TLS_CHACHA20_POLY1305_SHA256' },
  // Another group than the client guesses: a HelloRetryRequest comes first.
  { minVersion: 'TLSv1.3', ecdhCurve: 'P-384' },
] as const;

describe.each(VERSIONS)('what a server sends of itself, %j', (version) => {
  test('is read: that it asks, of which authorities, and its chain', async () => {
    const [one, two] = await Promise.all([mintIdentity('a1b2c3'), mintServerCertificate(authority)]);
    server = await startTlsServer({
      ...version,
      requestCert: true,
      rejectUnauthorized: false,
      ca: [two.caPem, one.certificate.pem],
    });
    const { flight, protocol, admission } = await probe(server.url);
    expect(admission).toEqual({ kind: 'answered', status: 200 });
    expect(protocol).toBe('maxVersion' in version ? 'TLSv1.2' : 'TLSv1.3');
    expect(flight?.certificateRequest?.caNames.map(nameText).sort()).toEqual([
      'C=US, L=Seattle, CN=ApiGateway',
      'CN=apigw-cert throwaway CA',
    ]);
    expect(flight?.certificates.map((der) => new X509Certificate(der).subject)).toEqual([
      'CN=apigw-cert throwaway server',
    ]);
  });

  test('is read where it asks nobody', async () => {
    server = await startTlsServer(version);
    const { flight } = await probe(server.url);
    expect(flight?.certificateRequest).toBeUndefined();
    expect(flight?.certificates).toHaveLength(1);
  });

  test('is read where it refuses in the handshake', async () => {
    server = await startTlsServer({ ...version, requestCert: true, ca: [] });
    const { flight, admission } = await probe(server.url);
    expect(admission.kind).toBe('refused');
    expect(flight?.certificateRequest).toMatchObject({ caNames: [] });
    expect(flight?.certificates).toHaveLength(1);
  });
});

const authority = { notBefore: new Date(Date.now() - 3_600_000), dnsNames: ['x'] };

test('octets that are no flight are no error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (octets, keyed) => {
      const secret = keyed ? Buffer.alloc(32) : undefined;
      const record = Buffer.concat([Buffer.from([22, 3, 3, 0, octets.length & 0xff]), octets]);
      for (const bytes of [Buffer.from(octets), record]) {
        const flight = readServerFlight(bytes, secret);
        if (flight) expect(Array.isArray(flight.certificates)).toBe(true);
      }
    }),
  );
});

describe('a server that is none', () => {
  async function tcp(onConnection: (text: string) => string | undefined): Promise<[string, () => void]> {
    const listener = createServer((socket) => {
      socket.on('error', () => undefined);
      const text = onConnection('');
      if (text === undefined) return;
      socket.end(text);
    }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return [`https://localhost:${(listener.address() as AddressInfo).port}/`, () => listener.close()];
  }

  test('nobody listens', async () => {
    const [url, close] = await tcp(() => '');
    close();
    await expect(probe(url)).rejects.toMatchObject({
      code: 'BackendUnreachable',
      message: expect.stringMatching(/^localhost:\d+: .*ECONNREFUSED/),
    });
  });

  test('plain HTTP, with control characters', async () => {
    const [url, close] = await tcp(() => 'HTTP/1.1 400 \u001b[31mBad\r\n\r\n');
    await expect(probe(url)).rejects.toMatchObject({
      code: 'BackendUnreachable',
      message: expect.stringMatching(/no TLS/),
    });
    close();
  });

  test('silence', async () => {
    const [url, close] = await tcp(() => undefined);
    await expect(tlsProbe(new URL(url), { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'BackendUnreachable',
      message: expect.stringMatching(/did not answer within 200 ms/),
    });
    close();
  });
});
