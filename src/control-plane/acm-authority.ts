import { X509Certificate } from 'node:crypto';
import { readBundle } from '../certificates/bundle.js';
import { hasName, sansOf, subjectOf, type CallerName } from '../certificates/caller-name.js';
import { clientChain } from '../certificates/client-chain.js';
import { trustedCertificate } from '../certificates/parse.js';
import { entryKey, trustedAuthority, type TrustedAuthority } from '../certificates/trust-entry.js';
import type { AcmCertificate } from './acm-certificate.js';

/** By what of a certificate a backend tells it from the others of its CA. Servers differ in what they can compare. */
export type NamedBy = keyof CallerName;

/** The root and the name by which backends are to trust a certificate of ACM. */
export interface AcmTrust {
  /** Absent for one that is its own issuer: it is trusted as it is, as one that API Gateway generated. */
  authority?: TrustedAuthority;
  /** Why what a backend has to trust is not known, and what to do about it. */
  problem?: { reason: string; remedy: string };
}

/** As much of a certificate of ACM as this is about. */
type WithChain = Pick<AcmCertificate, 'trusted' | 'chainPem'>;

const ROOT_MISSING = {
  reason: 'its chain in ACM ends below the root, which backends must trust',
  remedy: 'specify the root of its CA with --root FILE',
};

function rootOf(
  { trusted, chainPem }: WithChain,
  extraRoots: string,
): { isOwnRoot: boolean; rootPem: string | undefined } {
  const above = [chainPem, extraRoots].flatMap((pem) =>
    readBundle(Buffer.from(pem)).certificates.map(({ certificate }) => certificate.pem),
  );
  const { end, rootPem } = clientChain(trusted.pem, above);
  return { isOwnRoot: end === 'root' && rootPem === undefined, rootPem };
}

/**
 * Every entry of a trust store by which a backend accepts a certificate of ACM and the one that ACM renews: its root with its
 * subject, with one of its subject alternative names, or with both.
 * @param extraRoots PEM of roots that the chain in ACM may omit
 * @returns their keys, see `entryKey`, and the fingerprint of the root; no keys for one that is its own issuer, since no
 * entry outlasts it
 */
export function renewalKeys(
  certificate: WithChain,
  extraRoots: string,
): { keys: readonly string[]; rootSha256?: string; problem?: AcmTrust['problem'] } {
  const { isOwnRoot, rootPem } = rootOf(certificate, extraRoots);
  if (isOwnRoot) return { keys: [] };
  if (rootPem === undefined) return { keys: [], problem: ROOT_MISSING };
  const ca = trustedCertificate(rootPem);
  const der = new X509Certificate(certificate.trusted.pem).raw;
  const subject = subjectOf(der);
  const subjects = subject === undefined ? [] : [{ subject }];
  const sans = sansOf(der).map((san) => ({ san }));
  const both = subjects.flatMap((one) => sans.map((other) => ({ ...one, ...other })));
  return {
    keys: [...subjects, ...sans, ...both].map((name) => entryKey({ ca, ...name })),
    rootSha256: ca.fingerprintSha256,
  };
}

/**
 * Works out what a backend has to trust so that it accepts a certificate of ACM, and the one that follows it.
 * @param extraRoots PEM of roots that the chain in ACM may omit
 */
export function acmTrust({ trusted, chainPem }: WithChain, namedBy: NamedBy, extraRoots: string): AcmTrust {
  const { isOwnRoot, rootPem } = rootOf({ trusted, chainPem }, extraRoots);
  if (isOwnRoot) return {};
  if (rootPem === undefined) return { problem: ROOT_MISSING };
  const der = new X509Certificate(trusted.pem).raw;
  const value = namedBy === 'subject' ? subjectOf(der) : sansOf(der)[0];
  if (value === undefined) {
    const what = namedBy === 'subject' ? 'subject' : 'subject alternative name';
    return {
      problem: {
        reason: `it has no ${what} that a backend can compare`,
        remedy: 'use a certificate with a subject of its own',
      },
    };
  }
  return { authority: trustedAuthority(rootPem, { [namedBy]: value }) };
}

/** Whether the chain of a certificate of ACM leads to a root, which the chain in ACM may omit. */
export function isOfRoot(acm: WithChain, { ca }: Pick<TrustedAuthority, 'ca'>): boolean {
  const { rootPem } = rootOf(acm, ca.pem);
  return rootPem !== undefined && trustedCertificate(rootPem).fingerprintSha256 === ca.fingerprintSha256;
}

/** Whether a certificate of ACM has the name that a backend demands of certificates of a root. */
export const hasNameFor = ({ trusted }: Pick<AcmCertificate, 'trusted'>, name: CallerName): boolean =>
  hasName(new X509Certificate(trusted.pem).raw, name);
