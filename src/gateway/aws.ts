import {
  APIGatewayClient,
  type APIGatewayClientConfig,
  CreateDeploymentCommand,
  DeleteClientCertificateCommand,
  GenerateClientCertificateCommand,
  GetClientCertificateCommand,
  GetClientCertificatesCommand,
  GetDeploymentCommand,
  GetResourcesCommand,
  GetRestApisCommand,
  GetStageCommand,
  GetStagesCommand,
  TagResourceCommand,
  TestInvokeMethodCommand,
  UntagResourceCommand,
  UpdateClientCertificateCommand,
  UpdateStageCommand,
  type ClientCertificate as SdkCertificate,
} from '@aws-sdk/client-api-gateway';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import type { RestApi, StageRef } from '../core/api-gateway.js';
import { AppError } from '../core/errors.js';
import { partitionOf } from '../core/partition.js';
import { toAppError, type Operation } from './aws-error.js';
import { required, toCertificate, toDeployment, toResource, toStage } from './aws-shapes.js';
import type { Gateway } from './gateway.js';
import { pacePlugin, type WithConnection } from './pace-middleware.js';
import type { Pace } from './pace.js';
import { onceOnly, repeatable } from './retry.js';
import { SILENT } from './silent.js';

/** How to reach one account and Region; what is left out comes from the SDK's default chains. */
export interface AwsGatewayOptions {
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

/** The most that API Gateway gives a page (service model). */
const PAGE_SIZE = 500;
/** API Gateway itself ends a backend call after 29 s. Milliseconds. */
const REQUEST_TIMEOUT = 35_000;
const CONNECTION_TIMEOUT = 5_000;
/** More than are ever used at once. */
const MAX_SOCKETS = 256;

/** Connections to AWS; shared by all gateways of a fleet, which would keep some open each. */
export function createRequestHandler({
  requestTimeout = REQUEST_TIMEOUT,
}: Pick<AwsGatewayOptions, 'requestTimeout'> = {}): NodeHttpHandler {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return new NodeHttpHandler({
    connectionTimeout: CONNECTION_TIMEOUT,
    requestTimeout,
    throwOnRequestTimeout: true,
    httpAgent: agent,
    httpsAgent: agent,
  });
}

const certificateOperation = (name: string, action: string, id?: string): Operation => ({
  name,
  action: `apigateway:${action}`,
  resource: id === undefined ? '/clientcertificates' : `/clientcertificates/${id}`,
  notFound: {
    code: 'CertificateNotFound',
    message: `there is no client certificate ${id ?? ''} in this account and Region`,
    hint: '`apigw-cert list` shows the ones there are; check --profile and --region',
  },
});

const apiOperation = (
  name: string,
  action: string,
  restApiId: string,
  below: string,
  what: string,
): Operation => ({
  name,
  action: `apigateway:${action}`,
  resource: `/restapis/${restApiId}${below}`,
  notFound: {
    code: 'StageNotFound',
    message: `there is no ${what} in this account and Region`,
    hint: 'check the id, --profile and --region',
  },
});

const stageOperation = (name: string, action: string, { restApiId, stageName }: StageRef): Operation =>
  apiOperation(name, action, restApiId, `/stages/${stageName}`, `stage ${restApiId}/${stageName}`);

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

/** The control plane of AWS itself, or of anything that speaks its protocol at `endpoint`. */
export async function createAwsGateway(options: AwsGatewayOptions = {}): Promise<Gateway> {
  const { endpoint, profile, onCall } = options;
  // The SDK announces on every start that its future versions want Node 22. The version in use is fixed here and
  // runs on 20.19, so the notice would only wake the reader of a cron mail.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const config = {
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(profile === undefined ? {} : { profile }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    logger: SILENT,
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
  let generator: APIGatewayClient | undefined;
  // Made when it is needed: most commands generate nothing. Credentials and connections are found once for both.
  const generatorOf = (): APIGatewayClient =>
    (generator ??= createClient({
      credentials: client.config.credentials,
      retryStrategy: onceOnly(),
    }));

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

  async function allPages<T>(
    page: (
      position: string | undefined,
    ) => Promise<{ items?: T[] | undefined; position?: string | undefined }>,
  ) {
    const all: T[] = [];
    const seen = new Set<string>();
    let position: string | undefined;
    do {
      const { items = [], position: next } = await page(position);
      all.push(...items);
      position = next;
      if (position !== undefined && seen.has(position)) {
        throw new AppError(
          'RequestRefused',
          'the pages of a listing never end: AWS gave the same position twice',
        );
      }
      if (position !== undefined) seen.add(position);
    } while (position !== undefined);
    return all;
  }

  const certificateArn = (id: string): string =>
    `arn:${partitionOf(region)}:apigateway:${region}::/clientcertificates/${id}`;
  const tagOperation = (name: string, action: string, id: string): Operation => ({
    ...certificateOperation(name, action, id),
    resource: `/tags/${encodeURIComponent(certificateArn(id))}`,
  });

  return {
    region,

    async generateClientCertificate({ description, tags }) {
      const operation = certificateOperation('GenerateClientCertificate', 'POST');
      const command = new GenerateClientCertificateCommand({
        ...(description === undefined ? {} : { description }),
        ...(tags === undefined ? {} : { tags: { ...tags } }),
      });
      return toCertificate(await call(operation, () => generatorOf().send(command)));
    },

    async getClientCertificates() {
      const operation = certificateOperation('GetClientCertificates', 'GET');
      const raw = await allPages<SdkCertificate>((position) =>
        call(operation, () => client.send(new GetClientCertificatesCommand({ limit: PAGE_SIZE, position }))),
      );
      return raw.map(toCertificate);
    },

    async getClientCertificate(clientCertificateId) {
      const operation = certificateOperation('GetClientCertificate', 'GET', clientCertificateId);
      return toCertificate(
        await call(operation, () => client.send(new GetClientCertificateCommand({ clientCertificateId }))),
      );
    },

    async updateClientCertificate(clientCertificateId, description) {
      const operation = certificateOperation('UpdateClientCertificate', 'PATCH', clientCertificateId);
      const patchOperations = [{ op: 'replace' as const, path: '/description', value: description }];
      return toCertificate(
        await call(operation, () =>
          client.send(new UpdateClientCertificateCommand({ clientCertificateId, patchOperations })),
        ),
      );
    },

    async deleteClientCertificate(clientCertificateId) {
      const operation = certificateOperation('DeleteClientCertificate', 'DELETE', clientCertificateId);
      await call(operation, () => client.send(new DeleteClientCertificateCommand({ clientCertificateId })));
    },

    async tagClientCertificate(id, tags) {
      const resourceArn = certificateArn(id);
      await call(tagOperation('TagResource', 'PUT', id), () =>
        client.send(new TagResourceCommand({ resourceArn, tags: { ...tags } })),
      );
    },

    async untagClientCertificate(id, tagKeys) {
      const resourceArn = certificateArn(id);
      await call(tagOperation('UntagResource', 'DELETE', id), () =>
        client.send(new UntagResourceCommand({ resourceArn, tagKeys: [...tagKeys] })),
      );
    },

    async getRestApis() {
      const operation: Operation = {
        ...apiOperation('GetRestApis', 'GET', '', '', 'REST API'),
        resource: '/restapis',
      };
      const raw = await allPages((position) =>
        call(operation, () => client.send(new GetRestApisCommand({ limit: PAGE_SIZE, position }))),
      );
      return raw.map(({ id, name }): RestApi => ({ id: required(id, 'the id of an API'), name: name ?? '' }));
    },

    async getStages(restApiId) {
      const operation = apiOperation('GetStages', 'GET', restApiId, '/stages', `REST API ${restApiId}`);
      const output = await call(operation, () => client.send(new GetStagesCommand({ restApiId })));
      return (output.item ?? []).map((stage) => toStage(restApiId, stage));
    },

    async getStage(stage) {
      const output = await call(stageOperation('GetStage', 'GET', stage), () =>
        client.send(new GetStageCommand({ restApiId: stage.restApiId, stageName: stage.stageName })),
      );
      return toStage(stage.restApiId, output);
    },

    async setStageCertificate({ restApiId, stageName }, clientCertificateId) {
      const path = '/clientCertificateId';
      const patchOperations =
        clientCertificateId === undefined
          ? [{ op: 'remove' as const, path }]
          : [{ op: 'replace' as const, path, value: clientCertificateId }];
      const output = await call(stageOperation('UpdateStage', 'PATCH', { restApiId, stageName }), () =>
        client.send(new UpdateStageCommand({ restApiId, stageName, patchOperations })),
      );
      return toStage(restApiId, output);
    },

    async getResources(restApiId) {
      const operation = apiOperation('GetResources', 'GET', restApiId, '/resources', `REST API ${restApiId}`);
      const raw = await allPages((position) =>
        call(operation, () =>
          client.send(new GetResourcesCommand({ restApiId, limit: PAGE_SIZE, embed: ['methods'], position })),
        ),
      );
      return raw.map(toResource);
    },

    async testInvokeMethod({ restApiId, resourceId, httpMethod, ...rest }) {
      const operation = apiOperation(
        'TestInvokeMethod',
        'POST',
        restApiId,
        `/resources/${resourceId}/methods/${httpMethod}`,
        `method ${httpMethod} on resource ${resourceId} of API ${restApiId}, or no such client certificate,`,
      );
      const { pathWithQueryString, clientCertificateId, stageVariables } = rest;
      const output = await call(operation, () =>
        client.send(
          new TestInvokeMethodCommand({
            restApiId,
            resourceId,
            httpMethod,
            ...(pathWithQueryString === undefined ? {} : { pathWithQueryString }),
            ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
            ...(stageVariables === undefined ? {} : { stageVariables: { ...stageVariables } }),
          }),
        ),
      );
      return {
        status: required(output.status, 'status'),
        body: output.body ?? '',
        log: output.log ?? '',
        latency: output.latency ?? 0,
      };
    },

    async getDeployment(restApiId, deploymentId) {
      const below = `/deployments/${deploymentId}`;
      const what = `deployment ${deploymentId} of REST API ${restApiId}`;
      const output = await call(apiOperation('GetDeployment', 'GET', restApiId, below, what), () =>
        client.send(new GetDeploymentCommand({ restApiId, deploymentId, embed: ['apisummary'] })),
      );
      return toDeployment(deploymentId, output);
    },

    async createDeployment(stage, description) {
      const operation = apiOperation(
        'CreateDeployment',
        'POST',
        stage.restApiId,
        '/deployments',
        `REST API ${stage.restApiId}`,
      );
      const output = await call(operation, () =>
        client.send(new CreateDeploymentCommand({ ...stage, description })),
      );
      return { id: required(output.id, 'the id of a deployment') };
    },
  };
}
