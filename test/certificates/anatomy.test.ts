import { describe, expect, test } from '@jest/globals';
import { anatomy } from '../../src/certificates/anatomy.js';
import { certificateFacts } from '../../src/certificates/parse.js';
import { mintClientCertificate, mintServerCertificate } from '../../src/certificates/mint.js';
import { openssl } from '../support/openssl.js';

const NOT_BEFORE = new Date('2026-11-01T00:00:00Z');

/** A self-signed certificate that openssl makes, with a key of `newkey` and the extensions given. */
function made(newkey: readonly string[], ...extensions: string[]): string {
  const key = ['-newkey', ...newkey, '-nodes', '-keyout', '/dev/null'];
  const added = extensions.flatMap((extension) => ['-addext', extension]);
  return openssl(['req', '-x509', ...key, '-subj', '/CN=made', '-days', '2', ...added]);
}

const P384 = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'];

test('of a client certificate of API Gateway: v3, RSA 2048, no extension', async () => {
  const { pem } = await mintClientCertificate({ notBefore: NOT_BEFORE });
  expect(anatomy(pem)).toEqual({
    ...certificateFacts(pem),
    version: 3,
    publicKey: 'RSA 2048',
    signatureAlgorithm: 'sha256WithRSAEncryption',
    extensions: [],
  });
});

test('of a server certificate: each extension in words, key identifiers as openssl prints them', async () => {
  const { certPem } = await mintServerCertificate({
    notBefore: NOT_BEFORE,
    dnsNames: ['backend.test'],
    ipAddresses: ['127.0.0.1'],
  });
  const { publicKey, signatureAlgorithm, extensions } = anatomy(certPem);
  const keyIdentifiers = openssl(
    ['x509', '-noout', '-ext', 'subjectKeyIdentifier,authorityKeyIdentifier'],
    certPem,
  ).match(/(?:[0-9A-F]{2}:){19}[0-9A-F]{2}/g);
  expect([publicKey, signatureAlgorithm]).toEqual(['EC prime256v1', 'ecdsaWithSHA256']);
  expect(extensions).toEqual([
    { oid: '2.5.29.19', name: 'Basic Constraints', critical: true, value: 'CA: false' },
    { oid: '2.5.29.15', name: 'Key Usages', critical: true, value: 'digitalSignature' },
    {
      oid: '2.5.29.37',
      name: 'Extended Key Usages',
      critical: false,
      value: 'TLS WWW server authentication',
    },
    {
      oid: '2.5.29.17',
      name: 'Subject Alternative Name',
      critical: false,
      value: 'DNS: backend.test, IP: 127.0.0.1',
    },
    { oid: '2.5.29.14', name: 'Subject Key Identifier', critical: false, value: keyIdentifiers?.[0] },
    { oid: '2.5.29.35', name: 'Authority Key Identifier', critical: false, value: keyIdentifiers?.[1] },
  ]);
});

describe('of a certificate that openssl made', () => {
  test('names key and signature', () => {
    const p384 = anatomy(made(P384));
    expect([p384.version, p384.publicKey, p384.signatureAlgorithm]).toEqual([
      3,
      'EC secp384r1',
      'ecdsaWithSHA256',
    ]);
    expect(anatomy(made(['ed25519']))).toMatchObject({
      publicKey: 'ED25519',
      signatureAlgorithm: '1.3.101.112',
    });
  });

  test('shows an authority and its path length', () => {
    const { extensions } = anatomy(made(P384, 'basicConstraints=critical,CA:true,pathlen:1'));
    expect(extensions.filter(({ oid }) => oid === '2.5.29.19')).toContainEqual({
      oid: '2.5.29.19',
      name: 'Basic Constraints',
      critical: true,
      value: 'CA: true, Path Length: 1',
    });
  });

  test('shows the octets of an extension that nobody knows, and of one that is malformed', () => {
    const { extensions } = anatomy(made(P384, '1.2.3.4=critical,DER:0C:03:61:62:63', '2.5.29.17=DER:FF:FF'));
    expect(extensions).toContainEqual({
      oid: '1.2.3.4',
      name: '1.2.3.4',
      critical: true,
      value: '0C:03:61:62:63',
    });
    expect(extensions).toContainEqual({
      oid: '2.5.29.17',
      name: '2.5.29.17',
      critical: false,
      value: 'FF:FF',
    });
  });
});

test.each(['', 'no certificate', Buffer.from('3003020101', 'hex')])('of what is none: %p', (input) => {
  expect(() => anatomy(input)).toThrow(expect.objectContaining({ code: 'CertificateUnreadable' }));
});
