import { createHash } from 'node:crypto';
import { ServiceError } from './errors.js';

/** What a request is signed for. */
export type Service = 'acm' | 'apigateway' | 'cloudformation' | 'ssm';

/** Who signed a request, for which Region, as the signature says; the signature itself is not verified. */
export interface Scope {
  account: string;
  region: string;
}

const CREDENTIAL =
  /^AWS4-HMAC-SHA256 .*?Credential=(?<accessKey>[^/,\s]+)\/\d{8}\/(?<region>[^/,\s]+)\/(?<service>[^/,\s]+)\/aws4_request/;

/** A stable account id of twelve digits for an access key. */
export function accountOf(accessKey: string): string {
  const hash = createHash('sha256').update(accessKey).digest().readBigUInt64BE();
  return (hash % 1_000_000_000_000n).toString().padStart(12, '0');
}

/**
 * Reads the credential scope of a Signature Version 4 `Authorization` header.
 * @throws ServiceError 403 when there is none, or it is for another service
 */
export function signatureScope(authorization: string | undefined, wanted: Service): Scope {
  if (authorization === undefined) {
    throw new ServiceError(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  const groups = CREDENTIAL.exec(authorization)?.groups;
  const { accessKey, region, service } = groups ?? {};
  if (accessKey === undefined || region === undefined) {
    throw new ServiceError(
      403,
      'IncompleteSignatureException',
      'Authorization header requires an AWS4-HMAC-SHA256 credential scope.',
    );
  }
  if (service !== wanted) {
    throw new ServiceError(
      403,
      'InvalidSignatureException',
      `Credential should be scoped to correct service: '${wanted}'.`,
    );
  }
  return { account: accountOf(accessKey), region };
}
