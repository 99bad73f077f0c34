import { daysLeft } from '../certificates/certificate.js';
import type { AcmDetails } from './acm-details.js';
import type { Certificate } from './certificate.js';
import { expiryStatus, type ExpiryStatus, type ExpiryThresholds } from '../certificates/expiry.js';

/** The thresholds of every command that has no flags for them. */
export const DEFAULT_THRESHOLDS: ExpiryThresholds = {
  warning: { kind: 'duration', ms: 30 * 86_400_000 },
  critical: { kind: 'duration', ms: 7 * 86_400_000 },
};

/**
 * A certificate as every command prints it in JSON: AWS's fields under AWS's names (Dates become ISO 8601), and what
 * the certificate itself says.
 */
export interface CertificateView {
  clientCertificateId: string;
  description?: string;
  createdDate: Date;
  expirationDate: Date;
  status: ExpiryStatus;
  daysLeft: number;
  subject: string;
  issuer: string;
  serialNumber: string;
  notBefore: Date;
  notAfter: Date;
  fingerprintSha256: string;
  tags: Readonly<Record<string, string>>;
  /** Of a certificate of ACM, whose ARN is the id. */
  acm?: AcmDetails;
}

/** The view of one certificate. */
export function certificateView(
  {
    clientCertificateId,
    description,
    createdDate,
    expirationDate,
    tags,
    trusted,
  }: Pick<
    Certificate,
    'clientCertificateId' | 'description' | 'createdDate' | 'expirationDate' | 'tags' | 'trusted'
  >,
  now: Date,
  thresholds: ExpiryThresholds = DEFAULT_THRESHOLDS,
): CertificateView {
  const { subject, issuer, serialNumber, notBefore, notAfter, fingerprintSha256 } = trusted;
  return {
    clientCertificateId,
    ...(description === undefined ? {} : { description }),
    createdDate,
    expirationDate,
    status: expiryStatus({ notBefore, notAfter }, thresholds, now),
    daysLeft: daysLeft(notAfter, now),
    subject,
    issuer,
    serialNumber,
    notBefore,
    notAfter,
    fingerprintSha256,
    tags,
  };
}
