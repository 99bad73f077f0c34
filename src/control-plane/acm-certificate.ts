import type { AcmDetails } from './acm-details.js';
import type { ClientChain } from '../certificates/client-chain.js';
import type { TrustedCertificate } from '../certificates/certificate.js';
import type { ExpiryThresholds } from '../certificates/expiry.js';
import { certificateView, DEFAULT_THRESHOLDS, type CertificateView } from './certificate-view.js';

/** A certificate of ACM: what ACM says of it, and what it says itself. */
export interface AcmCertificate {
  arn: string;
  domainName?: string;
  /** When it came into ACM. */
  createdDate: Date;
  details: AcmDetails;
  trusted: TrustedCertificate;
  /** PEM of its chain: LF line ends and one newline at the end; empty for none. */
  chainPem: string;
  chain: ClientChain;
}

/** The certificate that an ARN names as far as an account and Region could tell. */
export type AcmReading =
  | { state: 'read'; arn: string; certificate: AcmCertificate; view: CertificateView }
  /** ACM did not say it, and why. */
  | { state: 'unknown'; arn: string; reason: string; hint?: string }
  /** Of another account or Region, which is not asked. */
  | { state: 'elsewhere'; arn: string; accountId: string; region: string };

/** The Region and the account (twelve digits) of a certificate of ACM; nothing for what is no such ARN. */
export function placeOfArn(arn: string): { region: string; accountId: string } | undefined {
  const [, region, accountId] = /^arn:[\w-]+:acm:([\w-]+):(\d{12}):certificate\/[\w-]{1,64}$/.exec(arn) ?? [];
  return region === undefined || accountId === undefined ? undefined : { region, accountId };
}

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
