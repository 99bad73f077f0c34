import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isPemText, readPemText } from '../../src/certificates/pem.js';
import { readBundle } from '../../src/certificates/bundle.js';
import { mintClientCertificate } from '../../src/certificates/mint.js';
import { openssl } from '../support/openssl.js';

/** LF, one newline at the end. */
let first: string;
let second: string;
let firstDer: Buffer;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-pem-'));
  [first, second] = (
    await Promise.all([1, 2].map(() => mintClientCertificate({ notBefore: new Date() })))
  ).map(({ pem }) => `${pem.replaceAll('\r', '').trimEnd()}\n`) as [string, string];
  firstDer = new X509Certificate(first).raw;
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const octets = (text: string): Buffer => Buffer.from(text, 'latin1');
const sha = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex');
const shaOfPem = (pem: string): string => sha(new X509Certificate(pem).raw);

/** What a program on OpenSSL finds in a CA file: the certificates, or nothing because it gives up. */
function opensslReads(text: Buffer): string[] {
  const file = join(directory, 'ca.pem');
  writeFileSync(file, text);
  try {
    const pkcs7 = execFileSync('openssl', ['crl2pkcs7', '-nocrl', '-certfile', file], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const pems = openssl(['pkcs7', '-print_certs'], pkcs7.toString());
    return (pems.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? []).map(shaOfPem);
  } catch {
    return [];
  }
}

const codes = (text: string | Buffer): string[] =>
  readPemText(typeof text === 'string' ? octets(text) : text).findings.map((each) =>
    each.code === 'BrokenPem' ? `Broken ${each.problem}` : each.code,
  );

const utf16 = (text: string, mark: boolean, big: boolean): Buffer => {
  const little = Buffer.from(`${mark ? '\uFEFF' : ''}${text}`, 'utf16le');
  return big ? little.swap16() : little;
};

const body = (pem: string): string[] => pem.trim().split('\n').slice(1, -1);
const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';

describe('a form of one certificate', () => {
  test.each<[string, (pem: string) => string | Buffer, string[]]>([
    ['LF', (pem) => pem, []],
    ['CRLF', (pem) => pem.replaceAll('\n', '\r\n'), []],
    ['no newline at the end', (pem) => pem.trimEnd(), []],
    ['a byte order mark', (pem) => octets(`\u00ef\u00bb\u00bf${pem}`), []],
    ['text around it', (pem) => `Bag Attributes\n    friendlyName: x\nsubject=CN = x\n${pem}the end\n`, []],
    ['white space at the ends of lines', (pem) => pem.replaceAll('\n', ' \t\r\n'), []],
    ['an indented body', (pem) => [BEGIN, ...body(pem).map((line) => `  ${line}`), END, ''].join('\n'), []],
    ['a body on one line', (pem) => [BEGIN, body(pem).join(''), END, ''].join('\n'), []],
    ['an empty line after BEGIN', (pem) => pem.replace('\n', '\n\n'), []],
    ['the old label', (pem) => pem.replaceAll(' CERTIFICATE', ' X509 CERTIFICATE'), []],
    ['the trusted form', (pem) => openssl(['x509', '-trustout', '-addtrust', 'clientAuth'], pem), []],
    ['all line breaks lost', (pem) => pem.replaceAll('\n', ''), ['LineBreaksLost']],
    ['line breaks of old Macs', (pem) => pem.replaceAll('\n', '\r'), ['LineBreaksLost']],
    ['line breaks as spaces', (pem) => pem.replaceAll('\n', ' '), ['LineBreaksLost']],
    ['line breaks written out', (pem) => pem.replaceAll('\n', '\\n'), ['LineBreaksLost']],
    ['BEGIN joined with its body', (pem) => pem.replace(`${BEGIN}\n`, BEGIN), ['LineBreaksLost']],
    ['END joined with its body', (pem) => pem.replace(`\n${END}`, END), ['LineBreaksLost']],
    ['an indented BEGIN', (pem) => ` ${pem}`, ['GluedPem']],
    ['text behind END', (pem) => `${pem.trimEnd()} # old\n`, ['GluedPem']],
    ['a byte order mark behind text', (pem) => octets(`# x\n\u00ef\u00bb\u00bf${pem}`), ['GluedPem']],
    ['an empty line within', (pem) => pem.replace(/\n(.*)\n/, '\n$1\n\n'), ['Broken emptyLine']],
    ['an empty line before END', (pem) => pem.replace(END, `\n${END}`), ['Broken emptyLine']],
    ['UTF-16 LE with a mark', (pem) => utf16(pem.replaceAll('\n', '\r\n'), true, false), ['Utf16Text']],
    ['UTF-16 BE with a mark', (pem) => utf16(pem, true, true), ['Utf16Text']],
    ['UTF-16 LE', (pem) => utf16(pem, false, false), ['Utf16Text']],
    ['UTF-16 BE', (pem) => utf16(pem, false, true), ['Utf16Text']],
    ['the JSON of the aws CLI', (pem) => JSON.stringify({ id: 'x', pem: aws(pem) }, null, 4), ['JsonText']],
    ['a JSON string', (pem) => `${JSON.stringify(aws(pem))}\n`, ['JsonText']],
    ['a JSON list', (pem) => JSON.stringify({ items: [{ pem: aws(pem) }] }), ['JsonText']],
    ['JSON in UTF-16', (pem) => utf16(JSON.stringify({ pem }), true, false), ['Utf16Text', 'JsonText']],
  ])('%s', (_form, encode, expected) => {
    const text = encode(first);
    const bytes = typeof text === 'string' ? octets(text) : text;
    expect(codes(bytes)).toEqual(expected);
    expect(readBundle(bytes).certificates.map(({ certificate }) => certificate.pem)).toEqual([first]);
    expect(opensslReads(bytes)).toEqual(expected.length === 0 ? [sha(firstDer)] : []);
    expect(isPemText(bytes)).toBe(true);
    // As a service that decodes UTF-8 hands it on.
    const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    expect(readPemText(decoded)).toEqual(readPemText(bytes));
  });

  /** As AWS sends it: CRLF, no newline at the end. */
  const aws = (pem: string): string => pem.trimEnd().replaceAll('\n', '\r\n');
});

test.each<[string, () => string, string[]]>([
  [
    'base64 cut short',
    () => [BEGIN, ...body(first).slice(0, -1), 'abc', END, ''].join('\n'),
    ['Broken base64'],
  ],
  ['padding lost', () => `${BEGIN}\nAA\n${END}\n`, ['Broken base64']],
  ['a letter that is none', () => first.replace('MII', 'MI!'), ['Broken base64']],
  ['a header', () => first.replace('\n', '\nProc-Type: 4,ENCRYPTED\n\n'), ['Broken base64']],
  ['no END', () => first.replace(END, ''), ['Broken marker']],
  ['BEGIN twice', () => `${BEGIN}\n${first}`, ['Broken marker']],
  [
    'another block that is damaged',
    () => `-----BEGIN X-----\n!\n-----END X-----\n`,
    ['NotACertificate', 'Broken base64'],
  ],
])('%s makes OpenSSL refuse the whole file', (_what, spoilt, expected) => {
  expect(codes(spoilt() + second)).toEqual(expected);
  expect(opensslReads(octets(spoilt() + second))).toEqual([]);
});

test('octets behind a certificate are named: Node.js refuses them', () => {
  const text = `${BEGIN}\n${Buffer.concat([firstDer, octets('xyz')]).toString('base64')}\n${END}\n`;
  expect(readBundle(octets(text)).findings).toEqual([{ code: 'BrokenPem', line: 1, problem: 'certificate' }]);
  expect(() => new X509Certificate(text)).toThrow();
});

test('the lines of a JSON document are those of its certificates', () => {
  const text = JSON.stringify(
    {
      items: [
        { id: 'a', pem: first },
        { id: 'b', pem: second + first },
      ],
    },
    null,
    2,
  );
  const at = text.split('\n').flatMap((line, index) => (line.includes('-----BEGIN ') ? [index + 1] : []));
  expect(readPemText(text).certificates.map(({ line }) => line)).toEqual([at[0], at[1], at[1]]);
});

/** One way of writing a certificate into a file; some of them are understood by nobody. */
const piece = fc.record({
  which: fc.constantFrom(0, 1),
  before: fc.constantFrom('', '', '', ' ', '# note\n', '\n', '\u00ef\u00bb\u00bf', 'x: '),
  afterBegin: fc.constantFrom('\n', '\n', '\n', ' \t\n', '\r\n', '', '\n\n', ' '),
  width: fc.constantFrom(64, 64, 64, 76, 40, 1, 5_000),
  lineEnd: fc.constantFrom('\n', '\n', '\r\n', ' \n', '\n\n', '\r', ' '),
  indent: fc.constantFrom('', '', '', ' ', '\t'),
  spoil: fc.constantFrom('', '', '', '', '!', '=', '-', 'A', '\v'),
  end: fc.constantFrom('\n', '\n', '\n', '\r\n', '', ' ', ' x\n', '\n\n\n', '\nnote\n'),
  label: fc.constantFrom('CERTIFICATE', 'CERTIFICATE', 'CERTIFICATE', 'X509 CERTIFICATE', 'FOO'),
});

/** What every reader understands: drawn as often as the others, so that every run has files without a finding. */
const plainPiece = fc.record({
  which: fc.constantFrom(0, 1),
  before: fc.constantFrom('', '# note\n', '\n'),
  afterBegin: fc.constant('\n'),
  width: fc.constantFrom(64, 76, 40),
  lineEnd: fc.constantFrom('\n', '\r\n'),
  indent: fc.constant(''),
  spoil: fc.constant(''),
  end: fc.constantFrom('\n', '\r\n', '\n\n\n', '\nnote\n'),
  label: fc.constantFrom('CERTIFICATE', 'X509 CERTIFICATE'),
});
const file = fc.oneof(
  fc.array(piece, { minLength: 1, maxLength: 3 }),
  fc.array(plainPiece, { minLength: 1, maxLength: 3 }),
);

test('whatever a file looks like: without a finding, OpenSSL reads the same certificates', () => {
  let clean = 0;
  fc.assert(
    fc.property(file, (pieces) => {
      const text = pieces
        .map(({ which, before, afterBegin, width, lineEnd, indent, spoil, end, label }) => {
          const base64 = body(which === 0 ? first : second).join('');
          const lines = (base64.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).map((line) => indent + line);
          const content = lines.join(lineEnd);
          const at = Math.floor(content.length / 2);
          const spoilt = content.slice(0, at) + spoil + content.slice(at);
          return `${before}-----BEGIN ${label}-----${afterBegin}${spoilt}${lineEnd}-----END ${label}-----${end}`;
        })
        .join('');
      const bytes = octets(text);
      const { findings, certificates } = readPemText(bytes);
      const openssl = opensslReads(bytes);
      const serious = findings.filter(({ code }) => code !== 'NotACertificate');
      if (serious.length === 0) {
        clean++;
        expect(openssl).toEqual(certificates.map((block) => sha(block.octets)));
      } else if (
        pieces.every(({ label, lineEnd }) => label.endsWith('CERTIFICATE') && lineEnd.includes('\n'))
      ) {
        // What OpenSSL reads whole is not called broken. (It reads long lines in pieces of 254 characters, so that an
        // END within a line is found where one happens to begin a piece: nothing to rely on.)
        expect(openssl.length).toBeLessThan(pieces.length);
      }
    }),
    { numRuns: 150 },
  );
  expect(clean).toBeGreaterThan(30);
});

test('never throws, and is linear, whatever the text', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(BEGIN, END, '\n', '\0', '{"'))),
      (parts) => {
        readPemText(parts.join(''));
      },
    ),
  );
  const started = process.cpuUsage();
  readPemText(`${BEGIN}${' '.repeat(5_000_000)}x${END}`.repeat(2));
  expect(process.cpuUsage(started).user).toBeLessThan(5_000_000);
});
