/**
 * Reads what a TLS server sends before the client presents itself: Node tells a client neither whether the server
 * asked for a certificate nor which authorities it named. TLS 1.2 sends this in the clear (RFC 5246 section 7.4);
 * TLS 1.3 under the server's handshake key (RFC 8446 section 5.2), which Node hands out by its `keylog` event.
 */
import { createDecipheriv, createHmac } from 'node:crypto';

export interface ServerFlight {
  /** Absent when the server does not ask. The names are DER, as the server sent them; `size` in bytes, header included. */
  certificateRequest?: { caNames: readonly Uint8Array[]; size: number };
  /** The server's own certificate and its chain, DER, in the order sent. */
  certificates: readonly Uint8Array[];
}

const RECORD = { changeCipherSpec: 20, handshake: 22, applicationData: 23 } as const;
const MESSAGE = { serverHello: 2, certificate: 11, certificateRequest: 13, finished: 20 } as const;
const MESSAGE_HEADER = 4;
const EXTENSION_CERTIFICATE_AUTHORITIES = 47;

/** The suites of TLS 1.3 (RFC 8446 appendix B.4) that OpenSSL speaks. */
const SUITES = {
  0x1301: { cipher: 'aes-128-gcm', keyBytes: 16, hash: 'sha256' },
  0x1302: { cipher: 'aes-256-gcm', keyBytes: 32, hash: 'sha384' },
  0x1303: { cipher: 'chacha20-poly1305', keyBytes: 32, hash: 'sha256' },
} as const;

type Suite = (typeof SUITES)[keyof typeof SUITES];

/** Takes a vector with a length of `lengthBytes` from the front of `from`. @throws RangeError when it is cut off */
function vector(from: Buffer, lengthBytes: number): [content: Buffer, rest: Buffer] {
  const length = from.readUIntBE(0, lengthBytes);
  const end = lengthBytes + length;
  if (end > from.length) throw new RangeError('cut off');
  return [from.subarray(lengthBytes, end), from.subarray(end)];
}

/** Every item of a list of vectors. */
function vectors(list: Buffer, lengthBytes: number): Buffer[] {
  const items: Buffer[] = [];
  for (let rest = list; rest.length > 0;) {
    const [item, after] = vector(rest, lengthBytes);
    items.push(item);
    rest = after;
  }
  return items;
}

function* records(bytes: Buffer): Generator<{ type: number; header: Buffer; body: Buffer }> {
  for (let at = 0; at + 5 <= bytes.length;) {
    const header = bytes.subarray(at, at + 5);
    const end = at + 5 + header.readUInt16BE(3);
    if (end > bytes.length) return;
    yield { type: header.readUInt8(0), header, body: bytes.subarray(at + 5, end) };
    at = end;
  }
}

function* messages(stream: Buffer): Generator<{ type: number; body: Buffer }> {
  for (let at = 0; at + 4 <= stream.length;) {
    const end = at + 4 + stream.readUIntBE(at + 1, 3);
    if (end > stream.length) return;
    yield { type: stream.readUInt8(at), body: stream.subarray(at + 4, end) };
    at = end;
  }
}

/** HKDF-Expand-Label with an empty context, for outputs no longer than the hash (RFC 8446 section 7.1). */
function expandLabel(hash: string, secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.from([0, length, name.length, ...name, 0, 1]);
  return createHmac(hash, secret).update(info).digest().subarray(0, length);
}

/** Opens records in their order; each has its number in the nonce. */
function opener(suite: Suite, secret: Buffer): (header: Buffer, body: Buffer) => Buffer {
  const key = expandLabel(suite.hash, secret, 'key', suite.keyBytes);
  const iv = expandLabel(suite.hash, secret, 'iv', 12);
  let sequence = 0;
  return (header, body) => {
    const nonce = Buffer.from(iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence++) >>> 0, 8);
    const decipher = createDecipheriv(suite.cipher as 'aes-128-gcm', key, nonce, { authTagLength: 16 });
    decipher.setAAD(header, { plaintextLength: body.length - 16 });
    decipher.setAuthTag(body.subarray(-16));
    return Buffer.concat([decipher.update(body.subarray(0, -16)), decipher.final()]);
  };
}

/** A TLSInnerPlaintext: content, its type, zeros. */
function inner(plain: Buffer): { type: number; content: Buffer } {
  const at = plain.findLastIndex((octet) => octet !== 0);
  return { type: plain[at] ?? 0, content: plain.subarray(0, Math.max(at, 0)) };
}

