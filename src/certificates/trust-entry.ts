/** What a trust store holds: exact certificates, and roots with the name that certificates of that CA must have. */
import { X509Certificate } from 'node:crypto';
import { AppError } from '../platform/errors.js';
import { crossedNames, rootProblem } from './authority.js';
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
  const problem = rootProblem(new X509Certificate(ca.pem));
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

/** Why these cannot be in one list; see `crossedNames`. */
export const crossing = (authorities: readonly RemovableAuthority[]): string | undefined =>
  crossedNames(authorities.map(({ ca, ...name }) => ({ root: ca.fingerprintSha256, ...name })));
