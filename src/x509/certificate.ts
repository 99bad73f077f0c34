/**
 * The quick reader of certificates, on OpenSSL through node:crypto: what expiry checks, listings and rotations
 * need. The full anatomy (extensions, algorithms) and minting are @peculiar/x509's work, in `anatomy.ts` and
 * `mint.ts`, which cost 60 ms to load and so are only imported by the commands that need them.
 */
import { createHash, X509Certificate } from 'node:crypto';
import type { CertificateFacts, TrustedCertificate } from '../core/certificate.js';
import { AppError } from '../core/errors.js';

/** A name as node:crypto prints it (an attribute a line, oddities escaped) on one line. */
function oneLine(name: string | undefined): string {
  return (name ?? '').trimEnd().split('\n').join(', ');
}

function spkiPin(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64');
}

function parse(input: Uint8Array | string): X509Certificate {
  try {
    return new X509Certificate(input);
  } catch (cause) {
    throw new AppError('CertificateUnreadable', 'this is not a certificate that can be read', { cause });
  }
}

function facts(certificate: X509Certificate): CertificateFacts {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serialNumber: certificate.serialNumber.match(/../g)?.join(':') ?? certificate.serialNumber,
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    fingerprintSha256: certificate.fingerprint256,
    fingerprintSha1: certificate.fingerprint,
    spkiPin: spkiPin(certificate),
  };
}

/**
 * Reads one certificate from DER, or the first one from PEM (LF or CRLF).
 * @throws AppError `CertificateUnreadable`
 */
export function certificateFacts(input: Uint8Array | string): CertificateFacts {
  return facts(parse(input));
}

/**
 * Makes a certificate fit for a file: its facts, and its PEM with LF line ends and one newline at the end
 * (AWS sends CRLF and none, and two of those glued together are unreadable to nginx).
 * @throws AppError `CertificateUnreadable`
 */
export function trustedCertificate(
  input: Uint8Array | string,
  clientCertificateId?: string,
): TrustedCertificate {
  const certificate = parse(input);
  return {
    ...facts(certificate),
    pem: `${certificate.toString().replaceAll('\r', '').trimEnd()}\n`,
    ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
  };
}
