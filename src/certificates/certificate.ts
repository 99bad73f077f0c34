/** The one subject, and issuer, of every client certificate that API Gateway generates, whatever the account. */
export const API_GATEWAY_SUBJECT = 'C=US, L=Seattle, CN=ApiGateway';

/** What a certificate says about itself, whatever its origin. Made by `parse.ts`, reasoned about by everything. */
export interface CertificateFacts {
  /** RFC 4514-like, in the certificate's own order: `C=US, L=Seattle, CN=ApiGateway`. */
  subject: string;
  issuer: string;
  /** Hex, colon-separated octets, upper case. */
  serialNumber: string;
  notBefore: Date;
  notAfter: Date;
  /** SHA-256 of the DER, colon-separated upper-case hex: the identity of a certificate in this tool. */
  fingerprintSha256: string;
  fingerprintSha1: string;
  /** Base64 of the SHA-256 of the SubjectPublicKeyInfo (RFC 7469 section 2.4). */
  spkiPin: string;
}

/** A certificate ready to be trusted: its facts and its PEM with LF line ends and one newline at the end. */
export interface TrustedCertificate extends CertificateFacts {
  pem: string;
  /** The API Gateway id, where it is known. */
  clientCertificateId?: string;
}

/** A certificate whose trust is to end: its fingerprint, and whatever else is still known of it. */
export type RemovableCertificate = Pick<TrustedCertificate, 'fingerprintSha256'> &
  Partial<TrustedCertificate>;

const MS_PER_DAY = 86_400_000;

/** Whole days until `notAfter`, rounded down: 0 on the last day, negative after the end. */
export function daysLeft(notAfter: Date, now: Date): number {
  return Math.floor((notAfter.getTime() - now.getTime()) / MS_PER_DAY);
}
