/** What every notation of trusted certificates keeps to, whatever stands in the text. */
import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { TrustedCertificate } from '../../src/certificates/certificate.js';
import { fingerprints, type TrustFormat } from '../../src/trust/format.js';
import { trustKind } from '../../src/trust/kinds/index.js';
import { pemFormat } from '../../src/trust/pem-format.js';
import { manyLike, mintIdentity } from '../support/certificates.js';

const formatOf = (kind: string): TrustFormat => {
  const format = trustKind(kind)?.format;
  if (!format) throw new Error(`${kind} has no format`);
  return format;
};

const FORMATS = {
  pem: pemFormat,
  apache: formatOf('apache'),
  caddy: formatOf('caddy'),
  envoy: formatOf('envoy'),
  haproxy: formatOf('haproxy'),
  nginx: formatOf('nginx'),
  traefik: formatOf('traefik'),
} satisfies Record<string, TrustFormat>;
type Kind = keyof typeof FORMATS;
const KINDS = Object.keys(FORMATS) as Kind[];
/** Those that are lists: their entries may stand between lines of somebody else. */
const LISTS = ['caddy', 'haproxy', 'nginx'] as const;

const END = '# apigw-cert end\n';
const joined = (format: TrustFormat, text: string): string =>
  format
    .parse(text)
    .map((segment) => segment.text)
    .join('');
const without = (format: TrustFormat, text: string, { fingerprintSha256 }: TrustedCertificate): string =>
  format
    .parse(text)
    .filter(({ fingerprint }) => fingerprint !== fingerprintSha256)
    .map((segment) => segment.text)
    .join('');
const prints = (certificates: readonly TrustedCertificate[]): string[] =>
  certificates.map(({ fingerprintSha256 }) => fingerprintSha256);

let certificates: TrustedCertificate[];
let one: TrustedCertificate;
let two: TrustedCertificate;
let three: TrustedCertificate;
beforeAll(async () => {
  const { certificate } = await mintIdentity('a1b2c3');
  certificates = manyLike(certificate, 6);
  [one, two, three] = certificates as [TrustedCertificate, TrustedCertificate, TrustedCertificate];
});

/** The entry alone as it is written, without the block around it. */
function entry(kind: Kind, certificate: TrustedCertificate): string {
  const format = FORMATS[kind];
  const segment = format
    .parse(format.insert('', certificate))
    .find(({ fingerprint }) => fingerprint === certificate.fingerprintSha256);
  if (!segment) throw new Error('it has no entry');
  return segment.text;
}

describe.each(KINDS)('%s', (kind) => {
  const format = FORMATS[kind];

  test('adding and removing in any order leaves what is left, and the rest octet for octet', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 5 })), { maxLength: 12 }),
        fc.constantFrom<string[]>('', '# mine\n', '# mine \xfc', '\n\n'),
        (changes, foreign) => {
          // In a document with one root nothing of somebody else can stand.
          const start = (kind === 'envoy' || kind === 'traefik') && foreign.trim() !== '' ? '' : foreign;
          const held: TrustedCertificate[] = [];
          let text = start;
          for (const [adds, index] of changes) {
            const certificate = certificates[index] ?? one;
            if (held.includes(certificate)) {
              if (adds || held.length === 1) continue;
              text = without(format, text, certificate);
              held.splice(held.indexOf(certificate), 1);
            } else if (adds) {
              text = format.insert(text, certificate);
              held.push(certificate);
            }
            expect(joined(format, text)).toBe(text);
            expect(fingerprints(format, text)).toEqual(prints(held));
            expect(text.startsWith(start)).toBe(true);
          }
        },
      ),
    );
  });

  test('the first line of a new list is not empty', () => {
    expect(format.insert('', one)).toMatch(/^\S/);
  });

  test('what is added and removed again leaves nothing of itself', () => {
    const text = format.insert('', one);
    expect(without(format, format.insert(text, two), two)).toBe(text);
  });

  test('a certificate that is there twice is one, and both entries go', () => {
    const text = format.insert(format.insert(format.insert('', one), one), two);
    expect(fingerprints(format, text)).toEqual(prints([one, two]));
    expect(fingerprints(format, without(format, text, one))).toEqual(prints([two]));
  });
});

