/** Whether a certificate may replace another under the same ARN of ACM, and whether that can be undone; pure. */
import { certificateUses, type CertificateUses } from '../certificates/uses.js';
import type { AcmCertificate } from './acm-certificate.js';

/** The one purpose that ACM lets a further import leave out (id-kp-clientAuth). */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

const missing = (now: readonly string[] | undefined, before: readonly string[] | undefined): string[] =>
  now === undefined ? [] : (before ?? []).filter((use) => use !== CLIENT_AUTH && !now.includes(use));

/** The key usages by name and the extended ones by OID that one certificate has and another lacks. */
const lacks = (now: CertificateUses, before: CertificateUses): string[] => [
  ...missing(now.usages, before.usages),
  ...missing(now.purposes, before.purposes),
];

/** Whether one restricts its use by an extension that the other does not have. */
const isRestrictedOtherwise = (one: CertificateUses, other: CertificateUses): boolean =>
  (one.usages === undefined) !== (other.usages === undefined) ||
  (one.purposes === undefined) !== (other.purposes === undefined);

type Contents = Pick<AcmCertificate, 'details' | 'trusted'>;

/**
 * Why a certificate must not replace another under its ARN: what ACM refuses (user guide, "Reimport a certificate":
 * the origin and the key type stay, and no use is taken away but clientAuth), and what would be no renewal.
 * @returns in words that go on with "the certificate cannot be used: "
 */
export function replacementFaults(before: Contents, next: Contents): string[] {
  const { origin, keyType: oldType = 'another type' } = before.details;
  const { keyType = 'another type' } = next.details;
  const lost = lacks(certificateUses(next.trusted.pem), certificateUses(before.trusted.pem));
  return [
    ...(origin === 'imported' ? [] : ['ACM replaces only imported certificates']),
    ...(keyType === oldType
      ? []
      : [`its key type is ${keyType}, and a further import cannot change ${oldType}`]),
    ...(lost.length === 0
      ? []
      : [`it lacks usages of the certificate in ACM, which an import cannot take away: ${lost.join(', ')}`]),
    ...(next.trusted.notAfter > before.trusted.notAfter
      ? []
      : [
          `it expires at ${next.trusted.notAfter.toISOString()}, not later than the certificate in ACM (${before.trusted.notAfter.toISOString()})`,
        ]),
  ];
}

/**
 * Why ACM may refuse to import the earlier certificate again, replacing the new one. Whether it takes a certificate
 * without an extension that the one before it had is not documented, so that this counts as a reason.
 * @returns in words that go on with "the certificate cannot be imported again: "
 */
export function returnFaults(before: Contents, next: Contents, now: Date): string[] {
  const [old, fresh] = [certificateUses(before.trusted.pem), certificateUses(next.trusted.pem)];
  const lost = lacks(old, fresh);
  return [
    ...(before.trusted.notAfter > now ? [] : [`it expired at ${before.trusted.notAfter.toISOString()}`]),
    ...(lost.length === 0 ? [] : [`it lacks usages of the new one: ${lost.join(', ')}`]),
    ...(isRestrictedOtherwise(old, fresh)
      ? ['one of the two has a usage extension that the other does not have']
      : []),
  ];
}
