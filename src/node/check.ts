import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { oneLine } from './certificate-file.js';

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
 * renegotiate with another certificate; reading it anew costs about 5 µs.
 */
export function checkSocket(socket: Socket, trusted: ReadonlySet<string>, now: Date): Verdict {
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

  if (!trusted.has(certificate.fingerprintSha256)) {
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
  if (!socket.authorized && finding !== SELF_SIGNED) {
    return refuse('CertificateNotVerified', `OpenSSL does not accept the client certificate: ${finding}.`);
  }
  return { accepted: true, certificate };
}

/** The one finding of OpenSSL that a listed certificate may have, since no CA stands behind it. */
const SELF_SIGNED = 'DEPTH_ZERO_SELF_SIGNED_CERT';
