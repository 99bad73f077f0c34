import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  canonicalSan,
  canonicalSubject,
  hasName,
  sansOf,
  subjectOf,
} from '../../src/certificates/caller-name.js';
import { subjectName } from '../../src/certificates/der.js';
import { mintAuthority } from '../support/authority.js';
import { openssl } from '../support/openssl.js';

let pattern: Buffer;
let folder: string;
beforeAll(async () => {
  const authority = await mintAuthority();
  const { pem } = await authority.issue('CN=pattern', {
    dnsNames: ['gateway.example.com', 'other.example.com'],
  });
  pattern = new X509Certificate(pem).raw;
  folder = mkdtempSync(join(tmpdir(), 'apigw-cert-name-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const element = (tag: number, ...content: Uint8Array[]): Buffer => {
  const body = Buffer.concat(content);
  const length = body.length < 0x80 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};

const OIDS: Readonly<Record<string, string>> = {
  CN: '550403',
  SN: '550404',
  C: '550406',
  O: '55040a',
  OU: '55040b',
  DC: '0992268993f22c640119',
  UID: '0992268993f22c640101',
  serialNumber: '550405',
  emailAddress: '2a864886f70d010901',
  postalCode: '550411',
  /** businessCategory, which no name may have. */
  other: '55040f',
};

interface Attribute {
  type: string;
  tag: number;
  value: Uint8Array;
}

/** A certificate like the pattern with another subject; its signature is void. */
function withSubject(parts: readonly (readonly Attribute[])[]): Buffer {
  const name = element(
    0x30,
    ...parts.map((attributes) =>
      element(
        0x31,
        ...attributes.map(({ type, tag, value }) =>
          element(0x30, element(0x06, Buffer.from(OIDS[type] ?? '', 'hex')), element(tag, value)),
        ),
      ),
    ),
  );
  const old = Buffer.from(subjectName(pattern));
  // The first is the subject; the issuer differs.
  const at = pattern.indexOf(old);
  const tbsHeader = 4;
  const tbs = pattern.subarray(4 + tbsHeader, 4 + tbsHeader + pattern.readUInt16BE(6));
  const from = at - 8;
  const rest = pattern.subarray(8 + tbs.length);
  const changed = Buffer.concat([tbs.subarray(0, from), name, tbs.subarray(from + old.length)]);
  return element(0x30, element(0x30, changed), rest);
}

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;

/** The subject as nginx, HAProxy and Apache have it. */
function opensslSubject(der: Buffer): string {
  const file = join(folder, 'one.pem');
  writeFileSync(file, pem(der));
  return openssl(['x509', '-in', file, '-noout', '-subject', '-nameopt', 'RFC2253'])
    .replace(/^subject=/, '')
    .replace(/\n$/, '');
}

const utf8 = (type: string, value: string): Attribute => ({ type, tag: 0x0c, value: Buffer.from(value) });
const subject = (...attributes: Attribute[]): Buffer =>
  withSubject(attributes.map((attribute) => [attribute]));

/** Text with what notations of names care about. */
const odd = fc.string({
  unit: fc.constantFrom(
    'a',
    'B',
    '7',
    ' ',
    '#',
    ',',
    '+',
    '"',
    '\\',
    '<',
    '>',
    ';',
    '=',
    '/',
    '\n',
    '\0',
    '\u00e4',
    '\u20ac',
    '\u{1f511}',
  ),
  minLength: 1,
  maxLength: 8,
});

const attribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc
    .record({ type: fc.constantFrom(...Object.keys(OIDS)), value: odd })
    .chain(({ type, value }) =>
      fc.constantFrom<Attribute>(
        { type, tag: 0x0c, value: Buffer.from(value) },
        { type, tag: 0x1e, value: Buffer.from(value, 'utf16le').swap16() },
        { type, tag: 0x13, value: Buffer.from(value.replaceAll(/[^a-zB7 ]/g, 'x')) },
        { type, tag: 0x14, value: Buffer.from(value, 'latin1') },
      ),
    ),
);

describe('the subject of a certificate', () => {
  test('is what OpenSSL prints, or is not compared', () => {
    const compared = { yes: 0, no: 0 };
    fc.assert(
      fc.property(
        fc.array(fc.array(attribute, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 }),
        (parts) => {
          const der = withSubject(parts);
          const found = subjectOf(der);
          compared[found === undefined ? 'no' : 'yes'] += 1;
          if (found === undefined) return;
          expect(found).toBe(opensslSubject(der));
          expect(canonicalSubject(found)).toBe(found);
          expect(hasName(der, { subject: found })).toBe(true);
        },
      ),
      { numRuns: 120, examples: [[[[utf8('CN', '#')]]], [[[utf8('CN', '# ')]]], [[[utf8('CN', ' ')]]]] },
    );
    expect(compared.yes).toBeGreaterThan(5);
  });

  test('of two certificates is the same text only where all their attributes are the same', () => {
    const plain = fc.record({ type: fc.constantFrom('CN', 'O', 'OU', 'DC'), value: odd });
    fc.assert(
      fc.property(
        fc.array(plain, { minLength: 1, maxLength: 3 }),
        fc.array(plain, { minLength: 1, maxLength: 3 }),
        (one, two) => {
          const [a, b] = [one, two].map((parts) =>
            subjectOf(subject(...parts.map(({ type, value }) => utf8(type, value)))),
          );
          if (a === undefined || b === undefined) return;
          expect(a === b).toBe(JSON.stringify(one) === JSON.stringify(two));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  const gateway = [utf8('O', 'Example'), utf8('CN', 'gateway')];
  const NAME = 'CN=gateway,O=Example';

  test('is the same whatever the type of its strings', () => {
    expect(subjectOf(subject(...gateway))).toBe(NAME);
    expect(
      subjectOf(subject({ type: 'O', tag: 0x13, value: Buffer.from('Example') }, utf8('CN', 'gateway'))),
    ).toBe(NAME);
    expect(
      subjectOf(
        subject(
          { type: 'O', tag: 0x1e, value: Buffer.from('Example', 'utf16le').swap16() },
          {
            type: 'CN',
            tag: 0x1c,
            value: Buffer.from('000000670000006100000074000000650000007700000061' + '00000079', 'hex'),
          },
        ),
      ),
    ).toBe(NAME);
  });

  test.each<[string, () => Buffer]>([
    ['another case', () => subject(utf8('O', 'Example'), utf8('CN', 'Gateway'))],
    ['another order', () => subject(...gateway.toReversed())],
    [
      'two common names, the right one last',
      () => subject(utf8('O', 'Example'), utf8('CN', 'evil'), utf8('CN', 'gateway')),
    ],
    [
      'two common names, the right one first',
      () => subject(utf8('O', 'Example'), utf8('CN', 'gateway'), utf8('CN', 'evil')),
    ],
    ['one part with both attributes', () => withSubject([gateway])],
    ['one more part', () => subject(utf8('C', 'US'), ...gateway)],
    ['one part less', () => subject(utf8('CN', 'gateway'))],
    ['the whole name as a common name', () => subject(utf8('CN', NAME))],
    ['the rest of the name within the common name', () => subject(utf8('CN', 'gateway,O=Example'))],
    ['the name as one line', () => subject(utf8('O', 'Example/CN=gateway'))],
    ['a NUL behind it', () => subject(utf8('O', 'Example'), utf8('CN', 'gateway\0.evil'))],
    ['a space behind it', () => subject(utf8('O', 'Example'), utf8('CN', 'gateway '))],
    ['letters that look alike', () => subject(utf8('O', 'Example'), utf8('CN', 'g\u0430teway'))],
    ['no subject', () => withSubject([])],
    ['an attribute that is not known', () => subject(...gateway, utf8('other', 'x'))],
    ['an empty attribute', () => subject(...gateway, utf8('OU', ''))],
    [
      'octets that are no UTF-8',
      () => subject(utf8('O', 'Example'), { type: 'CN', tag: 0x0c, value: Buffer.from('67ff', 'hex') }),
    ],
    [
      'half a BMPString',
      () => subject(utf8('O', 'Example'), { type: 'CN', tag: 0x1e, value: Buffer.from('006700', 'hex') }),
    ],
    [
      'a value that is no text',
      () => subject(utf8('O', 'Example'), { type: 'CN', tag: 0x04, value: Buffer.from('gateway') }),
    ],
  ])('is another with %s', (_what, der) => {
    expect(hasName(subject(...gateway), { subject: NAME })).toBe(true);
    expect(hasName(der(), { subject: NAME })).toBe(false);
  });

  test('is read as people write it', () => {
    expect(canonicalSubject('cn = gateway , o=Example')).toBe(NAME);
    expect(canonicalSubject('CN=Doe\\, John,O=K\u00e4se \\2B \\3dx')).toBe(
      'CN=Doe\\, John,O=K\\C3\\A4se \\+ =x',
    );
    expect(canonicalSubject('CN=a=b')).toBe('CN=a=b');
    expect(canonicalSubject('CN=\\ a\\ ,O=x')).toBe('CN=\\ a\\ ,O=x');
    expect(canonicalSubject('CN=a\\\\ ,O=x')).toBe('CN=a\\\\,O=x');
  });

  test.each([
    ['', 'empty'],
    ['/C=US/CN=gateway', 'TYPE=VALUE'],
    ['gateway', 'TYPE=VALUE'],
    ['CN=', 'empty'],
    ['CN=a,', 'TYPE=VALUE'],
    [',CN=a', 'TYPE=VALUE'],
    ['CN=a,,O=b', 'TYPE=VALUE'],
    ['CN=a+O=b', 'several attributes'],
    ['CN="a"', 'escaped'],
    ['CN=a;O=b', 'escaped'],
    ['CN=#0c0161', 'escaped'],
    ['CN=a\\', 'escapes nothing'],
    ['CN=a\\x', 'escapes nothing'],
    ['CN=a\\00', 'plain text'],
    ['CN=a\nb', 'plain text'],
    ['CN=a\\FF', 'plain text'],
    // OpenSSL does not escape it.
    ['CN=\\#', 'plain text'],
    ['2.5.4.3=a', 'TYPE=VALUE'],
    ['FOO=a', 'attribute type "FOO"'],
    ['CN=-----END APIGW CLIENT CA-----', 'hyphens'],
    [`CN=${'a'.repeat(1000)}`, 'longer'],
  ])('%j is refused', (text, why) => {
    expect(() => canonicalSubject(text)).toThrow(why);
  });
});

describe('a subject alternative name', () => {
  test('is compared as a whole', () => {
    expect(sansOf(pattern)).toEqual(['DNS:gateway.example.com', 'DNS:other.example.com']);
    expect(hasName(pattern, { san: 'DNS:other.example.com' })).toBe(true);
    for (const san of [
      'DNS:example.com',
      'DNS:gateway.example.co',
      'DNS:Gateway.example.com',
      'URI:gateway.example.com',
    ]) {
      expect(hasName(pattern, { san })).toBe(false);
    }
    expect(hasName(pattern, { subject: 'CN=pattern', san: 'DNS:other.example.com' })).toBe(true);
    expect(hasName(pattern, { subject: 'CN=other', san: 'DNS:other.example.com' })).toBe(false);
    expect(hasName(pattern, {})).toBe(false);
    expect(hasName(Buffer.from('3000', 'hex'), { subject: 'CN=pattern' })).toBe(false);
  });

  test.each([
    '',
    'gateway.example.com',
    'DNS:',
    'DNS:*.example.com',
    'DNS:a b',
    'IP:10.0.0.1',
    'URI:gateway',
    'DNS:a\0b',
  ])('%j is refused', (text) => {
    expect(() => canonicalSan(text)).toThrow(RangeError);
  });

  test('is read in any case of its sort', () => {
    expect(canonicalSan('dns:gateway.example.com')).toBe('DNS:gateway.example.com');
    expect(canonicalSan('uri:spiffe://example.com/gateway')).toBe('URI:spiffe://example.com/gateway');
  });
});
