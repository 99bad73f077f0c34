/**
 * Just enough DER (X.690) to find the parts of a certificate that node:crypto does not hand out. A walk along the
 * structure rather than a search for the bytes of an OID, which a key, a signature or somebody's subject could
 * hold by chance or on purpose.
 */

/** A tag, and where its content begins and ends; `start` is where the tag itself is. */
interface Element {
  tag: number;
  start: number;
  content: number;
  end: number;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

function elementAt(der: Uint8Array, start: number, limit: number): Element {
  const octet = (at: number): number => {
    const value = at < limit ? der[at] : undefined;
    if (value === undefined) throw new RangeError(`DER ends within an element at ${start}`);
    return value;
  };
  const tag = octet(start);
  const first = octet(start + 1);
  let content = start + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets < 1 || octets > 4) throw new RangeError(`not a length of DER at ${start}`);
    length = 0;
    for (; content < start + 2 + octets; content++) length = length * 256 + octet(content);
  }
  const end = content + length;
  if (end > limit) throw new RangeError(`DER ends within an element at ${start}`);
  return { tag, start, content, end };
}

function childrenOf(der: Uint8Array, parent: Element): Element[] {
  const children: Element[] = [];
  for (let at = parent.content; at < parent.end; at = children.at(-1)?.end ?? parent.end) {
    children.push(elementAt(der, at, parent.end));
  }
  return children;
}

/** The only child of `parent` at `index`, which must have this tag. */
function childOf(der: Uint8Array, parent: Element, index: number, tag: number): Element {
  const child = childrenOf(der, parent)[index];
  if (child?.tag !== tag) throw new RangeError(`no element of tag ${tag} at ${parent.start}`);
  return child;
}

/**
 * The octets of the first element of `bytes`, without what follows it.
 * @throws RangeError when `bytes` does not begin with a whole SEQUENCE
 */
export function firstSequence(bytes: Uint8Array): Uint8Array {
  const element = elementAt(bytes, 0, bytes.length);
  if (element.tag !== SEQUENCE) throw new RangeError('not a SEQUENCE of DER');
  return bytes.subarray(0, element.end);
}

/** The fields of the TBSCertificate (RFC 5280 section 4.1), the version left out since it is optional. */
function tbsFields(der: Uint8Array): Element[] {
  const certificate = elementAt(der, 0, der.length);
  const tbs = childOf(der, certificate, 0, SEQUENCE);
  return childrenOf(der, tbs).filter(({ tag }) => tag !== VERSION);
}

/**
 * The DER of a certificate's SubjectPublicKeyInfo, which is what a pin is taken of.
 * @param der one certificate
 * @throws RangeError when it is not the DER of a certificate
 */
export function subjectPublicKeyInfo(der: Uint8Array): Uint8Array {
  // serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
  const spki = tbsFields(der)[5];
  if (spki?.tag !== SEQUENCE) throw new RangeError('no subjectPublicKeyInfo in the DER');
  return der.subarray(spki.start, spki.end);
}

/**
 * The DER of a certificate's subject.
 * @param der one certificate
 * @throws RangeError when it is not the DER of a certificate
 */
export function subjectName(der: Uint8Array): Uint8Array {
  const subject = tbsFields(der)[4];
  if (subject?.tag !== SEQUENCE) throw new RangeError('no subject in the DER');
  return der.subarray(subject.start, subject.end);
}

/** One attribute of a name: its type by the content octets of the OID in hex, and its value with its tag. */
export interface NameAttribute {
  type: string;
  tag: number;
  content: Uint8Array;
}

/**
 * The parts of a certificate's subject in its own order, each with its attributes: one, or several in a multi-valued part.
 * @param der one certificate
 * @throws RangeError when it is not the DER of a certificate
 */
export function subjectAttributes(der: Uint8Array): NameAttribute[][] {
  const name = subjectName(der);
  return childrenOf(name, elementAt(name, 0, name.length)).map((part) => {
    if (part.tag !== SET) throw new RangeError('a part of the subject is no SET');
    return childrenOf(name, part).map((attribute) => {
      const [type, value, ...more] = childrenOf(name, attribute);
      if (type?.tag !== OBJECT_IDENTIFIER || value === undefined || more.length > 0) {
        throw new RangeError('an attribute of the subject is not a type and a value');
      }
      return {
        type: Buffer.from(name.subarray(type.content, type.end)).toString('hex'),
        tag: value.tag,
        content: name.subarray(value.content, value.end),
      };
    });
  });
}

