import type { KeyObject } from 'node:crypto';

/** The key algorithms of ACM, in its words (service model `acm` 2015-12-08, KeyAlgorithm). */
export const KEY_TYPES = [
  'RSA_1024',
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'EC_prime256v1',
  'EC_secp384r1',
  'EC_secp521r1',
] as const;

export type KeyType = (typeof KEY_TYPES)[number];

/** Those that API Gateway accepts on a stage (developer guide, "rest-api-acm-client-certificates"). */
export const STAGE_KEY_TYPES: readonly KeyType[] = KEY_TYPES.filter((type) => type !== 'RSA_1024');

/** The type of a key in ACM's words; nothing for one that ACM does not have. */
export function keyTypeOf({
  asymmetricKeyType,
  asymmetricKeyDetails: details,
}: KeyObject): KeyType | undefined {
  const type =
    asymmetricKeyType === 'rsa'
      ? `RSA_${details?.modulusLength}`
      : `${asymmetricKeyType?.toUpperCase()}_${details?.namedCurve}`;
  return KEY_TYPES.find((known) => known === type);
}
