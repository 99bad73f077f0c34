/** From the SDK's shapes, where everything is optional, to what the rest of the tool reasons about. */
import type {
  CanarySettings,
  ClientCertificate as SdkCertificate,
  GetDeploymentCommandOutput,
  Method as SdkMethod,
  Resource as SdkResource,
  Stage as SdkStage,
} from '@aws-sdk/client-api-gateway';
import type {
  Integration as SdkWebSocketIntegration,
  Stage as SdkWebSocketStage,
} from '@aws-sdk/client-apigatewayv2';
import type {
  Canary,
  ClientCertificate,
  Deployment,
  Integration,
  Method,
  Resource,
  Stage,
} from './api-gateway.js';
import { AppError } from '../platform/errors.js';

function incomplete(what: string): AppError {
  return new AppError('ServiceUnreachable', `AWS returned no valid answer: ${what}`, {
    hint: 'check --endpoint-url (or AWS_ENDPOINT_URL) and any proxy in between, then run the command again',
  });
}

/** A member that AWS always sends. @throws AppError `ServiceUnreachable` when it did not */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw incomplete(`${what} is missing`);
  return value;
}

/** A member that repeats what was asked. @throws AppError `ServiceUnreachable` for an answer about something else */
export function asAsked(value: string | undefined, asked: string, what: string): void {
  if (value !== undefined && value !== asked)
    throw incomplete(`${what} is ${value}, but ${asked} was requested`);
}

/** @param asked the id that was asked for, where one was */
export function toCertificate(raw: SdkCertificate, asked?: string): ClientCertificate {
  if (asked !== undefined) asAsked(raw.clientCertificateId, asked, 'clientCertificateId');
  return {
    clientCertificateId: required(raw.clientCertificateId, 'clientCertificateId'),
    ...(raw.description === undefined ? {} : { description: raw.description }),
    createdDate: required(raw.createdDate, 'createdDate'),
    expirationDate: required(raw.expirationDate, 'expirationDate'),
    pemEncodedCertificate: required(raw.pemEncodedCertificate, 'pemEncodedCertificate'),
    tags: raw.tags ?? {},
  };
}

/** @param asked the name that was asked for, where one was */
export function toStage(restApiId: string, raw: SdkStage, asked?: string): Stage {
  if (asked !== undefined) asAsked(raw.stageName, asked, 'stageName');
  return {
    restApiId,
    stageName: required(raw.stageName, 'stageName'),
    deploymentId: raw.deploymentId ?? '',
    ...(raw.clientCertificateId ? { clientCertificateId: raw.clientCertificateId } : {}),
    ...(raw.createdDate === undefined ? {} : { createdDate: raw.createdDate }),
    ...(raw.lastUpdatedDate === undefined ? {} : { lastUpdatedDate: raw.lastUpdatedDate }),
    variables: raw.variables ?? {},
    tags: raw.tags ?? {},
    ...(raw.canarySettings === undefined ? {} : { canary: toCanary(raw.canarySettings) }),
  };
}

function toCanary({ percentTraffic, deploymentId, stageVariableOverrides }: CanarySettings): Canary {
  return {
    percentTraffic: required(percentTraffic, 'percentTraffic of a canary'),
    deploymentId: required(deploymentId, 'deploymentId of a canary'),
    variables: stageVariableOverrides ?? {},
  };
}

/** A stage of a WebSocket API. @param asked as in {@link toStage} */
export function toWebSocketStage(apiId: string, raw: Partial<SdkWebSocketStage>, asked?: string): Stage {
  if (asked !== undefined) asAsked(raw.StageName, asked, 'stageName');
  return {
    restApiId: apiId,
    stageName: required(raw.StageName, 'stageName'),
    protocolType: 'WEBSOCKET',
    deploymentId: raw.DeploymentId ?? '',
    ...(raw.ClientCertificateId ? { clientCertificateId: raw.ClientCertificateId } : {}),
    ...(raw.CreatedDate === undefined ? {} : { createdDate: raw.CreatedDate }),
    ...(raw.LastUpdatedDate === undefined ? {} : { lastUpdatedDate: raw.LastUpdatedDate }),
    variables: raw.StageVariables ?? {},
    tags: raw.Tags ?? {},
  };
}

/** Of a WebSocket API, whose integrations always verify the certificate of the backend. */
export function toWebSocketIntegration(raw: SdkWebSocketIntegration): Integration {
  return {
    type: required(raw.IntegrationType, 'integrationType'),
    ...(raw.IntegrationUri === undefined ? {} : { uri: raw.IntegrationUri }),
    ...(raw.IntegrationMethod === undefined ? {} : { httpMethod: raw.IntegrationMethod }),
    ...(raw.ConnectionType === undefined ? {} : { connectionType: raw.ConnectionType }),
    insecureSkipVerification: false,
  };
}

function toMethod(httpMethod: string, raw: SdkMethod): Method {
  const integration = raw.methodIntegration;
  return {
    httpMethod,
    ...(raw.authorizationType === undefined ? {} : { authorizationType: raw.authorizationType }),
    ...(raw.apiKeyRequired === undefined ? {} : { apiKeyRequired: raw.apiKeyRequired }),
    requiredParameters: Object.entries(raw.requestParameters ?? {})
      .filter(([, isRequired]) => isRequired)
      .map(([name]) => name),
    ...(integration?.type === undefined
      ? {}
      : {
          integration: {
            type: integration.type,
            ...(integration.uri === undefined ? {} : { uri: integration.uri }),
            ...(integration.httpMethod === undefined ? {} : { httpMethod: integration.httpMethod }),
            ...(integration.connectionType === undefined
              ? {}
              : { connectionType: integration.connectionType }),
            insecureSkipVerification: integration.tlsConfig?.insecureSkipVerification ?? false,
          },
        }),
  };
}

export function toResource(raw: SdkResource): Resource {
  return {
    id: required(raw.id, 'the id of a resource'),
    path: raw.path ?? '/',
    methods: Object.entries(raw.resourceMethods ?? {}).map(([name, method]) => toMethod(name, method)),
  };
}

export function toDeployment(id: string, raw: GetDeploymentCommandOutput): Deployment {
  return {
    id,
    description: raw.description ?? '',
    methods: Object.entries(raw.apiSummary ?? {}).flatMap(([path, methods]) =>
      Object.entries(methods).map(([httpMethod, { authorizationType = 'NONE', apiKeyRequired = false }]) => ({
        path,
        httpMethod,
        authorizationType,
        apiKeyRequired,
      })),
    ),
  };
}
