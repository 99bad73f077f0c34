/** What makes a root, and a list of roots with names, fit to be trusted. */
import type { X509Certificate } from 'node:crypto';
import { type CallerName, nameText } from './caller-name.js';

/** Why a certificate is no root that others can be verified with, as the rest of a sentence that begins with its name. */
export function rootProblem(certificate: X509Certificate): string | undefined {
  if (!certificate.ca) return 'is not the certificate of a CA';
  if (!certificate.checkIssued(certificate) || !certificate.verify(certificate.publicKey)) {
    return 'is not a root: another CA has issued it';
  }
  return undefined;
}

/**
 * Why roots and names cannot be in one list: servers find that a certificate leads to one of the roots, and not to which, so each
 * name counts for each root. That is what was meant where the root or the name is the same in all.
 * @param authorities each root by its fingerprint
 */
export function crossedNames(authorities: readonly (CallerName & { root: string })[]): string | undefined {
  const roots = new Set(authorities.map(({ root }) => root));
  const names = new Set(authorities.map(nameText));
  if (roots.size < 2 || names.size < 2) return undefined;
  return `it would hold ${roots.size} roots with ${names.size} names, and each name would be accepted from each of these CAs; use several names of one root, or several roots with one name, or another list for the other CA`;
}
