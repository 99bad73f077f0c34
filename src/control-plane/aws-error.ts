import { originText, renewal, type CredentialOrigin } from '../aws/credential-origin.js';
import { networkError, networkHint, reasonOf, type SdkError } from '../aws/network-error.js';
import type { Setting } from '../aws/settings.js';
import { AppError, type ErrorCode } from '../platform/errors.js';
import { partitionOf } from '../aws/partition.js';
import { isConcurrentModification } from './retry.js';
import { isConnectionError } from './strict-answers.js';

/** An operation of the port, with the IAM permission that it needs (AWS Service Authorization Reference). */
export interface Operation {
  name: string;
  /** IAM action, `apigateway:GET`. */
  action: string;
  /** Path of the IAM resource, `/clientcertificates`, or its whole ARN. */
  resource: string;
  /** What a 404 means here. */
  notFound: { code: ErrorCode; message: string; hint: string };
}

interface ApiError extends SdkError {
  /** Whom it was asked of. */
  $host?: string;
}

/**
 * The permission that is missing. Where AWS names it, its word counts: a call that sets tags needs two, and it alone
 * knows which of them was denied.
 */
function permissionHint({ message }: ApiError, { action, resource }: Operation, region: string): string {
  const arn = resource.startsWith('arn:')
    ? resource
    : `arn:${partitionOf(region)}:apigateway:${region}::${resource}`;
  const [, saidAction = action, saidArn = arn] =
    /to perform: ((?:acm|apigateway):\w+) on resource: (arn:\S+)/.exec(message) ?? [];
  const explicit = message.includes('explicit deny')
    ? '; a policy denies it explicitly, which overrides any allow'
    : '';
  return `allow ${saidAction} on ${saidArn}${explicit}`;
}

/** Where a call went to, and whose credentials it was made with, where that is known. */
interface CallContext {
  region: string;
  origin?: CredentialOrigin | undefined;
  /** Where it is not AWS's own. */
  endpoint?: Setting<string> | undefined;
}

/** What may be wrong where nobody answers. */
function lookAt({ code }: ApiError, { region, endpoint }: CallContext): string {
  if (endpoint !== undefined) return `check ${endpoint.value}, set by ${endpoint.from}`;
  const unknownHost = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  return unknownHost ? `check the network, and that ${region} is a valid Region` : 'check the network';
}

/**
 * Words an SDK failure for a person. The code is chosen by AWS's error name first and the HTTP status second, since
 * a quota and a throttle share status 429.
 */
export function toAppError(thrown: unknown, operation: Operation, context: CallContext): AppError {
  const { region, origin } = context;
  if (thrown instanceof AppError) return thrown;
  const error = thrown as ApiError;
  const status = error.$metadata?.httpStatusCode;
  const where = error.$host ?? `API Gateway in ${region}`;
  const details = { operation: operation.name, region };
  const say = (code: ErrorCode, message: string, hint: string): AppError =>
    new AppError(code, message, { hint, cause: error, details });
  const denied = (): AppError =>
    say(
      'AccessDenied',
      `AWS denies ${operation.name}: ${reasonOf(error)}`,
      permissionHint(error, operation, region),
    );
  const from = origin === undefined ? '' : `; they come from ${originText(origin)}`;
  const throttled = (): AppError =>
    say(
      'Throttled',
      `AWS kept throttling ${operation.name}`,
      operation.action.startsWith('acm:')
        ? 'try again in a minute'
        : 'all clients that manage API Gateway share 10 requests per second per account; try again in a minute',
    );

  switch (error.name) {
    case 'CredentialsProviderError':
      return say(
        'CredentialsMissing',
        `no AWS credentials were found: ${reasonOf(error)}`,
        'check the profile and the environment',
      );
    case 'ExpiredToken':
    case 'ExpiredTokenException':
      return say(
        'CredentialsExpired',
        'the AWS credentials have expired',
        origin === undefined ? 'get new credentials' : renewal(origin),
      );
    case 'UnrecognizedClientException':
    case 'InvalidClientTokenId':
    case 'IncompleteSignature':
    case 'InvalidSignatureException':
    case 'MissingAuthenticationTokenException':
    case 'SignatureDoesNotMatch':
      return say(
        'CredentialsRefused',
        `AWS does not accept the credentials: ${reasonOf(error)}`,
        `check the keys${from}; also check that the clock of this machine is right and that ${region} is enabled for the account`,
      );
    case 'AccessDenied':
    case 'AccessDeniedException':
    case 'UnauthorizedException':
      return denied();
    case 'LimitExceededException':
      if (operation.name !== 'GenerateClientCertificate') break;
      return say(
        'QuotaExceeded',
        'the account has reached its client certificate quota in this Region',
        'delete unused ones (`apigw-cert list --usage` shows them) or ask AWS to increase the quota of 60',
      );
    case 'TooManyRequestsException':
    case 'ThrottlingException':
      return throttled();
    case 'NotFoundException':
    case 'ResourceNotFoundException':
      return say(operation.notFound.code, operation.notFound.message, operation.notFound.hint);
    case 'BadRequestException':
    case 'ConflictException':
      if (isConcurrentModification(error)) {
        return say(
          'ConcurrentModification',
          `AWS could not complete ${operation.name}: a concurrent modification was in progress`,
          'it may have taken effect: check, and run the command again',
        );
      }
      return say(
        'RequestRefused',
        `AWS rejected ${operation.name}: ${reasonOf(error)}`,
        'the reason is as reported by AWS; add --debug to see each request',
      );
    default:
  }
  const network = networkError(error, where, {
    operation: operation.name,
    details,
    hint: lookAt(error, context),
  });
  if (network) return network;
  if (error.name === 'InvalidAnswer') {
    return say(
      'ServiceUnreachable',
      `${where} returned no valid answer to ${operation.name}: ${reasonOf(error)}`,
      `${lookAt(error, context)}, and any proxy in between`,
    );
  }
  if (status === 403) return denied();
  if (status === 429 && error.name !== 'LimitExceededException') return throttled();
  if (isConnectionError(error) || (status !== undefined && status >= 500)) {
    return say(
      'ServiceUnreachable',
      `${where} did not answer ${operation.name}: ${reasonOf(error)}`,
      networkHint(),
    );
  }
  return say(
    'RequestRefused',
    `${operation.name} failed: ${reasonOf(error)}`,
    'run again with --debug for details',
  );
}
