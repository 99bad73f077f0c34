import { type APIGatewayClient, GetRestApisCommand } from '@aws-sdk/client-api-gateway';
import { getEndpointFromInstructions } from '@smithy/core/endpoints';
import type { Caller } from './caller.js';
import { toAppError, type Operation } from './aws-error.js';

/** Reads credentials where they are kept; no request is sent to API Gateway. */
const LOOK: Operation = {
  name: 'the look at the credentials',
  action: 'sts:GetCallerIdentity',
  resource: '*',
  notFound: { code: 'CredentialsMissing', message: 'no AWS credentials were found', hint: 'check --profile' },
};

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** An endpoint as one text, however it was spelled. */
export function normalEndpoint(endpoint: URL): string {
  const host = LOOPBACK.has(endpoint.hostname) ? 'localhost' : endpoint.hostname;
  const port = endpoint.port === '' ? '' : `:${endpoint.port}`;
  return `${endpoint.protocol}//${host}${port}${endpoint.pathname.replace(/\/+$/, '')}`;
}

/** Whether a host is AWS's own: by its default name, with FIPS, dual-stack, or through an endpoint in a VPC. */
function isOfAws(
  { hostname }: URL,
  region: string,
  provide: APIGatewayClient['config']['endpointProvider'],
): boolean {
  return [false, true].some((UseDualStack) => {
    const [, domain] = provide({ Region: region, UseDualStack }).url.hostname.split(`.${region}.`);
    return domain !== undefined && hostname.endsWith(`.${domain}`);
  });
}

/**
 * Who calls, and where, as the SDK itself finds it out for a request: from flags, environment, profiles and roles. The
 * secret key is not looked at.
 * @throws AppError `Credentials…`
 */
export async function callerOf(
  client: APIGatewayClient,
  source: { region: string; endpoint?: string | undefined; profile?: string | undefined },
): Promise<Caller> {
  const { region } = source;
  try {
    const { accessKeyId, accountId } = await client.config.credentials();
    const { url } = await getEndpointFromInstructions({}, GetRestApisCommand, { ...client.config });
    return {
      accessKeyId,
      region,
      ...(accountId === undefined ? {} : { accountId }),
      ...(isOfAws(url, region, client.config.endpointProvider) ? {} : { endpoint: normalEndpoint(url) }),
    };
  } catch (error) {
    throw toAppError(error, LOOK, { region });
  }
}
