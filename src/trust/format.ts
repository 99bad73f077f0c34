import type { TrustedCertificate } from '../certificates/certificate.js';

/** A piece of a trust file: one certificate in the file's own notation, or anything else, which is never touched. */
export interface Segment {
  readonly text: string;
  /** The SHA-256 fingerprint of the certificate that this piece makes trusted; absent in foreign pieces. */
  readonly fingerprint?: string;
}

/** How a kind of file names the certificates that it trusts. */
export interface TrustFormat {
  /**
   * Cuts a text to pieces which, joined, are the text again, octet for octet.
   * @throws AppError `TrustStoreUnreadable` for what must not be there (a private key, a key that admits everybody)
   */
  parse(text: string): Segment[];
  /** The text with one more certificate; everything that was there stays as it is, in front of it or behind it. */
  insert(text: string, certificate: TrustedCertificate): string;
}

/** The distinct fingerprints that a text makes trusted, in the order of the text. */
export function fingerprints(format: TrustFormat, text: string): string[] {
  return [...new Set(format.parse(text).flatMap(({ fingerprint }) => fingerprint ?? []))];
}

/** What a person wants to know of an entry: `apigw-cert a1b2c3, valid 2025-11-24 to 2026-11-24`. Plain ASCII. */
export function entryComment({ clientCertificateId, notBefore, notAfter }: TrustedCertificate): string {
  const id = clientCertificateId?.replaceAll(/[^\w:/.-]/g, '') ?? 'certificate';
  const [from, to] = [notBefore, notAfter].map((date) => date.toISOString().slice(0, 10));
  return `apigw-cert ${id}, valid ${from} to ${to}`;
}
