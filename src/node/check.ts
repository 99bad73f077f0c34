import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { hasName } from '../certificates/caller-name.js';
import { wayUp } from '../certificates/way-up.js';
import { oneLine, type TrustedRoot, type TrustList } from './certificate-file.js';

/** The client certificate that a connection presented. */
export interface PresentedCertificate {
  /** SHA-256 of the whole DER, colon-separated upper-case hex. */
  fingerprintSha256: string;
  /** `C=US, L=Seattle, CN=ApiGateway` for every certificate of API Gateway: never tell them apart by it. */
  subject: string;
  /** Colon-separated upper-case hex. */
  serialNumber: string;
  notBefore: Date;
  notAfter: Date;
}

/** Why a connection is refused. */
export type RefusalReason =
  | 'CertificateMissing'
  | 'CertificateNotListed'
  | 'CertificateExpired'
  | 'CertificateNotYetValid'
  | 'CertificateChainIncomplete'
  | 'CertificateNotVerified';

/** A connection that is refused at this moment. */
export interface Refusal {
  accepted: false;
  reason: RefusalReason;
  /** The reason as a sentence, without anything secret. */
  message: string;
  /** Absent for `CertificateMissing`. */
  certificate?: PresentedCertificate;
}

/** What a connection is worth at this moment. */
export type Verdict = { accepted: true; certificate: PresentedCertificate } | Refusal;

/**
 * Judges a connection by its certificate, whose private key TLS has proved the peer to hold.
 *
 * Dates are compared here as well: what OpenSSL found was true at the handshake, while a connection that is kept open,
 * or a session resumed, can outlive the certificate. Nothing is remembered for a socket, since a TLS 1.2 client may
 * renegotiate with another certificate; reading it anew costs about 5 µs, and a signature of its chain 0.1 ms.
 */
export function checkSocket(socket: Socket, trusted: TrustList, now: Date): Verdict {
  const above = socket instanceof TLSSocket ? presentedAbove(socket) : [];
  const x509 = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (!(socket instanceof TLSSocket) || !x509) {
    return { accepted: false, reason: 'CertificateMissing', message: 'No client certificate was presented.' };
  }
  const certificate: PresentedCertificate = {
    fingerprintSha256: x509.fingerprint256,
    subject: oneLine(x509.subject),
    serialNumber: x509.serialNumber.match(/-?../g)?.join(':') ?? x509.serialNumber,
    notBefore: new Date(x509.validFrom),
    notAfter: new Date(x509.validTo),
  };
  const refuse = (reason: RefusalReason, message: string): Refusal => ({
    accepted: false,
    reason,
    message,
    certificate,
  });

  const isListed = trusted.certificates.has(certificate.fingerprintSha256);
  const roots = isListed ? [] : trusted.roots.filter((name) => hasName(x509.raw, name));
  if (!isListed && roots.length === 0) {
    return refuse('CertificateNotListed', 'This backend does not trust the client certificate.');
  }
  // Negated, so that a date that cannot be read is refused too.
  if (!(now <= certificate.notAfter)) {
    return refuse(
      'CertificateExpired',
      `The client certificate expired at ${certificate.notAfter.toJSON()}.`,
    );
  }
  if (!(now >= certificate.notBefore)) {
    return refuse(
      'CertificateNotYetValid',
      `The client certificate is not valid before ${certificate.notBefore.toJSON()}.`,
    );
  }
  // A string at run time, whatever its type says.
  const finding = String(socket.authorizationError);
  if (isListed) {
    if (!socket.authorized && finding !== SELF_SIGNED) {
      return refuse('CertificateNotVerified', `OpenSSL does not accept the client certificate: ${finding}.`);
    }
    return { accepted: true, certificate };
  }
  // OpenSSL verifies the chain, with purposes and constraints, and does not say to which root it leads.
  // Of a root and its successor with the same key either would do; the one that is in date comes first.
  const candidates = roots.map(({ root }) => root);
  const inDate = candidates.filter((root) => isInDate(root, now));
  const way = wayUp(x509, [...inDate, ...candidates, ...above]);
  const fault = chainFault(x509, way, roots, now);
  if (fault !== undefined && socket.authorized && above.length === 0) {
    return refuse(
      'CertificateNotVerified',
      `Node.js ${process.version} does not show which certificates were presented above the client certificate: ` +
        'the session was resumed, or this version has the fault nodejs/node#65579.',
    );
  }
  if (fault !== undefined) return refuse(...fault);
  if (!socket.authorized) {
    return refuse('CertificateNotVerified', `OpenSSL does not accept the client certificate: ${finding}.`);
  }
  return { accepted: true, certificate };
}

/** The one finding of OpenSSL that a listed certificate may have, since no CA stands behind it. */
const SELF_SIGNED = 'DEPTH_ZERO_SELF_SIGNED_CERT';

/** More than any chain that makes sense. */
const MOST_CERTIFICATES = 20;

/** What connections presented, by the handshake: a TLS 1.2 client may renegotiate with another certificate. */
const chains = new WeakMap<TLSSocket, { handshake: string; above: readonly X509Certificate[] }>();

/**
 * What was presented with the certificate, in that order. A resumed session has none of it, and neither has a connection whose
 * certificate somebody has asked for by `getPeerX509Certificate`: Node.js takes the chain apart for it.
 */
function presentedAbove(socket: TLSSocket): readonly X509Certificate[] {
  const handshake = socket.getPeerFinished()?.toString('hex') ?? '';
  const known = chains.get(socket);
  if (known?.handshake === handshake) return known.above;
  const above = issuersOf(socket);
  chains.set(socket, { handshake, above });
  return above;
}

/** Keeps what a connection has presented, before anyone else asks for it. */
export const rememberChain = (socket: TLSSocket): unknown => presentedAbove(socket);

/** What was presented above the certificate. The X509Certificate of a socket has its issuers in Node.js 20 and 22, not in 24. */
function issuersOf(socket: TLSSocket): X509Certificate[] {
  const above: X509Certificate[] = [];
  let last = socket.getPeerCertificate(true);
  while (above.length < MOST_CERTIFICATES) {
    // Absent at the end of an incomplete chain, whatever the type says; of a root it is the root.
    const next = last.issuerCertificate as typeof last | undefined;
    if (next === undefined || next.fingerprint256 === last.fingerprint256) break;
    above.push(new X509Certificate(next.raw));
    last = next;
  }
  return above;
}

const isInDate = ({ validFrom, validTo }: X509Certificate, now: Date): boolean =>
  now >= new Date(validFrom) && now <= new Date(validTo);

/** Why the way up does not lead to one of the roots by CAs that are in date. */
function chainFault(
  leaf: X509Certificate,
  way: readonly X509Certificate[],
  roots: readonly TrustedRoot[],
  now: Date,
): [RefusalReason, string] | undefined {
  const end = way.findIndex(({ fingerprint256 }) =>
    roots.some(({ root }) => root.fingerprint256 === fingerprint256),
  );
  if (end === -1) {
    const missing = oneLine((way.at(-1) ?? leaf).issuer);
    return [
      'CertificateChainIncomplete',
      `The client certificate does not lead to a trusted root: the certificate of the CA ${missing} was not presented, or is of another CA with that name.`,
    ];
  }
  for (const authority of way.slice(0, end + 1)) {
    if (!authority.ca || !isInDate(authority, now)) {
      const why = authority.ca ? 'has expired or is not valid yet' : 'is not the certificate of a CA';
      return [
        'CertificateNotVerified',
        `The issuer ${oneLine(authority.subject)} of the client certificate ${why}.`,
      ];
    }
  }
  return undefined;
}
