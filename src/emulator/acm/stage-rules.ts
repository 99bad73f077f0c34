import { X509Certificate } from 'node:crypto';
import { keyUsagesOf } from '../../certificates/der.js';
import { STAGE_KEY_TYPES } from '../../certificates/key-type.js';
import { certificateFacts } from '../../certificates/parse.js';
import type { AcmCertificate } from '../model.js';
import { certificatesIn } from './pem.js';

/** Of id-kp-clientAuth (RFC 5280 section 4.2.1.12). */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
/** With the certificate itself. */
const LONGEST_CHAIN = 5;

/**
 * Why API Gateway would not let a REST stage present a certificate of ACM (developer guide, "Configure backend mTLS with
 * ACM certificates"); nothing where it would. The chain is not checked, only counted. AWS's own words are not recorded.
 */
export function stageRefusal(certificate: AcmCertificate | undefined, now: Date): string | undefined {
  if (certificate === undefined) return 'there is no such certificate';
  const { issued, keyType } = certificate;
  if (issued === undefined) return 'its status is not ISSUED';
  const { notBefore, notAfter } = certificateFacts(issued.pem);
  if (notBefore > now || notAfter <= now) return 'it is not valid now';
  if (!STAGE_KEY_TYPES.includes(keyType)) return `its key type ${keyType} is not supported`;
  if (1 + certificatesIn(issued.chainPem).length > LONGEST_CHAIN) {
    return `its chain has more than ${LONGEST_CHAIN} certificates`;
  }
  const leaf = new X509Certificate(issued.pem);
  // Declared as always there, and absent for a certificate without the extension.
  const purposes = leaf.keyUsage as string[] | undefined;
  if (purposes?.includes(CLIENT_AUTH) === false) return 'its extended key usage lacks clientAuth';
  const usages = keyUsagesOf(leaf.raw);
  if (usages?.some((usage) => usage === 'DIGITAL_SIGNATURE' || usage === 'KEY_AGREEMENT') === false) {
    return 'its key usage lacks digitalSignature and keyAgreement';
  }
  return undefined;
}
