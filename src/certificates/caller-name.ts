/**
 * The name by which a certificate of a CA is told from the others of that CA: its subject, a subject alternative name,
 * or both. Names are compared as whole text in one canonical form, the one in which OpenSSL prints them
 * (`-nameopt RFC2253`), since that is what nginx, HAProxy and Apache compare.
 */
import { alternativeNames, subjectAttributes } from './der.js';

/** What a caller's certificate must say, in canonical form; at least one of the two, and all that are there. */
export interface CallerName {
  /** The whole subject, RFC 4514, most specific first: `CN=orders-gateway,O=Example\, Inc.,C=US`. */
  subject?: string;
  /** One of its subject alternative names: `DNS:gateway.example.com`, `URI:spiffe://example.com/gateway`. */
  san?: string;
}

/** The attribute types that a name may have, by their OID (content octets in hex), as OpenSSL 3.0 spells them. */
const TYPES: Readonly<Record<string, string>> = {
  '550403': 'CN',
  '550404': 'SN',
  '550405': 'serialNumber',
  '550406': 'C',
  '550407': 'L',
  '550408': 'ST',
  '550409': 'street',
  '55040a': 'O',
  '55040b': 'OU',
  '55040c': 'title',
  '550411': 'postalCode',
  '55042a': 'GN',
  '55042b': 'initials',
  '55042e': 'dnQualifier',
  '0992268993f22c640119': 'DC',
  '0992268993f22c640101': 'UID',
  '2a864886f70d010901': 'emailAddress',
};

const spellings = new Map(Object.values(TYPES).map((type) => [type.toLowerCase(), type]));

/** No certificate has a longer name that makes sense, in characters. */
const LONGEST = 1000;

