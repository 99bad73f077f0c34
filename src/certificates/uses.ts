import { X509Certificate } from 'node:crypto';
import { keyUsagesOf } from './der.js';

/** What a certificate may be used for. */
export interface CertificateUses {
  /** Names of its key usage (RFC 5280 section 4.2.1.3); absent where it does not restrict them. */
  usages: readonly string[] | undefined;
  /** OIDs of its extended key usage; absent where it does not restrict them. */
  purposes: readonly string[] | undefined;
}

/** @param pem of one certificate. @throws Error of node:crypto for what cannot be read */
export function certificateUses(pem: string): CertificateUses {
  const x509 = new X509Certificate(pem);
  // Declared as always there, and absent for a certificate without the extension.
  return { usages: keyUsagesOf(x509.raw), purposes: x509.keyUsage };
}