/** The content octets of the OID 2.5.29.17 (subjectAltName), in hex. */
const SUBJECT_ALTERNATIVE_NAME = '551d11';

/**
 * The subject alternative names of a certificate (GeneralName, RFC 5280 section 4.2.1.6), each with its tag.
 * @param der one certificate
 * @throws RangeError when it is not the DER of a certificate
 */
export function alternativeNames(der: Uint8Array): { tag: number; content: Uint8Array }[] {
  const value = extensionValue(der, SUBJECT_ALTERNATIVE_NAME);
  if (value === undefined) return [];
  const names = elementAt(value, 0, value.length);
  if (names.tag !== SEQUENCE) throw new RangeError('the subject alternative names are no SEQUENCE');
  return childrenOf(value, names).map(({ tag, content, end }) => ({
    tag,
    content: value.subarray(content, end),
  }));
}

/**
 * The content of an extension (RFC 5280 section 4.2): what its OCTET STRING holds, or nothing where a certificate does not
 * have it.
 * @param der one certificate
 * @param oid the content octets of its OID, in hex
 * @throws RangeError when it is not the DER of a certificate
 */
export function extensionValue(der: Uint8Array, oid: string): Uint8Array | undefined {
  const field = tbsFields(der).find(({ tag }) => tag === EXTENSIONS);
  if (!field) return undefined;
  for (const extension of childrenOf(der, childOf(der, field, 0, SEQUENCE))) {
    const id = childOf(der, extension, 0, OBJECT_IDENTIFIER);
    if (Buffer.from(der.subarray(id.content, id.end)).toString('hex') !== oid) continue;
    const value = childrenOf(der, extension).find(({ tag }) => tag === OCTET_STRING);
    return value && der.subarray(value.content, value.end);
  }
  return undefined;
}

/** The content octets of the OIDs 2.5.29.14 (subjectKeyIdentifier) and 2.5.29.35 (authorityKeyIdentifier), in hex. */
const KEY_IDENTIFIERS = ['551d0e', '551d23'];

/**
 * Whether a certificate has a subject or authority key identifier. Without them OpenSSL can tell certificates of
 * one subject apart by nothing but their order.
 * @param der one certificate
 * @throws RangeError when it is not the DER of a certificate
 */
export function hasKeyIdentifier(der: Uint8Array): boolean {
  return KEY_IDENTIFIERS.some((oid) => extensionValue(der, oid) !== undefined);
}

/** The content octets of the OID 2.5.29.15 (keyUsage), in hex. */
const KEY_USAGE = '551d0f';

/** The bits of a key usage, from the first (RFC 5280 section 4.2.1.3), in the names that ACM gives them. */
const KEY_USAGES = [
  'DIGITAL_SIGNATURE',
  'NON_REPUDIATION',
  'KEY_ENCIPHERMENT',
  'DATA_ENCIPHERMENT',
  'KEY_AGREEMENT',
  'CERTIFICATE_SIGNING',
  'CRL_SIGNING',
  'ENCIPHER_ONLY',
  'DECIPHER_ONLY',
] as const;

export type KeyUsage = (typeof KEY_USAGES)[number];

/**
 * What a certificate's key may be used for; nothing where the certificate does not restrict it.
 * @param der one certificate
 * @throws RangeError when it is not the DER of a certificate
 */
export function keyUsagesOf(der: Uint8Array): KeyUsage[] | undefined {
  const value = extensionValue(der, KEY_USAGE);
  if (value === undefined) return undefined;
  const bits = elementAt(value, 0, value.length);
  if (bits.tag !== BIT_STRING) throw new RangeError('the key usage is no BIT STRING');
  // The first octet counts the bits of the last that do not belong to it.
  const octets = value.subarray(bits.content + 1, bits.end);
  return KEY_USAGES.filter((_, bit) => (((octets[bit >> 3] ?? 0) << (bit & 7)) & 0x80) !== 0);
}
