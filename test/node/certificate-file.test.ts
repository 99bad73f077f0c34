import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { trustListIn } from '../../src/node/certificate-file.js';
import { bundle, fingerprint, serverCertificate, serverOptions } from './fixture.js';
import { manyDerLike, mintIdentity, type TestIdentity } from '../support/certificates.js';

const fingerprintsIn = (text: string): string[] => [...trustListIn(text).certificates.keys()];

let old: TestIdentity;
let fresh: TestIdentity;
beforeAll(async () => {
  [old, fresh] = await Promise.all([mintIdentity('old111'), mintIdentity('fresh1')]);
});

/** With CRLF and no newline at the end, as AWS sends it. */
const asSent = ({ certificate }: TestIdentity): string => certificate.pem.trimEnd().replaceAll('\n', '\r\n');

test.each([
  ['as AWS sends it: CRLF, no newline at the end', () => `${asSent(old)}\r\n${asSent(fresh)}`],
  ['glued together', () => asSent(old) + asSent(fresh)],
  ['with LF', () => bundle(old, fresh)],
  [
    'with comments and a byte order mark',
    () => `\uFEFF# a1b2c3, ends 2026\n${bundle(old)}\n# next\n${bundle(fresh)}`,
  ],
  ['one of them twice', () => bundle(old, fresh, old)],
])('reads every certificate, %s', (_form, text) => {
  expect(fingerprintsIn(text())).toEqual([fingerprint(old), fingerprint(fresh)]);
});

test.each([
  ['empty', () => '', 'it holds no certificate'],
  ['only a comment', () => '# none yet\n', 'it holds no certificate'],
  ['not PEM', () => 'testcert-123', 'it holds no certificate'],
  [
    'a private key',
    () => bundle(old) + old.privateKeyPem,
    'it holds a PRIVATE KEY; only certificates belong there',
  ],
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
    () => serverOptions.cert,
    'certificate 1 is not self-signed (issued by CN=apigw-cert throwaway CA), as the client certificates that API ' +
      'Gateway generates are; for certificates of a private CA, list its root with the subject',
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
      expect(read).toEqual(firstOnly ? [fingerprint(old)] : undefined);
    }),
    { numRuns: 500 },
  );
});

test('10,000 certificates', () => {
  const text = manyDerLike(old.certificate, 10_000)
    .map((der) => `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`)
    .join('');
  expect(new Set(fingerprintsIn(text)).size).toBe(10_000);
});
