import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../src/platform/errors.js';
import { readBundle, writeBundle, type Bundle } from '../../src/certificates/bundle.js';
import { trustedCertificate } from '../../src/certificates/parse.js';
import { mintClientCertificate, mintServerCertificate } from '../../src/certificates/mint.js';
import { openssl } from '../support/openssl.js';

const MANY = 10_000;
const NOT_BEFORE = new Date('2026-11-01T00:00:00Z');
const UTF8 = new TextEncoder();

let old: { pem: string; privateKeyPem: string };
let fresh: { pem: string; privateKeyPem: string };
let server: { caPem: string; certPem: string; privateKeyPem: string };
/** The old certificate's PEM as a file has it: LF, one newline at the end. */
let oldLf: string;
let freshLf: string;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-bundle-'));
  [old, fresh, server] = await Promise.all([
    mintClientCertificate({ notBefore: NOT_BEFORE }),
    mintClientCertificate({ notBefore: NOT_BEFORE }),
    mintServerCertificate({ notBefore: NOT_BEFORE, dnsNames: ['a.test'] }),
  ]);
  oldLf = lf(old.pem);
  freshLf = lf(fresh.pem);
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function lf(pem: string): string {
  return `${pem.replaceAll('\r', '').trimEnd()}\n`;
}

function der(pem: string): Uint8Array {
  return new Uint8Array(new X509Certificate(pem).raw);
}

