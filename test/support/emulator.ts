import {
  APIGatewayClient,
  CreateDeploymentCommand,
  CreateResourceCommand,
  CreateRestApiCommand,
  GenerateClientCertificateCommand,
  PutIntegrationCommand,
  PutMethodCommand,
  UpdateStageCommand,
} from '@aws-sdk/client-api-gateway';
import {
  ApiGatewayV2Client,
  CreateApiCommand,
  CreateIntegrationCommand,
  CreateRouteCommand,
  CreateStageCommand,
} from '@aws-sdk/client-apigatewayv2';
import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulator/index.js';
import { certificateFacts } from '../../src/certificates/parse.js';
import { startBackend, type Backend } from './backend.js';

/** The SDK's client for an emulator; without retries unless asked for, so that each answer is seen. */
export function clientOf(
  emulator: Pick<Emulator, 'url'>,
  options: { region?: string; accessKeyId?: string; maxAttempts?: number } = {},
): APIGatewayClient {
  const { region = 'eu-central-1', accessKeyId = 'AKIDTEST', maxAttempts = 1 } = options;
  return new APIGatewayClient({
    endpoint: emulator.url,
    region,
    credentials: { accessKeyId, secretAccessKey: 'secret' },
    maxAttempts,
  });
}

export interface ApiFixture {
  restApiId: string;
  /** Of `/health`, with the method GET. */
  healthResourceId: string;
  /** Of `/{proxy+}`, with the method ANY. */
  proxyResourceId: string;
  stageName: string;
  /** The stage's URL, without a slash at its end. */
  invokeUrl: string;
}

/** Makes an API whose `GET /health` and `ANY /{proxy+}` are passed on to the backend, deployed to the stage. */
export async function makeApi(
  emulator: Pick<Emulator, 'url'>,
  client: APIGatewayClient,
  backendUrl: string,
  { name = 'orders', stageName = 'prod' } = {},
): Promise<ApiFixture> {
  const api = await client.send(new CreateRestApiCommand({ name }));
  const restApiId = String(api.id);

  async function resource(pathPart: string, httpMethod: string, uri: string): Promise<string> {
    const parentId = String(api.rootResourceId);
    const { id } = await client.send(new CreateResourceCommand({ restApiId, parentId, pathPart }));
    const resourceId = String(id);
    const method = { restApiId, resourceId, httpMethod };
    await client.send(new PutMethodCommand({ ...method, authorizationType: 'NONE' }));
    await client.send(
      new PutIntegrationCommand({ ...method, type: 'HTTP_PROXY', integrationHttpMethod: httpMethod, uri }),
    );
    return resourceId;
  }

  const healthResourceId = await resource('health', 'GET', `${backendUrl}/health`);
  const proxyResourceId = await resource('{proxy+}', 'ANY', `${backendUrl}/{proxy}`);
  await client.send(new CreateDeploymentCommand({ restApiId, stageName }));
  const invokeUrl = `${emulator.url}/restapis/${restApiId}/${stageName}/_user_request_`;
  return { restApiId, healthResourceId, proxyResourceId, stageName, invokeUrl };
}

/** The SDK's client of apigatewayv2, as {@link clientOf}. */
export function v2ClientOf(
  emulator: Pick<Emulator, 'url'>,
  options: { region?: string; accessKeyId?: string } = {},
): ApiGatewayV2Client {
  const { region = 'eu-central-1', accessKeyId = 'AKIDTEST' } = options;
  return new ApiGatewayV2Client({
    endpoint: emulator.url,
    region,
    credentials: { accessKeyId, secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
}

/** A stage of a WebSocket API, whose `$default` route passes messages on to a backend. */
export interface WebSocketFixture {
  apiId: string;
  stageName: string;
  /** Where a message for `$default` is sent to. */
  messageUrl: string;
}

/** Makes a WebSocket API with one stage that may present a certificate. */
export async function makeWebSocketApi(
  emulator: Pick<Emulator, 'url'>,
  client: ApiGatewayV2Client,
  {
    name = 'chat',
    stageName = 'prod',
    backendUrl,
    certificateId,
  }: { name?: string; stageName?: string; backendUrl?: string; certificateId?: string } = {},
): Promise<WebSocketFixture> {
  const { ApiId: apiId = '' } = await client.send(
    new CreateApiCommand({
      Name: name,
      ProtocolType: 'WEBSOCKET',
      RouteSelectionExpression: '$request.body.action',
    }),
  );
  if (backendUrl !== undefined) {
    const { IntegrationId = '' } = await client.send(
      new CreateIntegrationCommand({
        ApiId: apiId,
        IntegrationType: 'HTTP_PROXY',
        IntegrationMethod: 'POST',
        IntegrationUri: `${backendUrl}/messages`,
      }),
    );
    await client.send(
      new CreateRouteCommand({
        ApiId: apiId,
        RouteKey: '$default',
        Target: `integrations/${IntegrationId}`,
      }),
    );
  }
  await client.send(
    new CreateStageCommand({ ApiId: apiId, StageName: stageName, ClientCertificateId: certificateId }),
  );
  return {
    apiId,
    stageName,
    messageUrl: `${emulator.url}/v2/apis/${apiId}/${stageName}/_user_request_/$default`,
  };
}

export interface GeneratedCertificate {
  id: string;
  pem: string;
  /** SHA-256, as the backend's pins. */
  fingerprint: string;
}

export async function generateCertificate(client: APIGatewayClient): Promise<GeneratedCertificate> {
  const made = await client.send(new GenerateClientCertificateCommand({}));
  const pem = String(made.pemEncodedCertificate);
  return { id: String(made.clientCertificateId), pem, fingerprint: certificateFacts(pem).fingerprintSha256 };
}

/** Sets the certificate of a stage; an empty id takes it away. */
export async function attachCertificate(
  client: APIGatewayClient,
  { restApiId, stageName }: Pick<ApiFixture, 'restApiId' | 'stageName'>,
  clientCertificateId: string,
): Promise<void> {
  await client.send(
    new UpdateStageCommand({
      restApiId,
      stageName,
      patchOperations: [{ op: 'replace', path: '/clientCertificateId', value: clientCertificateId }],
    }),
  );
}

/** An emulator, and a backend that accepts exactly the certificate of the one deployed stage. */
export interface Lab {
  emulator: Emulator;
  client: APIGatewayClient;
  backend: Backend;
  api: ApiFixture;
  certificate: GeneratedCertificate;
  close(): Promise<void>;
}

/** Starts a {@link Lab}; without a rate limit unless the options say otherwise. */
export async function startLab(options: EmulatorOptions = {}): Promise<Lab> {
  const backend = await startBackend();
  const emulator = await startEmulator({ rateLimit: false, backendCa: backend.caPem, ...options });
  const client = clientOf(emulator);
  const certificate = await generateCertificate(client);
  backend.pins.add(certificate.fingerprint);
  const api = await makeApi(emulator, client, backend.url);
  await attachCertificate(client, api, certificate.id);
  return {
    emulator,
    client,
    backend,
    api,
    certificate,
    async close() {
      client.destroy();
      await emulator.close();
      await backend.close();
    },
  };
}
