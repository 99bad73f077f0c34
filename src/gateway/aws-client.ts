import { APIGatewayClient, type APIGatewayClientConfig } from '@aws-sdk/client-api-gateway';
import { defaultProvider, type DefaultProviderInit } from '@aws-sdk/credential-provider-node';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import { AppError } from '../core/errors.js';
import { toAppError, type Operation } from './aws-error.js';
import { pacePlugin, type WithConnection } from './pace-middleware.js';
import type { Pace } from './pace.js';
import { patient } from './patient.js';
import { onceOnly, repeatable } from './retry.js';
import { SILENT, silenceSdk } from './silent.js';

/** How to reach one account and Region; what is left out comes from the SDK's default chains. */
export interface AwsClientOptions {
  region?: string;
  profile?: string;
  endpoint?: string;
  /** Where credentials come from when it is neither the profile nor the default chain. */
  credentials?: AwsCredentialIdentityProvider;
  /** How long one request may take, in milliseconds; by default a little longer than API Gateway waits for a backend. */
  requestTimeout?: number;
  /** Connections that are shared with other gateways. */
  requestHandler?: NodeHttpHandler;
  /** Waits for one of them: the SDK counts the wait for a connection as a connection that fails. */
  withConnection?: WithConnection;
  /** The speed of all requests to the account and Region; without one, they go out as they come. */
  pace?: Pace;
  /** Told the time that AWS gives with each answer, and this machine's own. */
  onServerTime?: (serverTime: Date, now: Date) => void;
  /** Told of each finished call: for `--debug`. */
  onCall?: (call: { operation: string; milliseconds: number; attempts: number; error?: string }) => void;
}

/** API Gateway itself ends a backend call after 29 s. Milliseconds. */
const REQUEST_TIMEOUT = 35_000;
const CONNECTION_TIMEOUT = 5_000;
/** More than are ever used at once. */
const MAX_SOCKETS = 256;

/** Connections to AWS; shared by all gateways of a fleet, which would keep some open each. */
export function createRequestHandler({
  requestTimeout = REQUEST_TIMEOUT,
}: Pick<AwsClientOptions, 'requestTimeout'> = {}): NodeHttpHandler {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return new NodeHttpHandler({
    connectionTimeout: CONNECTION_TIMEOUT,
    requestTimeout,
    throwOnRequestTimeout: true,
    httpAgent: agent,
    httpsAgent: agent,
  });
}

/** The SDK knows two faults of a Region: that there is none, and that it cannot be part of a host name. */
function regionError(cause: unknown, profile: string | undefined): AppError {
  const { message } = cause as Error;
  if (message.includes('not accepted') && !message.includes('region=""')) {
    return new AppError('Usage', `that is no AWS Region: ${message}`, {
      hint: 'write it as in eu-west-1; check --region and AWS_REGION',
      cause,
    });
  }
  return profile === undefined
    ? new AppError('RegionMissing', 'no AWS Region is set', {
        hint: 'give --region, set AWS_REGION, or set one in the profile',
        cause,
      })
    : new AppError('RegionMissing', `no AWS Region is set, and none by the profile "${profile}"`, {
        hint: 'give --region or set AWS_REGION; `aws configure list-profiles` shows the profiles there are',
        cause,
      });
}

/** AWS's clients for one account and Region, and the one way to call it. */
export interface AwsClient {
  readonly region: string;
  readonly client: APIGatewayClient;
  /** For calls that must not be repeated by the SDK. Made when it is needed: most commands have none. */
  readonly onceClient: () => APIGatewayClient;
  /** @throws AppError of what went wrong, in words */
  readonly call: <T extends { $metadata: { attempts?: number } }>(
    operation: Operation,
    send: () => Promise<T>,
  ) => Promise<T>;
}

/** @throws AppError `RegionMissing`, `Usage` for a word that is no Region */
export async function createAwsClient(options: AwsClientOptions): Promise<AwsClient> {
  const { endpoint, profile, onCall } = options;
  silenceSdk();
  const config = {
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(profile === undefined ? {} : { profile }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    logger: SILENT,
    credentialDefaultProvider: (init: DefaultProviderInit) => patient(defaultProvider(init)),
    requestHandler: options.requestHandler ?? createRequestHandler(options),
  };

  function createClient(
    own: Pick<APIGatewayClientConfig, 'retryStrategy' | 'credentials'>,
  ): APIGatewayClient {
    const made = new APIGatewayClient({ ...config, ...own });
    made.middlewareStack.use(pacePlugin(options.pace, options.onServerTime, options.withConnection));
    return made;
  }

  const client = createClient({ retryStrategy: repeatable() });
  const region = await client.config.region().catch((cause: unknown) => {
    throw regionError(cause, profile);
  });
  let once: APIGatewayClient | undefined;
  // Credentials and connections are found once for both.
  const onceClient = (): APIGatewayClient =>
    (once ??= createClient({ credentials: client.config.credentials, retryStrategy: onceOnly() }));

  async function call<T extends { $metadata: { attempts?: number } }>(
    operation: Operation,
    send: () => Promise<T>,
  ): Promise<T> {
    const started = performance.now();
    const report = (attempts: number, error?: string): void =>
      onCall?.({
        operation: operation.name,
        milliseconds: Math.round(performance.now() - started),
        attempts,
        ...(error === undefined ? {} : { error }),
      });
    try {
      const output = await send();
      report(output.$metadata.attempts ?? 1);
      return output;
    } catch (thrown) {
      const error = toAppError(thrown, operation, { region, endpoint, profile });
      report((thrown as { $metadata?: { attempts?: number } }).$metadata?.attempts ?? 1, error.code);
      throw error;
    }
  }

  return { region, client, onceClient, call };
}