/** What one octet of a value becomes; where it stands decides about `#` and spaces (RFC 2253 section 2.4). */
function escaped(octet: number, isFirst: boolean, isLast: boolean): string {
  const character = String.fromCharCode(octet);
  if (octet < 0x20 || octet > 0x7e) return `\\${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  const isSpecial =
    ',+"\\<>;'.includes(character) ||
    (character === '#' && isFirst) ||
    (character === ' ' && (isFirst || isLast));
  return isSpecial ? `\\${character}` : character;
}

function valueText(value: string): string {
  const octets = Buffer.from(value, 'utf8');
  return [...octets].map((octet, at) => escaped(octet, at === 0, at === octets.length - 1)).join('');
}

/** The text of a DirectoryString (RFC 5280 section 4.1.2.4), whatever type it has; nothing for what is no text. */
function decoded(tag: number, content: Uint8Array): string | undefined {
  const octets = Buffer.from(content);
  switch (tag) {
    case 0x0c:
      return octets.toString('utf8');
    case 0x12: // NumericString
    case 0x13: // PrintableString
    case 0x14: // T61String, which OpenSSL reads as Latin-1
    case 0x16: // IA5String
      return octets.toString('latin1');
    case 0x1e: {
      // BMPString, which has no surrogates
      const text = octets.length % 2 === 0 ? octets.swap16().toString('utf16le') : '\ud800';
      return /[\ud800-\udfff]/.test(text) ? undefined : text;
    }
    case 0x1c: {
      // UniversalString
      if (octets.length % 4 !== 0) return undefined;
      const points = Array.from({ length: octets.length / 4 }, (_, at) => octets.readUInt32BE(4 * at));
      return points.every((point) => point <= 0x10ffff) ? String.fromCodePoint(...points) : undefined;
    }
    default:
      return undefined;
  }
}

/**
 * The subject of a certificate in canonical form; nothing for one that is not compared: empty, too long, with an attribute
 * type that is not known here, with several attributes in one part, or with something other than plain text in it. Nothing is
 * equal to it.
 * @param der one certificate
 * @throws RangeError when it is not the DER of a certificate
 */
export function subjectOf(der: Uint8Array): string | undefined {
  const parts: string[] = [];
  for (const attributes of subjectAttributes(der)) {
    const [attribute] = attributes;
    if (attributes.length !== 1 || attribute === undefined) return undefined;
    const type = TYPES[attribute.type];
    const value = decoded(attribute.tag, attribute.content);
    if (type === undefined || value === undefined || !isPlain(value)) return undefined;
    parts.unshift(`${type}=${valueText(value)}`);
  }
  const text = parts.join(',');
  return text === '' || text.length > LONGEST ? undefined : text;
}

/**
 * Text that is the same to all who read it: no control or replacement characters, no unpaired surrogates, and not `#` alone,
 * which OpenSSL does not escape, although RFC 4514 section 2.4 requires it.
 */
const isPlain = (value: string): boolean =>
  value !== '' && value !== '#' && !/[\p{Cc}\p{Cs}\ufffd]/u.test(value);

/**
 * The subject alternative names of a certificate, of the sorts that can be compared: `DNS:…` and `URI:…`.
 * @param der one certificate
 * @throws RangeError when it is not the DER of a certificate
 */
export function sansOf(der: Uint8Array): string[] {
  const sorts: Readonly<Record<number, string>> = { 0x82: 'DNS', 0x86: 'URI' };
  return alternativeNames(der).flatMap(({ tag, content }) => {
    const sort = sorts[tag];
    return sort === undefined ? [] : `${sort}:${Buffer.from(content).toString('latin1')}`;
  });
}

/**
 * Whether a certificate says what it must. What cannot be read does not.
 * @param der one certificate
 */
export function hasName(der: Uint8Array, { subject, san }: CallerName): boolean {
  if (subject === undefined && san === undefined) return false;
  try {
    return (
      (subject === undefined || subjectOf(der) === subject) &&
      (san === undefined || sansOf(der).includes(san))
    );
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Cuts at each `,` before which there is not an odd number of backslashes. */
const split = (text: string): string[] => text.split(/(?<=(?<!\\)(?:\\\\)*),/);

/** The value of an attribute without its escapes (RFC 4514 section 2.4). @throws RangeError */
function unescaped(text: string): string {
  if (/(?:^|[^\\])(?:\\\\)*[+]/.test(text)) {
    throw new RangeError('several attributes in one part (+) are not supported');
  }
  if (/^#|(?:^|[^\\])(?:\\\\)*["<>;]/.test(text)) {
    throw new RangeError(`"${text}" has a character that must be escaped with a backslash`);
  }
  const octets = text.replaceAll(
    /\\([0-9a-f]{2})|\\([ "#+,;<=>\\])|\\|[^\\]+/gi,
    (all, hex?: string, plain?: string) => {
      if (hex !== undefined) return hex.toLowerCase();
      if (plain !== undefined) return Buffer.from(plain).toString('hex');
      if (all === '\\') throw new RangeError('a backslash escapes nothing');
      return Buffer.from(all).toString('hex');
    },
  );
  return Buffer.from(octets, 'hex').toString('utf8');
}

function part(text: string): string {
  const [, word = '', raw = ''] = /^\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*([\s\S]*)$/.exec(text) ?? [];
  const type = spellings.get(word.toLowerCase());
  if (type === undefined) {
    throw new RangeError(
      word === ''
        ? `"${text.trim()}" is not TYPE=VALUE`
        : `the attribute type "${word}" is not one of ${[...spellings.values()].join(', ')}`,
    );
  }
  // A space at the end belongs to the value only where it is escaped.
  const value = unescaped(raw.replace(/(?<!\\)((?:\\\\)*)\s+$/, '$1'));
  if (!isPlain(value)) throw new RangeError(`the value of ${type} is empty, or not plain text`);
  return `${type}=${valueText(value)}`;
}

/**
 * Brings a subject as a person writes it into canonical form: `cn=gateway, O=Example` becomes `CN=gateway,O=Example`.
 * @throws RangeError which says what is wrong with it
 */
export function canonicalSubject(text: string): string {
  if (text.length > LONGEST) throw new RangeError(`it is longer than ${LONGEST} characters`);
  if (text.trim() === '') throw new RangeError('it is empty');
  const canonical = split(text).map(part).join(',');
  if (canonical.length > LONGEST) throw new RangeError(`it is longer than ${LONGEST} characters`);
  return withoutMarkers(canonical);
}

/**
 * Checks a subject alternative name: `DNS:` or `URI:`, and the name exactly as the certificate has it.
 * @throws RangeError which says what is wrong with it
 */
export function canonicalSan(text: string): string {
  const [, sort = '', name = ''] = /^(dns|uri):([\x21-\x7e]+)$/i.exec(text) ?? [];
  if (sort === '' || text.length > LONGEST) {
    throw new RangeError('it is not DNS:NAME or URI:NAME in printable ASCII without spaces');
  }
  if (sort.toUpperCase() === 'DNS' && !/^[\w.-]+$/.test(name)) {
    throw new RangeError('it is not a host name; a name with a * is not compared');
  }
  if (sort.toUpperCase() === 'URI' && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(name)) {
    throw new RangeError('it is not a URI');
  }
  return withoutMarkers(`${sort.toUpperCase()}:${name}`);
}

/** Names are written into PEM files. */
function withoutMarkers(name: string): string {
  if (name.includes('-----'))
    throw new RangeError('it contains five hyphens in a row, which a PEM file cannot hold');
  return name;
}

/**
 * Brings a name into canonical form.
 * @throws RangeError which says what is wrong with it
 */
export function canonicalName({ subject, san }: CallerName): CallerName {
  if (subject === undefined && san === undefined) throw new RangeError('it has neither a subject nor a SAN');
  return {
    ...(subject === undefined ? {} : { subject: canonicalSubject(subject) }),
    ...(san === undefined ? {} : { san: canonicalSan(san) }),
  };
}

/**
 * The name that the lines before the base64 of a root say, in canonical form.
 * @throws RangeError for lines that are not known, are there twice, or say nothing that can be compared
 */
export function nameIn(headers: readonly { name: string; value: string }[]): CallerName {
  const values = new Map(headers.map(({ name, value }) => [name.toLowerCase(), value]));
  const [subject, san] = [values.get('subject'), values.get('san')];
  const known = [subject, san].filter((value) => value !== undefined).length;
  if (known !== headers.length) throw new RangeError('it has something other than one Subject and one SAN');
  return canonicalName({
    ...(subject === undefined ? {} : { subject }),
    ...(san === undefined ? {} : { san }),
  });
}

/** A name on one line: `subject CN=gateway,O=Example`, `san DNS:gateway.example.com`, or both. */
export function nameText({ subject, san }: CallerName): string {
  return [subject && `subject ${subject}`, san && `san ${san}`]
    .filter((word) => word !== undefined)
    .join(' ');
}