function fingerprint(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

function bundleOf(text: string): Bundle {
  return readBundle(UTF8.encode(text));
}

/** What was read, in the shape that tests compare: fingerprint and line. */
function read({ certificates }: Bundle): [string, number][] {
  return certificates.map(({ certificate, line }) => [certificate.fingerprintSha256, line]);
}

/** The facts of one certificate as openssl gives them. */
function opensslFacts(pem: string): string[] {
  const digest = (name: string): string =>
    openssl(['x509', '-noout', '-fingerprint', `-${name}`], pem)
      .trim()
      .split('=')[1] ?? '';
  const key = openssl(['x509', '-noout', '-pubkey'], pem);
  const path = join(directory, 'spki.der');
  openssl(['pkey', '-pubin', '-outform', 'der', '-out', path], key);
  return [
    digest('sha256'),
    digest('sha1'),
    openssl(['dgst', '-sha256', '-r', path]).slice(0, 64),
    openssl(['x509', '-noout', '-serial'], pem).trim().split('=')[1] ?? '',
  ];
}

test.each([
  ['a client certificate (RSA)', () => old.pem],
  ['a server certificate (P-256, extensions)', () => server.certPem],
])('the facts of %s are those that openssl prints', (_, pem) => {
  const facts = trustedCertificate(pem());
  expect([
    facts.fingerprintSha256,
    facts.fingerprintSha1,
    Buffer.from(facts.spkiPin, 'base64').toString('hex'),
    facts.serialNumber.replaceAll(':', ''),
  ]).toEqual(opensslFacts(pem()));
});

describe('readBundle', () => {
  test('reads one certificate from PEM with LF, from PEM as AWS sends it, and from DER, all alike', () => {
    const expected = [{ certificate: trustedCertificate(old.pem), line: 1 }];
    expect(expected[0]?.certificate.pem).toBe(oldLf);
    for (const bytes of [UTF8.encode(oldLf), UTF8.encode(old.pem), der(old.pem)]) {
      expect(readBundle(bytes)).toEqual({ certificates: expected, authorities: [], findings: [] });
    }
  });

  test('reads what openssl writes: text before and after, and its old and its trusted form', () => {
    const verbose = openssl(['x509', '-text'], old.pem);
    const before = verbose.slice(0, verbose.indexOf('-----BEGIN')).split('\n').length;
    expect(bundleOf(`${verbose}\ntrailing\n`)).toMatchObject({
      findings: [],
      certificates: [{ line: before }],
    });

    const trusted = openssl(['x509', '-trustout', '-addtrust', 'clientAuth'], old.pem);
    expect(trusted).toContain('BEGIN TRUSTED CERTIFICATE');
    const oldForm = freshLf.replaceAll(' CERTIFICATE-', ' X509 CERTIFICATE-');
    const { certificates } = bundleOf(trusted + oldForm);
    expect(certificates.map(({ certificate }) => certificate.pem)).toEqual([oldLf, freshLf]);
  });

  test.each(['', '\n', '# nothing here\n', '\0\x01\x02'])('finds nothing in %j', (text) => {
    expect(bundleOf(text)).toEqual({ certificates: [], authorities: [], findings: [] });
  });

  test('reads glued blocks and says so', () => {
    const glued = old.pem + fresh.pem;
    expect(glued).toContain('-----END CERTIFICATE----------BEGIN CERTIFICATE-----');
    const bundle = bundleOf(glued);
    const line = old.pem.split('\n').length;
    expect(read(bundle)).toEqual([
      [fingerprint(old.pem), 1],
      [fingerprint(fresh.pem), line],
    ]);
    expect(bundle.findings).toContainEqual({ code: 'GluedPem', line });
  });

  test('reports the other things that keep a BEGIN from the start of its line', () => {
    expect(bundleOf(`# text\n\uFEFF${oldLf}`).findings).toEqual([{ code: 'GluedPem', line: 2 }]);
    expect(bundleOf(`\n  ${oldLf}`).findings).toEqual([{ code: 'GluedPem', line: 2 }]);
  });

  test('warns of the trap: two certificates of one subject without key identifiers', () => {
    expect(bundleOf(`# comment\n${oldLf}${server.caPem}${freshLf}`).findings).toEqual([
      {
        code: 'SharedSubject',
        line: 2,
        subject: 'C=US, L=Seattle, CN=ApiGateway',
        fingerprintsSha256: [fingerprint(old.pem), fingerprint(fresh.pem)],
      },
    ]);
  });

  test.each([
    ['neither key identifier, though other extensions', ['keyUsage=digitalSignature'], ['SharedSubject']],
    ['a subject key identifier', ['subjectKeyIdentifier=hash'], []],
    ['an authority key identifier', ['authorityKeyIdentifier=DER:30:03:80:01:01'], []],
  ])('judges two certificates of one subject with %s', (_, extensions, codes) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null'];
    // openssl adds both identifiers unless told otherwise.
    const none = ['subjectKeyIdentifier', 'authorityKeyIdentifier']
      .filter((name) => !extensions.some((extension) => extension.startsWith(name)))
      .map((name) => `${name}=none`);
    const added = [...none, ...extensions].flatMap((extension) => ['-addext', extension]);
    const make = (): string => openssl(['req', '-x509', ...key, '-subj', '/CN=same', ...added]);
    const { certificates, findings } = bundleOf(make() + make());
    expect(certificates).toHaveLength(2);
    expect(findings.map(({ code }) => code)).toEqual(codes);
  });

  test('does not take the bytes of a key identifier in a subject for one', async () => {
    // 55 1D 0E is "U", group separator, shift out: no PrintableString, but a forger does not mind.
    const subject = 'CN=\u0006\u0003U\u001d\u000e';
    const forged = await Promise.all(
      [1, 2].map(() => mintClientCertificate({ notBefore: NOT_BEFORE, subject })),
    );
    const { certificates, findings } = bundleOf(forged.map(({ pem }) => lf(pem)).join(''));
    expect(Buffer.from(der(forged[0]?.pem ?? '')).includes(Buffer.from('0603551d0e', 'hex'))).toBe(true);
    expect(certificates).toHaveLength(2);
    expect(findings).toMatchObject([{ code: 'SharedSubject', line: 1 }]);
  });

  test('gives a certificate once and reports its duplicates', () => {
    const bundle = bundleOf(oldLf + old.pem + '\r\n' + oldLf);
    const lines = oldLf.split('\n').length - 1;
    expect(read(bundle)).toEqual([[fingerprint(old.pem), 1]]);
    expect(bundle.findings).toEqual(
      [1 + lines, 1 + 2 * lines].map((line) => ({
        code: 'DuplicateCertificate',
        line,
        firstLine: 1,
        fingerprintSha256: fingerprint(old.pem),
      })),
    );
  });

  test('notices private keys of every form and keeps nothing of them', () => {
    const rsa = openssl(['rsa', '-traditional'], old.privateKeyPem);
    const encrypted = openssl(['pkcs8', '-topk8', '-passout', 'pass:x'], old.privateKeyPem);
    const bundle = bundleOf(old.privateKeyPem + rsa + encrypted + oldLf);
    expect(bundle.findings.map(({ code }) => code)).toEqual(['PrivateKey', 'PrivateKey', 'PrivateKey']);
    expect(bundle.certificates).toHaveLength(1);
    const secrets = [old.privateKeyPem, rsa, encrypted].map((pem) => pem.split('\n')[2] ?? '');
    expect(secrets.every((secret) => secret.length === 64)).toBe(true);
    for (const secret of secrets) expect(JSON.stringify(bundle)).not.toContain(secret);
  });

  test('notices other kinds of PEM', () => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null'];
    const pem = openssl(['req', '-new', ...key, '-subj', '/CN=request']);
    expect(bundleOf(oldLf + pem).findings).toEqual([
      { code: 'NotACertificate', line: oldLf.split('\n').length, label: 'CERTIFICATE REQUEST' },
    ]);
  });

  test.each<[string, (pem: string) => string, number | 'last', string]>([
    [
      'a letter that is none of base64 in line 5',
      (pem) => replaceLine(pem, 5, (l) => l.replace(/./, '!')),
      5,
      'base64',
    ],
    ['a line cut short', (pem) => replaceLine(pem, 3, (l) => l.slice(1)), 1, 'base64'],
    ['padding in the middle', (pem) => replaceLine(pem, 3, (l) => `${l.slice(0, -4)}AA==`), 1, 'base64'],
    ['a line missing', (pem) => replaceLine(pem, 4, () => ''), 1, 'certificate'],
    ['no content at all', () => '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n', 1, 'certificate'],
    ['no END', (pem) => pem.replace(/-----END.*\n/, ''), 1, 'marker'],
    ['an END with a dash too few', (pem) => pem.replace(/-----\n$/, '----\n'), 1, 'marker'],
    ['an END of another kind', (pem) => pem.replace('END CERTIFICATE', 'END X509 CRL'), 1, 'marker'],
    ['no BEGIN', (pem) => pem.replace(/-----BEGIN.*\n/, ''), 'last', 'marker'],
  ])('reports %s and reads the certificate after it', (_, spoil, line, problem) => {
    const spoilt = spoil(oldLf);
    const lastLine = spoilt.split('\n').length - 1;
    const bundle = bundleOf(spoilt + freshLf);
    expect(bundle.findings).toEqual([
      { code: 'BrokenPem', line: line === 'last' ? lastLine : line, problem },
    ]);
    expect(read(bundle)).toEqual([[fingerprint(fresh.pem), lastLine + 1]]);
  });

  test('reports DER that is cut, followed by something, or no certificate', () => {
    const broken = { code: 'BrokenPem', line: 1, problem: 'certificate' };
    const whole = der(old.pem);
    expect(readBundle(whole.subarray(0, -1))).toEqual({
      certificates: [],
      authorities: [],
      findings: [broken],
    });
    const followed = readBundle(Buffer.concat([whole, Buffer.from('x')]));
    expect(read(followed)).toEqual([[fingerprint(old.pem), 1]]);
    expect(followed.findings).toEqual([broken]);
    const sequence = Buffer.concat([Buffer.from([0x30, 0x82, 0x01, 0x00]), Buffer.alloc(256)]);
    expect(readBundle(sequence)).toEqual({ certificates: [], authorities: [], findings: [broken] });
  });

  test('is not fooled by DER that carries another certificate as text', () => {
    const text = Buffer.from(`\n${freshLf}`);
    const header = Buffer.from([0x30, 0x82, text.length >> 8, text.length & 0xff]);
    const trojan = Buffer.concat([header, text]);
    expect(new X509Certificate(trojan).fingerprint256).toBe(fingerprint(fresh.pem));
    expect(() => trustedCertificate(trojan)).toThrow(AppError);
    expect(readBundle(trojan)).toEqual({
      certificates: [],
      authorities: [],
      findings: [{ code: 'BrokenPem', line: 1, problem: 'certificate' }],
    });
  });

  test('never throws, whatever the bytes', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom('-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', '\n', '=', '0\x82')
        .map((text) => UTF8.encode(text)),
      fc.nat(800).map((cut) => der(old.pem).subarray(cut)),
      fc.nat(1100).map((cut) => UTF8.encode(oldLf.slice(cut))),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        readBundle(Buffer.concat(pieces));
      }),
    );
  });

  test('a changed octet of DER never yields the certificate that it was', () => {
    const whole = der(old.pem);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = whole.slice();
        changed[at] = (changed[at] ?? 0) ^ change;
        const fingerprints = read(readBundle(changed)).map(([sha256]) => sha256);
        expect(fingerprints).not.toContain(fingerprint(old.pem));
      }),
      { numRuns: 300 },
    );
  });

  test(`reads ${MANY} certificates in linear time`, () => {
    const text = replicas(MANY).join('');
    const started = process.cpuUsage();
    const bundle = bundleOf(text);
    const seconds = process.cpuUsage(started).user / 1e6;
    expect(bundle.certificates).toHaveLength(MANY);
    expect(bundle.findings).toMatchObject([{ code: 'SharedSubject', line: 1 }]);
    expect(bundle.certificates.at(-1)?.line).toBe(1 + (MANY - 1) * (oldLf.split('\n').length - 1));
    // 1.7 s where it was measured, 3.3 s for twice as many; quadratic work would take minutes.
    expect(seconds).toBeLessThan(10);
  });
});

