import { APIGatewayClient, type APIGatewayClientConfig } from '@aws-sdk/client-api-gateway';
import type { AwsCredentialIdentityProvider, FinalizeRequestMiddleware, Pluggable } from '@smithy/types';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { openSession, type AwsSession, type ClientConfig, type SessionInput } from '../aws/session.js';
import { AppError } from '../platform/errors.js';
import { toAppError, type Operation } from './aws-error.js';
import { callerOf } from './resolve-caller.js';
import { pacePlugin, type WithConnection } from './pace-middleware.js';
import type { Pace } from './pace.js';
import { onceOnly, repeatable } from './retry.js';
import { strictAnswersPlugin } from './strict-answers.js';

/** How to reach one account and Region; what is left out comes from the environment and the shared configuration. */
export interface AwsClientOptions extends Pick<
  SessionInput,
  'region' | 'profile' | 'fromFile' | 'roleArn' | 'externalId' | 'askMfaCode' | 'requestTimeout'
> {
  /** Of API Gateway; what `--endpoint-url` gives. */
  endpoint?: string;
  /** The account's session, where it is shared by several Regions. */
  session?: AwsSession;
  /** Where credentials come from when it is not the session. */
  credentials?: AwsCredentialIdentityProvider;
  /** Connections that are shared with other control planes. */
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

/** The SDK knows two faults of a Region: that there is none, and that it cannot be part of a host name. */
function regionError(cause: unknown): AppError {
  return new AppError('Usage', `not a valid AWS Region: ${(cause as Error).message}`, {
    hint: 'specify a Region such as eu-west-1; check --region and AWS_REGION',
    cause,
  });
}

/** AWS's clients for one account and Region, and the one way to call it. */
export interface AwsClient {
  readonly region: string;
  readonly client: APIGatewayClient;
  /** Of the account: makes the clients of other services. */
  readonly session: AwsSession;
  /** For calls that must not be repeated by the SDK. Made when it is needed: most commands have none. */
  readonly onceClient: () => APIGatewayClient;
  /** For clients of apigatewayv2, which are made by whoever needs them: the same account, Region and connections. */
  readonly webSocketConfig: () => Promise<ClientConfig>;
  /** For a client of ACM: the same account, Region and connections. */
  readonly acmConfig: () => Promise<ClientConfig>;
  /** What every client is to use. */
  readonly plugin: <Input extends object, Output extends object>() => Pluggable<Input, Output>;
  /** @throws AppError of what went wrong, in words */
  readonly call: <T extends { $metadata: { attempts?: number } }>(
    operation: Operation,
    send: () => Promise<T>,
  ) => Promise<T>;
}

/** Notes whom an error came from: an answer does not tell. */
function hostPlugin<Input extends object, Output extends object>(): Pluggable<Input, Output> {
  const middleware: FinalizeRequestMiddleware<Input, Output> = (next) => async (args) => {
    try {
      return await next(args);
    } catch (error) {
      const { hostname, port } = args.request as { hostname?: string; port?: number };
      if (error instanceof Error && hostname !== undefined) {
        Object.assign(error, { $host: port === undefined ? hostname : `${hostname}:${port}` });
      }
      throw error;
    }
  };
  return {
    applyToStack: (stack) => {
      stack.add(middleware, { name: 'apigwCertHost', step: 'finalizeRequest', priority: 'low' });
    },
  };
}

/** @throws AppError `RegionMissing`, `Usage` for a word that is no Region, and what {@link openSession} throws */
export async function createAwsClient(options: AwsClientOptions): Promise<AwsClient> {
  const { endpoint, onCall } = options;
  const session = options.session ?? (await openSession({ ...options, endpointUrl: endpoint }));
  const { requestHandler } = options;
  const config = {
    ...(await session.clientConfig('API Gateway', options.region)),
    ...(requestHandler === undefined ? {} : { requestHandler }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  };

  function plugin<Input extends object, Output extends object>(): Pluggable<Input, Output> {
    const { pace, onServerTime, withConnection } = options;
    const plugins = [
      pacePlugin<Input, Output>(pace, onServerTime, withConnection),
      hostPlugin<Input, Output>(),
      strictAnswersPlugin<Input, Output>(),
    ];
    return {
      applyToStack(stack) {
        for (const each of plugins) each.applyToStack(stack);
      },
    };
  }

  function createClient(
    own: Pick<APIGatewayClientConfig, 'retryStrategy' | 'credentials'>,
  ): APIGatewayClient {
    const made = new APIGatewayClient({ ...config, ...own });
    made.middlewareStack.use(plugin());
    return made;
  }

  const client = createClient({ retryStrategy: repeatable() });
  const region = await client.config.region().catch((cause: unknown) => {
    throw regionError(cause);
  });
  let once: APIGatewayClient | undefined;
  // Credentials and connections are found once for both.
  const onceClient = (): APIGatewayClient =>
    (once ??= createClient({ credentials: client.config.credentials, retryStrategy: onceOnly() }));

  async function webSocketConfig(): Promise<ClientConfig> {
    const own = await session.clientConfig('ApiGatewayV2', region);
    return {
      ...config,
      region,
      // Both services are the same host at AWS. Who sends one of them elsewhere does not mean the other to stay there.
      ...(own.endpoint === undefined ? {} : { endpoint: own.endpoint }),
    };
  }

  async function acmConfig(): Promise<ClientConfig> {
    const own = await session.clientConfig('ACM', region);
    const { endpoint: elsewhere } = await callerOf(client, { ...options, region });
    // Who sends API Gateway to something that is not AWS has no certificates at AWS.
    return {
      ...config,
      ...own,
      ...(own.endpoint === undefined && elsewhere !== undefined ? { endpoint: elsewhere } : {}),
    };
  }

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
      const error = toAppError(thrown, operation, {
        region,
        origin: session.origin(),
        endpoint: session.settings.endpoint('API Gateway'),
      });
      report((thrown as { $metadata?: { attempts?: number } }).$metadata?.attempts ?? 1, error.code);
      throw error;
    }
  }

  return { region, client, session, onceClient, webSocketConfig, acmConfig, plugin, call };
}
