/**
 * How OpenSSL 3 verifies a client's certificate against a CA bundle (crypto/x509/x509_vfy.c), for the certificates that
 * matter here. Measured: docs/backends.md, "The trap".
 */
import { type Caller, type Identity, nameText } from './identity.js';

export const SELF_SIGNED = 18;
export const EXPIRED = 10;
export const NO_ISSUER = 20;
export const UNVERIFIED_LEAF = 21;
const SIGNATURE_FAILURE = 7;
const NOT_AN_AUTHORITY = 79;

/** An error that the verification came across, and how far from the caller's own certificate. */
export interface VerifyError {
  code: number;
  depth: number;
}

/** Bundles as a server has read them, in their order. */
export interface Trusted {
  certificates: readonly Identity[];
  now: Date;
}

const isPast = ({ notAfter, notBefore }: Identity, now: Date): boolean =>
  (notAfter !== undefined && notAfter <= now) || (notBefore !== undefined && notBefore > now);

/** The certificate of the bundle that OpenSSL takes for the issuer: the first of that name that is in date. */
function issuerOf(name: string, { certificates, now }: Trusted): Identity | undefined {
  const named = certificates.filter(({ subject }) => nameText(subject) === name);
  return named.find((each) => !isPast(each, now)) ?? named[0];
}

const isSame = (a: Identity, b: Identity): boolean => a.sha256 !== undefined && a.sha256 === b.sha256;

/**
 * The errors in the order in which OpenSSL calls the server back; none for a certificate that it accepts. What a server
 * that tolerates them all sees in the end is the last.
 */
export function verifyOpenssl({ identity, expired, isSecond }: Caller, trusted: Trusted): VerifyError[] {
  if (identity === undefined) return [];
  const errors: VerifyError[] = [];
  const issuer = issuerOf(nameText(identity.issuer), trusted);
  const add = (code: number, depth: number): void => void errors.push({ code, depth });
  if (identity.selfSigned) {
    if (!issuer || !isSame(issuer, identity) || isSecond === true) add(SELF_SIGNED, 0);
  } else if (!issuer) {
    add(NO_ISSUER, 0);
    add(UNVERIFIED_LEAF, 0);
  } else {
    if (!issuer.isAuthority) add(NOT_AN_AUTHORITY, 1);
    if (!issuer.selfSigned) {
      // An intermediate without its root: the chain does not end in a trusted self-signed certificate.
      add(2, 1);
    }
    if (issuer.sha256 !== identity.signedBy) add(SIGNATURE_FAILURE, 0);
    if (isPast(issuer, trusted.now)) add(EXPIRED, 1);
  }
  if (expired) add(EXPIRED, 0);
  return errors;
}

/** Errors that nginx and Apache put up with under `optional_no_ca`: the issuer is not known. */
const UNKNOWN_ISSUER = new Set([SELF_SIGNED, 19, NO_ISSUER, UNVERIFIED_LEAF, 27]);

export const isUnknownIssuer = (code: number): boolean => UNKNOWN_ISSUER.has(code);

/** Certificates of one subject in a bundle, of which OpenSSL accepts the first alone. */
export function sharingSubject(certificates: readonly Identity[]): Identity[][] {
  const groups = new Map<string, Identity[]>();
  for (const each of certificates) {
    if (!each.selfSigned || each.isAuthority) continue;
    const name = nameText(each.subject);
    const group = groups.get(name) ?? [];
    if (!group.some((other) => isSame(other, each))) group.push(each);
    groups.set(name, group);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}
