/**
 * The ARN of an ACM certificate with what it contains: a further import replaces that, and the ARN stays. A rotation that
 * imports in place tells the two apart by these ids, `ARN@` and the first 16 hexadecimal digits of the fingerprint (SHA-256).
 */
const VERSION = /^(arn:[^:]+:acm:[^@]+)@[0-9A-F]{16}$/;

/** @param fingerprintSha256 colon-separated upper-case hex */
export const acmVersion = (arn: string, fingerprintSha256: string): string =>
  `${arn}@${fingerprintSha256.replaceAll(':', '').slice(0, 16)}`;

export const isAcmVersion = (id: string): boolean => VERSION.test(id);

/** The ARN of a version; whatever is none stays as it is. */
export const arnOfVersion = (id: string): string => VERSION.exec(id)?.[1] ?? id;
