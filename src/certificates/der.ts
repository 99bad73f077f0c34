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

/** The content octets of the OIDs 2.5.29.14 (subjectKeyIdentifier) and 2.5.29.35 (authorityKeyIdentifier), in hex. */
const KEY_IDENTIFIERS = ['551d0e', '551d23'];

/**
 * Whether a certificate has a subject or authority key identifier. Without them OpenSSL can tell certificates of
 * one subject apart by nothing but their order.
 * @param der one certificate
 * @throws RangeError when it is not the DER of a certificate
 */
export function hasKeyIdentifier(der: Uint8Array): boolean {
  const field = tbsFields(der).find(({ tag }) => tag === EXTENSIONS);
  if (!field) return false;
  return childrenOf(der, childOf(der, field, 0, SEQUENCE)).some((extension) => {
    const oid = childOf(der, extension, 0, OBJECT_IDENTIFIER);
    return KEY_IDENTIFIERS.includes(Buffer.from(der.subarray(oid.content, oid.end)).toString('hex'));
  });
}
