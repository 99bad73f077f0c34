import type { X509Certificate } from 'node:crypto';

/** Whether `candidate` has issued `certificate`: by its name, its key identifier and its signature. */
export function isIssuer(certificate: X509Certificate, candidate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(candidate) && certificate.verify(candidate.publicKey);
  } catch {
    return false;
  }
}

/** The way from the first certificate up, by whatever was given; each is used once. */
export function wayUp(leaf: X509Certificate, given: readonly X509Certificate[]): X509Certificate[] {
  const way: X509Certificate[] = [];
  const rest = new Set(given);
  for (let last = leaf; !isIssuer(last, last);) {
    const issuer = [...rest].find((candidate) => isIssuer(last, candidate));
    if (issuer === undefined) break;
    rest.delete(issuer);
    way.push(issuer);
    last = issuer;
  }
  return way;
}
