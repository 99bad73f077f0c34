import { AppError, type ErrorCode } from '../core/errors.js';
import { partitionOf } from '../core/partition.js';

/** An operation of the port, with the IAM permission that it needs (AWS Service Authorization Reference). */
export interface Operation {
  name: string;
  /** IAM action, `apigateway:GET`. */
  action: string;
  /** Path of the IAM resource, `/clientcertificates`. */
  resource: string;
  /** What a 404 means here. */
  notFound: { code: ErrorCode; message: string; hint: string };
}

interface SdkError extends Error {
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

const CREDENTIALS_HINT =
  'set AWS_PROFILE or --profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws sts get-caller-identity` tells which are in use';

/** What to do when nothing comes. */
export const CREDENTIALS_LATE_HINT =
  'see what the profile waits for: a credential_process, a sign-in, or a network';

const NETWORK_CODES = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'EPROTO',
  'ETIMEDOUT',
]);

/** The first sentence-worthy text of an error; a refused dual-stack connection hides it in an AggregateError. */
function reason(error: SdkError): string {
  if (error instanceof AggregateError) {
    const first: unknown = error.errors[0];
    if (first instanceof Error) return first.message;
  }
  // After its first line the SDK says how its programmers look into it.
  const [first = ''] = error.message.split('\n');
  return first.trim() === '' ? error.name : first.trim();
}

function isNetwork(error: SdkError): boolean {
  return (
    NETWORK_CODES.has(error.code ?? '') ||
    error.name === 'TimeoutError' ||
    error.name === 'AbortError' ||
    /socket hang up|certificate|SSL|TLS/i.test(error.message)
  );
}

/**
 * The permission that is missing. Where AWS names it, its word counts: a call that sets tags needs two, and it alone
 * knows which of them was denied.
 */
function permissionHint({ message }: SdkError, { action, resource }: Operation, region: string): string {
  const arn = `arn:${partitionOf(region)}:apigateway:${region}::${resource}`;
  const [, saidAction = action, saidArn = arn] =
    /to perform: (apigateway:\w+) on resource: (arn:\S+)/.exec(message) ?? [];
  const explicit = message.includes('explicit deny')
    ? '; a policy denies it explicitly, which no allow outweighs'
    : '';
  return `allow ${saidAction} on ${saidArn}${explicit}`;
}

const signInHint = (profile: string | undefined): string =>
  `sign in again, for example with \`aws sso login${profile === undefined ? '' : ` --profile ${profile}`}\``;

/** Words the SDK's finding that there are no credentials, or none that can be used any longer. */
export function credentialsNotFound(
  cause: Error,
  profile: string | undefined,
  details: Readonly<Record<string, unknown>>,
): AppError {
  if (/sso|token|expired/i.test(cause.message)) {
    return new AppError('CredentialsExpired', `the AWS credentials cannot be used: ${cause.message}`, {
      hint: signInHint(profile),
      cause,
      details,
    });
  }
  return profile === undefined
    ? new AppError('CredentialsMissing', 'no AWS credentials were found', {
        hint: CREDENTIALS_HINT,
        cause,
        details,
      })
    : new AppError('CredentialsMissing', `no AWS credentials were found by the profile "${profile}"`, {
        hint: `\`aws configure list-profiles\` shows the profiles there are; \`aws sts get-caller-identity --profile ${profile}\` says what is wrong with one`,
        cause,
        details,
      });
}

/** Where a call went to, and as whom. */
interface Source {
  region: string;
  endpoint?: string | undefined;
  profile?: string | undefined;
}

/** The error of a network that fails on the way to a service; nothing for other failures. */
export function unreachable(
  cause: Error,
  service: string,
  details: Readonly<Record<string, unknown>>,
): AppError | undefined {
  if (!isNetwork(cause)) return undefined;
  return new AppError('ServiceUnreachable', `${service} did not answer: ${reason(cause)}`, {
    hint: 'check the network, proxy and the Region, then run the command again',
    cause,
    details,
  });
}

/**
 * Words an SDK failure for a person. The code is chosen by AWS's error name first and the HTTP status second, since
 * a quota and a throttle share status 429.
 */
export function toAppError(
  thrown: unknown,
  operation: Operation,
  { region, endpoint, profile }: Source,
): AppError {
  const error = thrown as SdkError;
  const status = error.$metadata?.httpStatusCode;
  const details = { operation: operation.name, region };
  const say = (code: ErrorCode, message: string, hint: string): AppError =>
    new AppError(code, message, { hint, cause: error, details });
  const denied = (): AppError =>
    say(
      'AccessDenied',
      `AWS denies ${operation.name}: ${reason(error)}`,
      permissionHint(error, operation, region),
    );

  switch (error.name) {
    case 'CredentialsTimeout':
      return say('CredentialsMissing', `the AWS credentials: ${error.message}`, CREDENTIALS_LATE_HINT);
    case 'CredentialsProviderError':
      return credentialsNotFound(error, profile, details);
    case 'TokenProviderError':
    case 'ExpiredToken':
    case 'ExpiredTokenException':
      return say('CredentialsExpired', 'the AWS credentials have expired', signInHint(profile));
    case 'UnrecognizedClientException':
    case 'InvalidClientTokenId':
    case 'IncompleteSignature':
    case 'InvalidSignatureException':
    case 'MissingAuthenticationTokenException':
    case 'SignatureDoesNotMatch':
      return say(
        'CredentialsRefused',
        `AWS does not accept the credentials: ${reason(error)}`,
        `${CREDENTIALS_HINT}; also check that the clock of this machine is right and that ${region} is enabled for the account`,
      );
    case 'AccessDenied':
    case 'AccessDeniedException':
    case 'UnauthorizedException':
      return denied();
    case 'LimitExceededException':
      if (operation.name !== 'GenerateClientCertificate') break;
      return say(
        'QuotaExceeded',
        'the account holds as many client certificates as its quota allows in this Region',
        'delete unused ones (`apigw-cert list --usage` shows them) or ask AWS to raise the quota of 60',
      );
    case 'TooManyRequestsException':
    case 'ThrottlingException':
      return say(
        'Throttled',
        `AWS kept throttling ${operation.name}`,
        'the account shares 10 requests a second between everything that manages API Gateway; try again in a minute',
      );
    case 'NotFoundException':
      return say(operation.notFound.code, operation.notFound.message, operation.notFound.hint);
    case 'BadRequestException':
    case 'ConflictException':
      return say(
        'RequestRefused',
        `AWS refused ${operation.name}: ${reason(error)}`,
        "the reason is AWS's own; add --debug to see each request",
      );
    default:
  }
  if (error.message === 'Region is missing') {
    return say(
      'RegionMissing',
      'no AWS Region is set',
      'give --region, set AWS_REGION, or set one in the profile',
    );
  }
  if (status === 403) return denied();
  if (status === undefined ? isNetwork(error) : status >= 500) {
    const where = endpoint ?? `API Gateway in ${region}`;
    const hint =
      error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN'
        ? `check the network, and that ${region} is the name of a Region`
        : 'check the network, proxy and --endpoint-url (or AWS_ENDPOINT_URL), then run the command again';
    return say('ServiceUnreachable', `${where} did not answer ${operation.name}: ${reason(error)}`, hint);
  }
  return say(
    'RequestRefused',
    `${operation.name} failed: ${reason(error)}`,
    'run again with --debug for the details',
  );
}
