/** Why a backend, or API Gateway itself, does not take a certificate of ACM; pure. */
import { STAGE_KEY_TYPES, type KeyType } from '../certificates/key-type.js';
import type { AcmCertificate } from './acm-certificate.js';

/** With the certificate itself (developer guide, "rest-api-acm-client-certificates"). */
const LONGEST_CHAIN = 5;

/** Each by the code of its finding. Of what it says, nothing depends on the time. */
export type AcmFault =
  | { code: 'AcmNotIssued'; args: { status: string } }
  | { code: 'AcmClientAuthMissing'; args: Record<string, never> }
  | { code: 'AcmPublicIssuer'; args: { root: string } }
  | { code: 'AcmChainEmpty'; args: { issuer: string } }
  | { code: 'AcmChainIncomplete'; args: { issuer: string } }
  | { code: 'AcmChainUnordered'; args: Record<string, never> }
  | { code: 'AcmChainTooLong'; args: { count: number } }
  | { code: 'AcmAuthorityExpiresFirst'; args: { subject: string; authorityNotAfter: Date; notAfter: Date } };

/** What is wrong with the chain that is presented. API Gateway does not check it. */
export function chainFaults({ chain, trusted }: Pick<AcmCertificate, 'chain' | 'trusted'>): AcmFault[] {
  const { certificates, end, isOrdered, unused, firstToExpire } = chain;
  const { issuer, notAfter } = trusted;
  const count = 1 + certificates.length;
  const isAhead = firstToExpire !== undefined && firstToExpire.notAfter < notAfter;
  return [
    ...(end === 'none' ? [{ code: 'AcmChainEmpty' as const, args: { issuer } }] : []),
    ...(end === 'stranger' ? [{ code: 'AcmChainIncomplete' as const, args: { issuer } }] : []),
    ...(end !== 'stranger' && (!isOrdered || unused.length > 0)
      ? [{ code: 'AcmChainUnordered' as const, args: {} }]
      : []),
    ...(count > LONGEST_CHAIN ? [{ code: 'AcmChainTooLong' as const, args: { count } }] : []),
    ...(isAhead
      ? [
          {
            code: 'AcmAuthorityExpiresFirst' as const,
            args: { subject: firstToExpire.subject, authorityNotAfter: firstToExpire.notAfter, notAfter },
          },
        ]
      : []),
  ];
}

/** What is wrong with its state and its use. */
export function useFaults({ details, chain }: Pick<AcmCertificate, 'details' | 'chain'>): AcmFault[] {
  const { acmStatus: status } = details;
  const { publicRoot: root, isForClients, maySign } = chain;
  return [
    ...(status === 'ISSUED' || status === 'EXPIRED'
      ? []
      : [{ code: 'AcmNotIssued' as const, args: { status } }]),
    ...(isForClients && maySign ? [] : [{ code: 'AcmClientAuthMissing' as const, args: {} }]),
    ...(root === undefined ? [] : [{ code: 'AcmPublicIssuer' as const, args: { root } }]),
  ];
}

const WORDS: { readonly [C in AcmFault['code']]: (args: Extract<AcmFault, { code: C }>['args']) => string } =
  {
    AcmNotIssued: ({ status }) => `its status in ACM is ${status}`,
    AcmClientAuthMissing: () => 'its usage extensions do not allow client authentication',
    AcmPublicIssuer: ({ root }) =>
      `it leads to the public root ${root}, below which anyone can get a certificate`,
    AcmChainEmpty: ({ issuer }) => `it has no chain, and was issued by ${issuer}`,
    AcmChainIncomplete: ({ issuer }) => `its chain lacks its issuer ${issuer}`,
    AcmChainUnordered: () => 'not every certificate of its chain is followed by its issuer',
    AcmChainTooLong: ({ count }) =>
      `with its chain these are ${count} certificates, and API Gateway accepts ${LONGEST_CHAIN}`,
    AcmAuthorityExpiresFirst: ({ subject, authorityNotAfter }) =>
      `${subject}, which issued it, expires first, at ${authorityNotAfter.toISOString()}`,
  };

/** A fault in words that go on with "the certificate cannot be used: ". */
export const faultText = ({ code, args }: AcmFault): string =>
  (WORDS[code] as (args: object) => string)(args);

/**
 * Why no stage of a REST API is to be switched to a certificate; what API Gateway refuses, and what a backend would. Empty
 * where nothing speaks against it.
 */
export function unusableBecause(certificate: AcmCertificate, now: Date): string[] {
  const { details, trusted } = certificate;
  const { keyType } = details;
  const faults = [...useFaults(certificate), ...chainFaults(certificate)].map(faultText);
  return [
    ...(trusted.notAfter <= now ? [`it expired at ${trusted.notAfter.toISOString()}`] : []),
    ...(trusted.notBefore > now ? [`it is not valid before ${trusted.notBefore.toISOString()}`] : []),
    ...(keyType !== undefined && STAGE_KEY_TYPES.includes(keyType as KeyType)
      ? []
      : [`API Gateway does not accept its key type${keyType === undefined ? '' : ` ${keyType}`}`]),
    ...faults,
  ];
}
