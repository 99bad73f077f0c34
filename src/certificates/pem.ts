/**
 * The one reader of PEM (RFC 7468), for the command line, the trust stores and `apigw-cert/node`. It reads what a person
 * means, so that it can be shown, and reports where OpenSSL would not read the same: measured with OpenSSL 3.0, which
 * nginx, HAProxy, Apache, Python and Node.js read PEM with.
 */

/** A PEM block whose base64 could be decoded. */
export interface PemBlock {
  /** `CERTIFICATE`, `X509 CERTIFICATE`, `TRUSTED CERTIFICATE`, `PRIVATE KEY`… */
  label: string;
  /** The line of its BEGIN, from 1. */
  line: number;
  /** What its base64 stands for; of a TRUSTED CERTIFICATE, more than the certificate. */
  octets: Uint8Array;
}

/**
 * A root and the name by which certificates of it are accepted. Its block has a label of its own, so that whoever reads PEM
 * and would not compare the name does not take the root for one to trust; and lines `Name: value` before the base64.
 */
export interface PemAuthority extends PemBlock {
  /** In the order of the block. */
  headers: readonly { name: string; value: string }[];
}

/** The label of a block with a root and a name. */
export const AUTHORITY_LABEL = 'APIGW CLIENT CA';

/** What is odd about a text of PEM; `line` counts from 1. All of them but PrivateKey make OpenSSL refuse or skip something. */
export type PemFinding =
  /**
   * A marker that shares its line with other text, most often `-----END CERTIFICATE----------BEGIN CERTIFICATE-----`:
   * nginx refuses such a file, Node.js loses a certificate without a word.
   */
  | { code: 'GluedPem'; line: number }
  /** A block whose line breaks are lost, so that its base64 is on the line of its BEGIN or END. */
  | { code: 'LineBreaksLost'; line: number }
  /** UTF-16, as Windows PowerShell's `>` writes it. */
  | { code: 'Utf16Text'; line: number }
  /** A JSON document that holds PEM as strings, as the aws command line prints it. */
  | { code: 'JsonText'; line: number }
  /** A private key. Its content is not looked at. */
  | { code: 'PrivateKey'; line: number }
  /** A PEM block of another kind: `CERTIFICATE REQUEST`, `X509 CRL`. */
  | { code: 'NotACertificate'; line: number; label: string }
  /**
   * A block that cannot be read: `marker` without its BEGIN or END, `base64` with the line where it breaks, `emptyLine`
   * with an empty line within, `header` of a root without a line that names whom it is trusted for.
   */
  | { code: 'BrokenPem'; line: number; problem: 'marker' | 'base64' | 'emptyLine' | 'header' };

export interface PemText {
  /** Blocks of certificates, in the order of the text. */
  certificates: readonly PemBlock[];
  /** Roots with a name, in the order of the text. */
  authorities: readonly PemAuthority[];
  findings: readonly PemFinding[];
}

/** Without its last dashes a marker is damaged, and OpenSSL skips it, with its certificate, without a word. */
const MARKER = /-----(BEGIN|END) ([^\r\n-]*)(-----)?/g;

/** `X509` is OpenSSL's old name; `TRUSTED` appends OpenSSL's own trust settings to the certificate. */
const CERTIFICATE_LABEL = /^(?:X509 |TRUSTED )?CERTIFICATE$/;

/** The byte order mark of UTF-8, read as Latin-1, and decoded. */
const UTF8_MARK = /^(?:\u00ef\u00bb\u00bf|\ufeff)/;

function countBreaks(text: string, from: number, to: number): number {
  let breaks = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) breaks++;
  return breaks;
}

/**
 * UTF-16 as text again, or `undefined` for anything else. Recognised by its byte order mark, or by what a marker, a JSON
 * document or a DER-free text begins with: every second octet is zero.
 */
function decodeUtf16(text: string): string | undefined {
  const unmarked = text.replace(/^(?:\u00ff\u00fe|\u00fe\u00ff|\ufffd\ufffd|\ufeff)/, '');
  const isMarked = /^(?:\u00ff\u00fe|\u00fe\u00ff)/.test(text);
  const littleEndian = /^(?:[^\0]\0){2}/.test(unmarked);
  const bigEndian = /^(?:\0[^\0]){2}/.test(unmarked);
  if (!littleEndian && !bigEndian && !isMarked) return undefined;
  const octets = Buffer.from(unmarked, 'latin1').subarray(0, unmarked.length & ~1);
  const isBig = bigEndian || (!littleEndian && text.startsWith('\u00fe'));
  return (isBig ? octets.swap16() : octets).toString('utf16le');
}