describe.each(LISTS)('%s as a list that somebody else has written', (kind) => {
  const format = FORMATS[kind];
  const line = (certificate: TrustedCertificate): string => entry(kind, certificate).split('\n')[1] ?? '';

  test('a new entry comes right behind the last one, wherever that is', () => {
    const [first, last] = [line(one), line(two)];
    expect(format.insert(`# a\n${first}\n# b\n${last}\n# c\n`, three)).toBe(
      `# a\n${first}\n# b\n${last}\n${entry(kind, three)}# c\n`,
    );
  });

  test('and on a line of its own, where the last has no end of line', () => {
    expect(format.insert(line(one), three)).toBe(`${line(one)}\n${entry(kind, three)}`);
  });

  test('a new entry comes last in the block that is ours, where there is one', () => {
    const block = format.insert('', one);
    expect(block.endsWith(END)).toBe(true);
    const body = block.slice(0, -END.length);
    expect(format.insert(`${line(two)}\n${block}${line(certificates[4] ?? one)}\n`, three)).toBe(
      `${line(two)}\n${body}${entry(kind, three)}${END}${line(certificates[4] ?? one)}\n`,
    );
  });

  test('the last of several blocks is ours; what only looks like its end is not', () => {
    const block = format.insert('', one);
    const twice = format.insert(`${block}${block}`, three);
    expect(twice).toBe(`${block}${block.slice(0, -END.length)}${entry(kind, three)}${END}`);
    const lookalike = `${line(one)}\n#  not ${END}`;
    expect(format.insert(lookalike, three)).toBe(`${line(one)}\n${entry(kind, three)}#  not ${END}`);
  });

  test('a comment of ours goes with its entry alone', () => {
    const text = `# apigw-cert x, valid a to b\n\n${line(one)}\n# apigw-cert y\n${line(two)}\n`;
    expect(without(format, text, two)).toBe(`# apigw-cert x, valid a to b\n\n${line(one)}\n`);
    expect(without(format, text, one)).toBe(`# apigw-cert x, valid a to b\n\n# apigw-cert y\n${line(two)}\n`);
  });

  test('a comment that has ours at its end is somebody else’s', () => {
    const theirs = '# seen: # apigw-cert y\n';
    const text = `${line(one)}\n${theirs}${line(two)}\n`;
    expect(without(format, text, two)).toBe(`${line(one)}\n${theirs}`);
  });

  test.each(['PRIVATE KEY', 'RSA PRIVATE KEY'])('a %s is refused wherever it stands', (label) => {
    expect(() => format.parse(`${line(one)}\n # -----BEGIN ${label}-----\n`)).toThrow(
      expect.objectContaining({
        code: 'TrustStoreUnreadable',
        message: 'it holds a private key, which has no place here',
      }),
    );
  });

  test('a list in PEM is another kind of file', () => {
    for (const text of [one.pem, `# a\n${one.pem}`]) {
      expect(() => format.parse(text)).toThrow(expect.objectContaining({ code: 'TrustStoreUnreadable' }));
    }
  });
});

describe('pem', () => {
  const der = ({ pem }: TrustedCertificate): string => new X509Certificate(pem).raw.toString('latin1');
  const unreadable = (message: string): unknown =>
    expect.objectContaining({ code: 'TrustStoreUnreadable', message: expect.stringContaining(message) });

  test('a certificate in DER is refused, and not taken for an empty list', () => {
    expect(() => pemFormat.parse(der(one))).toThrow(unreadable('not in PEM'));
  });

  test.each([
    ['a list of another kind', '0123 456;\n'],
    ['a page', '<html>\n'],
    ['words before a comment', 'x\n# y\n'],
  ])('%s is refused, and not taken for an empty list', (_what, text) => {
    expect(() => pemFormat.parse(text)).toThrow(unreadable('holds no certificate in PEM'));
  });

  test.each(['', '\n', '# nothing yet\n', '  \n\t# x\n'])('%j is an empty list', (text) => {
    expect(fingerprints(pemFormat, text)).toEqual([]);
  });

  test('each line of a file between others is kept, whatever ends it', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.constantFrom('# x\n', '\n', 'text\r\n', '# y, notAfter z\n'),
            fc.nat({ max: 5 }).map((index) => ({ index, ends: '\n' })),
            fc.nat({ max: 5 }).map((index) => ({ index, ends: '\r\n' })),
          ),
          { maxLength: 8 },
        ),
        (pieces) => {
          const held = pieces.flatMap((piece) =>
            typeof piece === 'string' ? [] : [certificates[piece.index] ?? one],
          );
          if (held.length === 0) return;
          const text = pieces
            .map((piece) =>
              typeof piece === 'string'
                ? piece
                : (certificates[piece.index] ?? one).pem.replaceAll('\n', piece.ends),
            )
            .join('');
          expect(joined(pemFormat, text)).toBe(text);
          expect(fingerprints(pemFormat, text).toSorted()).toEqual([...new Set(prints(held))].toSorted());
          const [gone = one] = held;
          const left = without(pemFormat, text, gone);
          // Alone, foreign text is no list.
          if (held.every((certificate) => certificate === gone)) return;
          expect(fingerprints(pemFormat, left)).not.toContain(gone.fingerprintSha256);
          expect(fingerprints(pemFormat, left).length).toBe(new Set(held).size - 1);
        },
      ),
    );
  });
});
