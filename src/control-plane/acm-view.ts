import type { ExpiryThresholds } from '../certificates/expiry.js';
import type { AcmCertificate } from './acm-certificate.js';
import { certificateView, DEFAULT_THRESHOLDS, type CertificateView } from './certificate-view.js';

/** The certificate that an ARN names as far as an account and Region could tell. */
export type AcmReading =
  | { state: 'read'; arn: string; certificate: AcmCertificate; view: CertificateView }
  /** ACM did not say it, and why. */
  | { state: 'unknown'; arn: string; reason: string; hint?: string }
  /** Of another account or Region, which is not asked. */
  | { state: 'elsewhere'; arn: string; accountId: string; region: string };

/** A certificate of ACM as commands show every certificate. Its tags are not read. */
export function acmView(
  { arn, domainName, createdDate, details, trusted }: AcmCertificate,
  now: Date,
  thresholds: ExpiryThresholds = DEFAULT_THRESHOLDS,
): CertificateView {
  const certificate = {
    clientCertificateId: arn,
    ...(domainName === undefined ? {} : { description: domainName }),
    createdDate,
    expirationDate: trusted.notAfter,
    tags: {},
    trusted,
  };
  return { ...certificateView(certificate, now, thresholds), acm: details };
}