function suiteOf(serverHello: Buffer): Suite | undefined {
  const [, rest] = vector(serverHello.subarray(34), 1);
  return (SUITES as Partial<Record<number, Suite>>)[rest.readUInt16BE(0)];
}

/** The handshake messages as one stream, and whether they are those of TLS 1.3. */
function handshakeStream(bytes: Buffer, secret: Buffer | undefined): { stream: Buffer; encrypted: boolean } {
  const parts: Buffer[] = [];
  let open: ReturnType<typeof opener> | undefined;
  for (const { type, header, body } of records(bytes)) {
    if (type === RECORD.handshake) parts.push(body);
    else if (type === RECORD.applicationData) {
      if (!open) {
        const hellos = [...messages(Buffer.concat(parts))].filter(
          (each) => each.type === MESSAGE.serverHello,
        );
        const suite = hellos.at(-1) && suiteOf((hellos.at(-1) as { body: Buffer }).body);
        if (!suite || !secret) break;
        open = opener(suite, secret);
      }
      const { type: innerType, content } = inner(open(header, body));
      if (innerType !== RECORD.handshake) break;
      parts.push(content);
      if ([...messages(content)].at(-1)?.type === MESSAGE.finished) break;
    } else if (type !== RECORD.changeCipherSpec || secret === undefined) break;
  }
  return { stream: Buffer.concat(parts), encrypted: open !== undefined };
}

/** The names in a CertificateRequest (RFC 5246 section 7.4.4; RFC 8446 sections 4.3.2 and 4.2.4). */
function caNames(body: Buffer, tls13: boolean): Buffer[] {
  if (!tls13) {
    const [, afterTypes] = vector(body, 1);
    const [, afterAlgorithms] = vector(afterTypes, 2);
    return vectors(vector(afterAlgorithms, 2)[0], 2);
  }
  const [, afterContext] = vector(body, 1);
  let [extensions] = vector(afterContext, 2);
  while (extensions.length > 0) {
    const type = extensions.readUInt16BE(0);
    const [content, rest] = vector(extensions.subarray(2), 2);
    if (type === EXTENSION_CERTIFICATE_AUTHORITIES) return vectors(vector(content, 2)[0], 2);
    extensions = rest;
  }
  return [];
}

/** The certificates of a Certificate message (RFC 5246 section 7.4.2; RFC 8446 section 4.4.2). */
function certificates(body: Buffer, tls13: boolean): Buffer[] {
  if (!tls13) return vectors(vector(body, 3)[0], 3);
  const [, afterContext] = vector(body, 1);
  const found: Buffer[] = [];
  for (let [rest] = vector(afterContext, 3); rest.length > 0;) {
    const [certificate, afterCertificate] = vector(rest, 3);
    found.push(certificate);
    rest = vector(afterCertificate, 2)[1];
  }
  return found;
}

/**
 * Reads the octets that came from a server, from the first on.
 * @param secret SERVER_HANDSHAKE_TRAFFIC_SECRET of the key log, where there is one: the handshake was TLS 1.3
 * @returns `undefined` when the flight is cut off before the server's certificate, or cannot be opened
 */
export function readServerFlight(bytes: Buffer, secret: Buffer | undefined): ServerFlight | undefined {
  try {
    const { stream, encrypted } = handshakeStream(bytes, secret);
    const all = [...messages(stream)];
    const own = all.find(({ type }) => type === MESSAGE.certificate);
    if (!own) return undefined;
    const request = all.find(({ type }) => type === MESSAGE.certificateRequest);
    return {
      ...(request
        ? {
            certificateRequest: {
              caNames: caNames(request.body, encrypted),
              size: request.body.length + MESSAGE_HEADER,
            },
          }
        : {}),
      certificates: certificates(own.body, encrypted),
    };
  } catch {
    // Octets from outside: cut off, not as the RFC says, or sealed with another key.
    return undefined;
  }
}

/**
 * Whether a server of TLS 1.2 began another handshake after the first (RFC 5246 section 7.4.1.1), as one does that asks
 * for a certificate by the path of the request. Of TLS 1.3 this cannot be told: the client would have to offer it.
 * @param bytes the octets that came from the server, from the first on
 */
export function asksAgain(bytes: Buffer): boolean {
  let sinceFinished = -1;
  for (const { type } of records(bytes)) {
    if (type === RECORD.changeCipherSpec && sinceFinished < 0) sinceFinished = 0;
    else if (type === RECORD.handshake && sinceFinished >= 0 && ++sinceFinished > 1) return true;
  }
  return false;
}
