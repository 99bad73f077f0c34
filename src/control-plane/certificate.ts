import type { AcmCertificate } from './acm-certificate.js';
import type { ClientCertificate } from './api-gateway.js';
import type { TrustedCertificate } from '../certificates/certificate.js';
import type { TrustedAuthority } from '../certificates/trust-entry.js';
import type { Mark } from './marks.js';

/**
 * A client certificate of the account, made once from AWS's answer: what API Gateway says of it, what it says itself, and
 * what a rotation wrote on it.
 */
export interface Certificate extends ClientCertificate {
  trusted: TrustedCertificate;
  /** Of one of ACM, whose ARN is the id. */
  acm?: AcmCertificate;
  /** What backends are to trust instead of the certificate itself: of one of ACM, its root with its name. */
  authority?: TrustedAuthority;
  mark?: Mark;
}
