/**
 * The quick reader of certificates, on OpenSSL through node:crypto: what expiry checks, listings and rotations
 * need. The full anatomy (extensions, algorithms) and minting are @peculiar/x509's work, in `anatomy.ts` and
 * `mint.ts`, which cost 60 ms to load and so are only imported by the commands that need them.
 */
import { createHash, X509Certificate } from 'node:crypto';
import type { CertificateFacts, TrustedCertificate } from './certificate.js';
import { AppError } from '../platform/errors.js';
import { firstSequence, subjectPublicKeyInfo } from './der.js';

/** A name as node:crypto prints it (an attribute a line, oddities escaped) on one line. */
function oneLine(name: string | undefined): string {
  return (name ?? '').trimEnd().split('\n').join(', ');
}

/** A certificate with its DER; every other fact is of exactly these octets. */
interface Parsed {
  certificate: X509Certificate;
  der: Uint8Array;
}

const SEQUENCE = 0x30;

function parse(input: Uint8Array | string): Parsed {
  try {
    const certificate = new X509Certificate(input);
    const der = certificate.raw;
    // OpenSSL looks for PEM anywhere in the octets first: what it found must be the DER that was given.
    if (typeof input !== 'string' && input[0] === SEQUENCE && !der.equals(firstSequence(input))) {
      throw new RangeError('the DER contains another certificate as text');
    }
    return { certificate, der };
  } catch (cause) {
    throw new AppError('CertificateUnreadable', 'this is not a readable certificate', { cause });
  }
}

function date(text: string): Date {
  const value = new Date(text);
  if (Number.isNaN(value.getTime())) {
    throw new AppError('CertificateUnreadable', 'this certificate has an invalid date');
  }
  return value;
}

function facts({ certificate, der }: Parsed): CertificateFacts {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serialNumber: certificate.serialNumber.match(/-?../g)?.join(':') ?? certificate.serialNumber,
    notBefore: date(certificate.validFrom),
    notAfter: date(certificate.validTo),
    fingerprintSha256: certificate.fingerprint256,
    fingerprintSha1: certificate.fingerprint,
    spkiPin: createHash('sha256').update(subjectPublicKeyInfo(der)).digest('base64'),
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
  const parsed = parse(input);
  return {
    ...facts(parsed),
    pem: `${parsed.certificate.toString().replaceAll('\r', '').trimEnd()}\n`,
    ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
  };
}
