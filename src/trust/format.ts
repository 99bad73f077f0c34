import { X509Certificate } from 'node:crypto';
import type { TrustedCertificate } from '../certificates/certificate.js';
import {
  entryKey,
  isAuthority,
  type TrustedAuthority,
  type TrustEntry,
} from '../certificates/trust-entry.js';

/** A piece of a trust file: one entry in the file's own notation, or anything else, which is never touched. */
export interface Segment {
  readonly text: string;
  /** The SHA-256 fingerprint of the certificate that this piece makes trusted; absent in other pieces. */
  readonly fingerprint?: string;
  /** That certificate, where the notation has it in PEM and not for the second time. */
  readonly certificate?: TrustedCertificate;
  /** The root, with a name, that this piece makes trusted; absent in other pieces. */
  readonly authority?: TrustedAuthority;
}

/** How a notation writes roots with the name that certificates of that CA must have. */
export interface AuthorityNotation {
  /** Why it has no words for this one, as a clause, with what to do instead. */
  objection?(authority: TrustedAuthority): string | undefined;
  /** As {@link TrustFormat.insert}. */
  insert(text: string, authority: TrustedAuthority): string;
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
  /** The text with all entries as they are written today; what earlier versions wrote may not be safe. */
  renew?(text: string): string;
  /** Absent where it has no words for roots with a name. */
  authorities?: AuthorityNotation;
}

/** What tells the entry of a piece from others; nothing for a foreign one. */
export const keyOf = ({ fingerprint, authority }: Segment): string | undefined =>
  authority === undefined ? fingerprint : entryKey(authority);

/** The text with one more entry, of either sort. */
export function insertEntry(format: TrustFormat, text: string, entry: TrustEntry): string {
  if (!isAuthority(entry)) return format.insert(text, entry);
  if (format.authorities === undefined) throw new Error('this notation has no words for a root with a name');
  return format.authorities.insert(text, entry);
}

/** The distinct roots with a name that a text makes trusted, in the order of the text. */
export function authoritiesIn(format: TrustFormat, text: string): TrustedAuthority[] {
  const found = format.parse(text).flatMap(({ authority }) => authority ?? []);
  return [...new Map(found.map((authority) => [entryKey(authority), authority])).values()];
}

/** The keys of the distinct entries, of both sorts, that a text makes trusted. */
export function keysIn(format: TrustFormat, text: string): string[] {
  return [...new Set(format.parse(text).flatMap((segment) => keyOf(segment) ?? []))];
}

/** The distinct fingerprints that a text makes trusted, in the order of the text. */
export function fingerprints(format: TrustFormat, text: string): string[] {
  return [...new Set(format.parse(text).flatMap(({ fingerprint }) => fingerprint ?? []))];
}

/** Of the exact certificates that a text makes trusted, those of CAs; only PEM shows them. */
export function casIn(format: TrustFormat, text: string): TrustedCertificate[] {
  return format
    .parse(text)
    .flatMap(({ certificate }) =>
      certificate !== undefined && new X509Certificate(certificate.pem).ca ? [certificate] : [],
    );
}

/** What a person wants to know of an entry: `apigw-cert a1b2c3, valid 2025-11-24 to 2026-11-24`. Plain ASCII. */
export function entryComment({ clientCertificateId, notBefore, notAfter }: TrustedCertificate): string {
  const id = clientCertificateId?.replaceAll(/[^\w:/.-]/g, '') ?? 'certificate';
  const [from, to] = [notBefore, notAfter].map((date) => date.toISOString().slice(0, 10));
  return `apigw-cert ${id}, valid ${from} to ${to}`;
}
