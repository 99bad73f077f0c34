/** What a trust store holds: exact certificates, and roots with the name that certificates of that CA must have. */
import { X509Certificate } from 'node:crypto';
import { AppError } from '../platform/errors.js';
import { type CallerName, canonicalName, nameText } from './caller-name.js';
import type { RemovableCertificate, TrustedCertificate } from './certificate.js';
import { trustedCertificate } from './parse.js';

/** A root, and the name by which certificates that lead to it are accepted; in canonical form. */
export interface TrustedAuthority extends CallerName {
  ca: TrustedCertificate;
}

/** An entry whose trust is to be added. */
export type TrustEntry = TrustedCertificate | TrustedAuthority;

/** An entry whose trust is to be ended: of the certificate only the fingerprint need be known. */
export type RemovableEntry = RemovableCertificate | RemovableAuthority;

export interface RemovableAuthority extends CallerName {
  ca: RemovableCertificate;
}

/** Whether an entry is a root with a name. */
export const isAuthority = <Authority extends RemovableAuthority>(
  entry: RemovableCertificate | Authority,
): entry is Authority => 'ca' in entry;

/**
 * What tells an entry from every other: the SHA-256 fingerprint of a certificate; of a root that and the name, as
 * `AA:…:FF subject CN=orders-gateway,O=Example`.
 */
export function entryKey(entry: RemovableEntry): string {
  return isAuthority(entry) ? `${entry.ca.fingerprintSha256} ${nameText(entry)}` : entry.fingerprintSha256;
}

/** A root with a name as documents and reports have it: the root by its SHA-256 fingerprint. */
export interface AuthorityView extends CallerName {
  fingerprintSha256: string;
}

export const authorityView = ({ ca, ...name }: RemovableAuthority): AuthorityView => ({
  fingerprintSha256: ca.fingerprintSha256,
  ...name,
});

/** The key of the entry that is shown so; see {@link entryKey}. */
export const viewKey = ({ fingerprintSha256, ...name }: AuthorityView): string =>
  entryKey({ ca: { fingerprintSha256 }, ...name });

/**
 * Makes an entry of a root and a name.
 * @param root PEM or DER of the root
 * @param name as a person writes it
 * @throws AppError `CertificateUnreadable` for what is no root, `Usage` for a name that cannot be compared
 */
export function trustedAuthority(root: Uint8Array | string, name: CallerName): TrustedAuthority {
  const ca = trustedCertificate(root);
  const problem = rootProblem(ca.pem);
  if (problem !== undefined) {
    throw new AppError('CertificateUnreadable', `${ca.subject} ${problem}`, {
      hint: 'specify the root of the CA, which is its own issuer; the certificates in between come from API Gateway',
      details: { fingerprintSha256: ca.fingerprintSha256 },
    });
  }
  try {
    return { ca, ...canonicalName(name) };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new AppError(
      'Usage',
      `the name of the certificates of ${ca.subject} cannot be compared: ${cause.message}`,
      {
        cause,
        hint: 'write the whole subject as `openssl x509 -noout -subject -nameopt RFC2253` prints it, or a SAN as DNS:NAME or URI:NAME',
      },
    );
  }
}

/** Why a certificate is no root that others can be verified with. */
export function rootProblem(root: Uint8Array | string): string | undefined {
  const certificate = new X509Certificate(root);
  if (!certificate.ca) return 'is not the certificate of a CA';
  if (!certificate.checkIssued(certificate) || !certificate.verify(certificate.publicKey)) {
    return 'is not a root: another CA has issued it';
  }
  return undefined;
}

/**
 * Why roots and names cannot be in one list: servers find that a certificate leads to one of the roots, and not to which, so each
 * name counts for each root. That is what was meant where the root or the name is the same in all.
 */
export function crossedNames(authorities: readonly RemovableAuthority[]): string | undefined {
  const roots = new Set(authorities.map(({ ca }) => ca.fingerprintSha256));
  const names = new Set(authorities.map(nameText));
  if (roots.size < 2 || names.size < 2) return undefined;
  return `it would hold ${roots.size} roots with ${names.size} names, and each name would be accepted from each of these CAs; use several names of one root, or several roots with one name, or another trust store for the other CA`;
}