describe('writeBundle', () => {
  test('writes a comment and clean PEM for each, and nothing for none', () => {
    const certificates = [trustedCertificate(old.pem, 'a1b2c3'), trustedCertificate(fresh.pem)];
    expect(writeBundle(certificates)).toBe(
      '# a1b2c3 C=US, L=Seattle, CN=ApiGateway notAfter 2027-11-01T00:00:00.000Z\n' +
        oldLf +
        '# C=US, L=Seattle, CN=ApiGateway notAfter 2027-11-01T00:00:00.000Z\n' +
        freshLf,
    );
    expect(writeBundle([])).toBe('');
  });

  test('is read by openssl, which finds every certificate', () => {
    const path = join(directory, 'written.pem');
    writeFileSync(path, writeBundle([trustedCertificate(old.pem, 'a1b2c3'), trustedCertificate(fresh.pem)]));
    const listed = openssl(['storeutl', '-noout', '-certs', path]);
    expect(listed).toContain('Total found: 2');
  });

  test('whatever id and subject: one comment line, read back as the same certificate and no finding', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\n-----BEGIN CERTIFICATE-----\n',
        '-----BEGIN PRIVATE KEY-----',
        '\u001b[2J',
        '\u2028',
        '\u202e',
      ),
    );
    const real = trustedCertificate(old.pem);
    fc.assert(
      fc.property(hostile, hostile, (clientCertificateId, subject) => {
        const text = writeBundle([{ ...real, clientCertificateId, subject }]);
        expect(text.endsWith(`\n${oldLf}`)).toBe(true);
        expect(text.slice(0, -oldLf.length)).toMatch(/^# [^\p{C}\u2028\u2029]*\n$/u);
        expect(bundleOf(text)).toEqual({
          certificates: [{ certificate: real, line: 2 }],
          authorities: [],
          findings: [],
        });
      }),
    );
  });
});

function replaceLine(pem: string, number: number, change: (line: string) => string): string {
  const lines = pem.split('\n');
  const changed = change(lines[number - 1] ?? '');
  lines.splice(number - 1, 1, ...(changed === '' ? [] : [changed]));
  return lines.join('\n');
}

/** Certificates that differ in the serial number only: well-formed, distinct, and made without 10,000 keys. */
function replicas(count: number): string[] {
  const template = der(old.pem);
  const serialAt = 15;
  return Array.from({ length: count }, (_, number) => {
    const octets = Buffer.from(template);
    octets.writeUInt32BE(number, serialAt + 3);
    const lines = octets.toString('base64').match(/.{1,64}/g) ?? [];
    return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
  });
}
