import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fingerprintsIn } from '../../src/node/certificate-file.js';
import { bundle, type Client, client, identity, serverCertificate } from './backend.js';

let old: Client;
let fresh: Client;
beforeAll(async () => {
  [old, fresh] = await Promise.all([client(340), client(1)]);
});

test.each([
  ['as AWS sends it: CRLF, no newline at the end', () => `${old.pem}\r\n${fresh.pem}`],
  ['glued together', () => old.pem + fresh.pem],
  ['with LF', () => bundle(old, fresh)],
  [
    'with comments and a byte order mark',
    () => `\uFEFF# a1b2c3, ends 2026\n${bundle(old)}\n# next\n${bundle(fresh)}`,
  ],
  ['one of them twice', () => bundle(old, fresh, old)],
])('reads every certificate, %s', (_form, text) => {
  expect(fingerprintsIn(text())).toEqual([old.fingerprint, fresh.fingerprint]);
});

test.each([
  ['empty', () => '', 'it holds no certificate'],
  ['only a comment', () => '# none yet\n', 'it holds no certificate'],
  ['not PEM', () => 'testcert-123', 'it holds no certificate'],
  ['a private key', () => bundle(old) + old.key, 'it holds a PRIVATE KEY; only certificates belong there'],
  [
    'a body of garbage',
    () => `${bundle(old)}-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n`,
    'certificate 2 cannot be read',
  ],
  [
    'an end without a beginning',
    () => `${bundle(old)}-----END CERTIFICATE-----\n`,
    'it holds an unfinished PEM block',
  ],
  [
    'a certificate that an authority issued',
    () => identity.cert,
    'certificate 1 is not self-signed (issued by CN=apigw-cert throwaway CA), as the client certificates that API ' +
      'Gateway generates are; for those of a private CA use the "ca" option of https',
  ],
])('refuses the whole text: %s', (_what, text, message) => {
  expect(() => fingerprintsIn(text())).toThrow(expect.objectContaining({ message }));
});

test('an authority of one’s own would be a listed certificate like any other', () => {
  expect(fingerprintsIn(serverCertificate.caPem)).toEqual([
    new X509Certificate(serverCertificate.caPem).fingerprint256,
  ]);
});

test('a text that breaks off anywhere is refused, or is the certificates that are whole', () => {
  const text = bundle(old, fresh);
  const boundary = bundle(old).length;
  const wholeFirst = '-----BEGIN '.length - 1;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: text.length - 2 }), (length) => {
      let read: string[] | undefined;
      try {
        read = fingerprintsIn(text.slice(0, length));
      } catch {
        read = undefined;
      }
      // Up to ten characters of the next beginning cannot be told from a remark.
      const firstOnly = length >= boundary - 1 && length <= boundary + wholeFirst;
      expect(read).toEqual(firstOnly ? [old.fingerprint] : undefined);
    }),
    { numRuns: 500 },
  );
});

test('10,000 certificates', () => {
  const { raw } = new X509Certificate(old.pem);
  // The serial number's eight octets, after two SEQUENCEs, the version and its own tag and length.
  const serial = raw.indexOf(Buffer.from([0x02, 0x08]), 8) + 2;
  const text = Array.from({ length: 10_000 }, (_, index) => {
    const der = Buffer.from(raw);
    if (serial > 2 && serial < 20) der.writeUInt32BE(index, serial + 4);
    else der.writeUInt32BE(index, raw.indexOf(Buffer.from([0x02, 0x09]), 8) + 7);
    return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
  }).join('');
  expect(new Set(fingerprintsIn(text)).size).toBe(10_000);
});