/** Every string of a JSON document that holds PEM, or `undefined` for what is no JSON with such strings. */
function jsonStrings(text: string): string[] | undefined {
  const trimmed = text.replace(UTF8_MARK, '').trim();
  if (!/^[[{"]/.test(trimmed)) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(trimmed);
  } catch {
    return undefined;
  }
  const found: string[] = [];
  const rest: unknown[] = [document];
  while (rest.length > 0) {
    const value = rest.shift();
    if (typeof value === 'string') {
      if (value.includes('-----BEGIN ')) found.push(value);
    } else if (typeof value === 'object' && value !== null) rest.push(...(Object.values(value) as unknown[]));
  }
  return found.length === 0 ? undefined : found;
}

/** A block between its markers, not decoded yet. */
interface RawBlock {
  label: string;
  line: number;
  body: string;
}

/** Splits text at its PEM markers, in one pass. */
function split(text: string): { blocks: RawBlock[]; findings: PemFinding[] } {
  const blocks: RawBlock[] = [];
  const findings: PemFinding[] = [];
  let open: { label: string; line: number; start: number; isGlued: boolean } | undefined;
  /** After a damaged BEGIN, whose END has been reported with it. */
  let isOrphan = false;
  let line = 1;
  let counted = 0;
  /** Where the line after the last END begins, which may begin with a byte order mark like the text itself. */
  let afterEnd = 0;
  for (const match of text.matchAll(MARKER)) {
    const [marker, kind, label = '', dashes] = match;
    const { index } = match;
    const end = index + marker.length;
    line += countBreaks(text, counted, index);
    counted = index;
    if (dashes === undefined) {
      findings.push({ code: 'BrokenPem', line: open?.line ?? line, problem: 'marker' });
      open = undefined;
      isOrphan = kind === 'BEGIN';
      continue;
    }
    const isMarked = index > afterEnd && index - afterEnd <= 3 && UTF8_MARK.test(text.slice(afterEnd, index));
    const beginsLine = index === 0 || text[index - 1] === '\n' || isMarked;
    const endsLine = endsItsLine(text, end);
    if (kind === 'BEGIN') {
      if (open) findings.push({ code: 'BrokenPem', line: open.line, problem: 'marker' });
      open = { label, line, start: end, isGlued: !beginsLine };
      isOrphan = false;
      continue;
    }
    if (open?.label !== label) {
      if (!isOrphan) findings.push({ code: 'BrokenPem', line: open?.line ?? line, problem: 'marker' });
    } else {
      const body = text.slice(open.start, index);
      if (!beginsLine || !endsItsLine(text, open.start)) {
        findings.push({ code: 'LineBreaksLost', line: open.line });
      }
      if (open.isGlued && body.includes('\n')) findings.push({ code: 'GluedPem', line: open.line });
      // What is glued behind it is reported where that begins.
      if (!endsLine && body.includes('\n') && !text.startsWith('-----BEGIN ', end))
        findings.push({ code: 'GluedPem', line });
      blocks.push({ label, line: open.line, body });
    }
    open = undefined;
    isOrphan = false;
    const lineEnd = text.indexOf('\n', end);
    afterEnd = lineEnd === -1 ? text.length : lineEnd + 1;
  }
  if (open) findings.push({ code: 'BrokenPem', line: open.line, problem: 'marker' });
  return { blocks, findings };
}

/** Whether nothing but white space follows up to the end of the line. */
function endsItsLine(text: string, from: number): boolean {
  for (let at = from; at < text.length && text[at] !== '\n'; at++) {
    if (text.charCodeAt(at) > 0x20) return false;
  }
  return true;
}

/** A line without the white space and control characters at its end, which OpenSSL ignores. */
function trimmed(line: string): string {
  let end = line.length;
  while (end > 0 && line.charCodeAt(end - 1) <= 0x20) end--;
  return line.slice(0, end);
}

/** The octets of a block's body, or the finding of the line where its base64 breaks. */
function decode(lines: readonly string[], line: number): Uint8Array | PemFinding {
  const broken = (at: number): PemFinding => ({ code: 'BrokenPem', line: line + at, problem: 'base64' });
  const base64 = lines.map((text) => text.replace(/[\t\r ]/g, ''));
  const at = base64.findIndex((text) => !/^[A-Za-z0-9+/]*={0,2}$/.test(text));
  if (at !== -1) return broken(at);
  const all = base64.join('');
  return all.length % 4 === 0 && !/=[^=]/.test(all) ? Buffer.from(all, 'base64') : broken(0);
}

/** OpenSSL takes what stands before an empty line for a header, and wants lines of 64 characters after one. */
function hasEmptyLine([joined, ...lines]: readonly string[]): boolean {
  const within = lines.slice(0, -1);
  if (joined !== '' || !within.includes('')) return false;
  const [first, ...content] = within;
  return (
    first !== '' ||
    content.some((text, index) => text.length > 64 || (text.length < 64 && index < content.length - 1))
  );
}

/** A block with lines `Name: value`, an empty line, and base64; or the finding of where it is none. */
function authorityIn({ label, line, body }: RawBlock): PemAuthority | PemFinding {
  const [, ...lines] = body.split('\n').map(trimmed);
  const end = lines.indexOf('');
  const headers = lines.slice(0, Math.max(end, 0)).map((text) => /^([A-Za-z]+): (\S.*)$/.exec(text));
  const broken = headers.findIndex((header) => header === null);
  if (end < 1 || broken !== -1) {
    return { code: 'BrokenPem', line: line + 1 + Math.max(broken, 0), problem: 'header' };
  }
  const octets = decode(lines.slice(end), line + 1 + end);
  if (!(octets instanceof Uint8Array)) return octets;
  return {
    label,
    line,
    octets,
    headers: headers.map((header) => ({ name: header?.[1] ?? '', value: header?.[2] ?? '' })),
  };
}

function parse(text: string): PemText {
  const { blocks, findings } = split(text);
  const certificates: PemBlock[] = [];
  const authorities: PemAuthority[] = [];
  for (const block of blocks) {
    const { label, line, body } = block;
    if (label === AUTHORITY_LABEL) {
      const found = authorityIn(block);
      if ('octets' in found) authorities.push(found);
      else findings.push(found);
      continue;
    }
    if (label.endsWith('PRIVATE KEY')) {
      findings.push({ code: 'PrivateKey', line });
      continue;
    }
    // Line breaks may be written out, as environment variables have them.
    const lines = body
      .replace(/\\[rn]/g, ' ')
      .split('\n')
      .map(trimmed);
    const octets = decode(lines, line);
    const isCertificate = CERTIFICATE_LABEL.test(label);
    if (!isCertificate) findings.push({ code: 'NotACertificate', line, label });
    if (!(octets instanceof Uint8Array)) findings.push(octets);
    else {
      if (hasEmptyLine(lines)) findings.push({ code: 'BrokenPem', line, problem: 'emptyLine' });
      if (isCertificate) certificates.push({ label, line, octets });
    }
  }
  return { certificates, authorities, findings };
}

/** Reads the strings of a JSON document, each with the line of the document where it begins. */
function parseStrings(text: string, strings: readonly string[]): PemText {
  const certificates: PemBlock[] = [];
  const authorities: PemAuthority[] = [];
  const findings: PemFinding[] = [{ code: 'JsonText', line: 1 }];
  let at = 0;
  let line = 1;
  for (const string of strings) {
    const begin = text.indexOf('-----BEGIN ', at);
    line += countBreaks(text, at, begin);
    at = begin;
    const found = parse(string);
    certificates.push(...found.certificates.map((block) => ({ ...block, line })));
    authorities.push(...found.authorities.map((block) => ({ ...block, line })));
    findings.push(...found.findings.map((finding) => ({ ...finding, line })));
    // Past the other blocks of this string.
    for (let count = string.split('-----BEGIN ').length - 1; count > 0; count--) {
      const next = text.indexOf('-----BEGIN ', at);
      if (next === -1) break;
      line += countBreaks(text, at, next);
      at = next + 1;
    }
  }
  return { certificates, authorities, findings };
}

/**
 * Reads PEM among any other text: LF or CRLF, with a byte order mark, any number of blocks; also with its line breaks
 * lost, in UTF-16, or within the JSON of the aws command line. It does not throw because of what the text is.
 * @param input octets, or the text of them in Latin-1 (or decoded already, where a service did that)
 */
export function readPemText(input: Uint8Array | string): PemText {
  const raw = typeof input === 'string' ? input : Buffer.from(input).toString('latin1');
  const decoded = decodeUtf16(raw);
  const text = decoded ?? raw;
  const strings = jsonStrings(text);
  const found = strings === undefined ? parse(text) : parseStrings(text, strings);
  return decoded === undefined
    ? found
    : { ...found, findings: [{ code: 'Utf16Text', line: 1 }, ...found.findings] };
}

/** Whether a text is PEM, or meant to be: it has a marker, in whatever encoding. */
export function isPemText(input: Uint8Array | string): boolean {
  const { certificates, authorities, findings } = readPemText(input);
  return certificates.length > 0 || authorities.length > 0 || findings.length > 0;
}
