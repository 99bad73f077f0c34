/**
 * Where a certificate of ACM comes from: imported; issued by a private CA, and renewed by ACM; or a public one of Amazon's.
 */
export type AcmOrigin = 'imported' | 'privateCa' | 'public';

/** What ACM says of one of its certificates (service model `acm` 2015-12-08, CertificateDetail), and its chain. */
export interface AcmDetails {
  origin: AcmOrigin;
  /** `ISSUED`, `EXPIRED`, `REVOKED` and others, as ACM says it. */
  acmStatus: string;
  /** As in `EC_prime256v1`; absent for one that ACM does not have. */
  keyType?: string;
  /** Of the private CA that issued it. */
  certificateAuthorityArn?: string;
  /** Whether ACM would renew it. */
  renewalEligibility?: 'ELIGIBLE' | 'INELIGIBLE';
  renewal?: {
    /** `PENDING_AUTO_RENEWAL`, `PENDING_VALIDATION`, `SUCCESS` or `FAILED`. */
    status: string;
    /** As in `PCA_ACCESS_DENIED`. */
    reason?: string;
    updatedAt?: Date;
  };
  /** What ACM says uses it, in whatever form; stages among it, and other services. */
  inUseBy: readonly string[];
  /** What is presented with it, in that order. */
  chain: readonly { subject: string; issuer: string; notAfter: Date; fingerprintSha256: string }[];
}
