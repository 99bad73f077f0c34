import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mintClientCertificate, mintServerCertificate } from '../../src/certificates/mint.js';
import { openssl } from '../support/openssl.js';

const NOON = new Date('2026-11-24T12:00:00.987Z');

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-mint-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

/** `openssl asn1parse` as `tag value` per line, without offsets. */
function asn1(pem: string): string[] {
  return openssl(['asn1parse'], pem)
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .replace(/^.*?(?:prim|cons): /, '')
        .replace(/\s*:\s*/, ' ')
        .trim(),
    );
}

describe('mintClientCertificate', () => {
  let minted: { pem: string; privateKeyPem: string };
  beforeAll(async () => {
    minted = await mintClientCertificate({ notBefore: NOON });
  });

  test('is what openssl prints of a real one: no extensions block, AWS dates, key and algorithms', () => {
    const text = openssl(
      ['x509', '-noout', '-text', '-certopt', 'no_pubkey,no_sigdump,no_serial'],
      minted.pem,
    );
    expect(text.split('\n').map((line) => line.trim())).toEqual([
      'Certificate:',
      'Data:',
      'Version: 3 (0x2)',
      'Signature Algorithm: sha256WithRSAEncryption',
      'Issuer: C = US, L = Seattle, CN = ApiGateway',
      'Validity',
      'Not Before: Nov 24 12:00:00 2026 GMT',
      'Not After : Nov 24 12:00:00 2027 GMT',
      'Subject: C = US, L = Seattle, CN = ApiGateway',
      '',
    ]);
  });

  test('has the DER of a real one, element by element', () => {
    const name = [
      'SEQUENCE',
      ...[
        ['countryName', 'US'],
        ['localityName', 'Seattle'],
        ['commonName', 'ApiGateway'],
      ].flatMap(([type, value]) => ['SET', 'SEQUENCE', `OBJECT ${type}`, `PRINTABLESTRING ${value}`]),
    ];
    const sha256Rsa = ['SEQUENCE', 'OBJECT sha256WithRSAEncryption', 'NULL'];
    const elements = asn1(minted.pem);
    expect(elements[4]).toMatch(/^INTEGER [0-9A-F]{16}$/);
    expect(elements).toEqual([
      'SEQUENCE',
      'SEQUENCE',
      'cont [ 0 ]',
      'INTEGER 02',
      elements[4],
      ...sha256Rsa,
      ...name,
      'SEQUENCE',
      'UTCTIME 261124120000Z',
      'UTCTIME 271124120000Z',
      ...name,
      'SEQUENCE',
      'SEQUENCE',
      'OBJECT rsaEncryption',
      'NULL',
      'BIT STRING',
      ...sha256Rsa,
      'BIT STRING',
    ]);
  });

  test('has the PEM of a real one: CRLF, 64 columns, no newline at its end', () => {
    const lines = minted.pem.split('\r\n');
    expect(lines[0]).toBe('-----BEGIN CERTIFICATE-----');
    expect(lines.at(-1)).toBe('-----END CERTIFICATE-----');
    expect(lines.join('')).not.toMatch(/[\r\n]/);
    expect(lines.slice(1, -2).every((line) => line.length === 64)).toBe(true);
  });

  test('is signed by its own key, which fits the private key', () => {
    const certificate = new X509Certificate(minted.pem);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(minted.privateKeyPem))).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({
      modulusLength: 2048,
      publicExponent: 65537n,
    });
  });

  test('springs the rotation trap: openssl with two of them in one bundle trusts only the first', async () => {
    const now = new Date();
    const [old, fresh] = await Promise.all([
      mintClientCertificate({ notBefore: now }),
      mintClientCertificate({ notBefore: now }),
    ]);
    const bundle = file('bundle.pem', `${old.pem}\n${fresh.pem}\n`);
    const verify = (pem: string): string => openssl(['verify', '-CAfile', bundle], pem);
    expect(verify(old.pem)).toContain('OK');
    expect(() => verify(fresh.pem)).toThrow(/error 18 at 0 depth lookup: self[- ]signed certificate/);
  });

  test('whatever the dates: lengths as measured, whole seconds, UTCTime until 2049 and GeneralizedTime after', async () => {
    const instant = fc.date({
      min: new Date('1990-01-01T00:00:00Z'),
      max: new Date('2120-01-01T00:00:00Z'),
      noInvalidDate: true,
    });
    const aroundTheBoundary = fc
      .integer({ min: -400 * 86_400, max: 400 * 86_400 })
      .map((seconds) => new Date(Date.UTC(2050, 0, 1) + seconds * 1000));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(instant, aroundTheBoundary, fc.constant(new Date('2049-12-31T23:59:59.999Z'))),
        fc.integer({ min: 1, max: 3650 }),
        async (notBefore, days) => {
          const { pem } = await mintClientCertificate({ notBefore, days });
          const certificate = new X509Certificate(pem);
          const start = Math.floor(notBefore.getTime() / 1000) * 1000;
          const ends = [start, start + days * 86_400_000].map((time) => new Date(time));
          expect([new Date(certificate.validFrom), new Date(certificate.validTo)]).toEqual(ends);

          const times = asn1(pem).filter((line) => line.includes('TIME'));
          expect(times.map((line) => line.split(' ')[0])).toEqual(
            ends.map((end) => (end.getUTCFullYear() < 2050 ? 'UTCTIME' : 'GENERALIZEDTIME')),
          );

          const generalized = ends.filter((end) => end.getUTCFullYear() >= 2050).length;
          const content = certificate.raw.length - 4 - 2 * generalized;
          expect([744, 745]).toContain(content);
          expect(certificate.serialNumber).toMatch(/^(?!00)[0-9A-F]{16}$/);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('takes another subject, for tests', async () => {
    const { pem } = await mintClientCertificate({ notBefore: NOON, subject: 'CN=Someone Else, C=DE' });
    expect(openssl(['x509', '-noout', '-subject', '-issuer'], pem)).toBe(
      'subject=CN = Someone Else, C = DE\nissuer=CN = Someone Else, C = DE\n',
    );
  });
});

describe('mintServerCertificate', () => {
  test('satisfies openssl in strict mode for its names, and nothing else', async () => {
    const { caPem, certPem } = await mintServerCertificate({
      notBefore: new Date(),
      dnsNames: ['backend.test'],
      ipAddresses: ['127.0.0.1', '::1'],
    });
    const ca = file('ca.pem', caPem);
    const verify = (...args: string[]): string =>
      openssl(['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', ca, ...args], certPem);
    expect(verify('-verify_hostname', 'backend.test')).toContain('OK');
    expect(verify('-verify_ip', '127.0.0.1')).toContain('OK');
    expect(verify('-verify_ip', '::1')).toContain('OK');
    expect(() => verify('-verify_hostname', 'other.test')).toThrow(/hostname mismatch/i);
    expect(() => openssl(['verify', '-purpose', 'sslclient', '-CAfile', ca], certPem)).toThrow(/purpose/);
    const { validFrom, validTo } = new X509Certificate(certPem);
    expect(Date.parse(validTo) - Date.parse(validFrom)).toBe(90 * 86_400_000);
  });

  test('serves TLS', async () => {
    const { caPem, certPem, privateKeyPem } = await mintServerCertificate({
      notBefore: new Date(Date.now() - 1000),
      dnsNames: ['localhost'],
    });
    const server = createServer({ cert: certPem, key: privateKeyPem }, (socket) => socket.end('hello'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: caPem });
    try {
      const [greeting] = (await once(socket, 'data')) as [Buffer];
      expect(socket.authorized).toBe(true);
      expect(greeting.toString()).toBe('hello');
    } finally {
      socket.destroy();
      server.close();
    }
  });
});
