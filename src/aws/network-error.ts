import { AppError } from '../platform/errors.js';
import { printable } from '../platform/printable.js';
import { namedProxies } from '../net/proxy.js';

/** What an SDK error carries beside its name and message. */
export interface SdkError extends Error {
  code?: string;
  $metadata?: { httpStatusCode?: number; attempts?: number };
  $response?: { statusCode?: number; headers?: Record<string, string | undefined> };
}

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

/** OpenSSL's and Node's words for a certificate that nobody known vouches for. */
const UNTRUSTED_CODES = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Errors whose answer the SDK could not make sense of. */
const NOT_UNDERSTOOD = new Set(['SyntaxError', 'Error', 'InvalidAnswer', 'Unknown', 'UnknownError']);

/** The first sentence-worthy text of an error; a refused dual-stack connection hides it in an AggregateError. */
export function reasonOf(error: SdkError): string {
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

/** What to look at when nothing, or something else, answers. */
export function networkHint(instead = 'check the network'): string {
  const proxies = namedProxies();
  return proxies.length === 0
    ? `${instead}; if a proxy is needed, set HTTPS_PROXY`
    : `${instead} and the proxy (${proxies.join(', ')}); NO_PROXY lists hosts to reach without it`;
}

/**
 * An answer that AWS did not give: a page of a proxy or of a network that wants a sign-in. All of AWS's own carry an
 * `x-amz…` header, and its errors a type.
 */
function foreignAnswer(error: SdkError, where: string): AppError | undefined {
  const { statusCode, headers = {} } = error.$response ?? {};
  if (statusCode === undefined || !NOT_UNDERSTOOD.has(error.name)) return undefined;
  if (Object.keys(headers).some((name) => name.toLowerCase().startsWith('x-amz'))) return undefined;
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  const what = type.includes('html')
    ? 'an HTML page'
    : type === ''
      ? 'an answer'
      : `an answer of type ${printable(type)}`;
  const target = headers['location'];
  const to = target !== undefined && URL.canParse(target) ? ` redirecting to ${new URL(target).host}` : '';
  const message = `${where} did not answer; an intermediary returned HTTP ${statusCode} with ${what}${to}`;
  const hint =
    statusCode === 407
      ? `the proxy requires authentication: set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT`
      : networkHint('check the network for a proxy, a firewall or a sign-in page');
  return new AppError('ServiceUnreachable', message, { hint, cause: error, details: { status: statusCode } });
}

/** What more is known of a call. */
export interface NetworkContext {
  operation?: string | undefined;
  /** What to look at first. */
  hint?: string | undefined;
  details?: Readonly<Record<string, unknown>>;
}

/**
 * The error of a network on the way to a service, or of something that stands in between; nothing for other failures.
 * @param where what was called: `AWS STS`, `apigateway.eu-west-1.amazonaws.com`
 */
export function networkError(
  thrown: unknown,
  where: string,
  { details = {}, operation, hint = 'check the network' }: NetworkContext = {},
): AppError | undefined {
  const error = thrown as SdkError;
  const foreign = foreignAnswer(error, where);
  if (foreign) return foreign;
  if (error.$metadata?.httpStatusCode !== undefined || !isNetwork(error)) return undefined;
  const say = (message: string, remedy: string): AppError =>
    new AppError('ServiceUnreachable', message, { hint: remedy, cause: error, details });
  if (UNTRUSTED_CODES.has(error.code ?? '')) {
    return say(
      `${where} presents a certificate that this machine does not trust: ${reasonOf(error)}`,
      'if a proxy intercepts TLS, set AWS_CA_BUNDLE (or ca_bundle in the profile) to the PEM file of its CA',
    );
  }
  const what = operation === undefined ? '' : ` ${operation}`;
  return say(`${where} did not answer${what}: ${reasonOf(error)}`, networkHint(hint));
}
