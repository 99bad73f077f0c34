/** From the SDK's shapes, where everything is optional, to what the rest of the tool reasons about. */
import type {
  CanarySettings,
  ClientCertificate as SdkCertificate,
  GetDeploymentCommandOutput,
  Method as SdkMethod,
  Resource as SdkResource,
  Stage as SdkStage,
} from '@aws-sdk/client-api-gateway';
import type { Canary, ClientCertificate, Deployment, Method, Resource, Stage } from '../core/api-gateway.js';
import { AppError } from '../core/errors.js';

/** A member that AWS always sends. @throws AppError `RequestRefused` when it did not */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new AppError('RequestRefused', `AWS's answer lacks ${what}`);
  return value;
}

export function toCertificate(raw: SdkCertificate): ClientCertificate {
  return {
    clientCertificateId: required(raw.clientCertificateId, 'clientCertificateId'),
    ...(raw.description === undefined ? {} : { description: raw.description }),
    createdDate: required(raw.createdDate, 'createdDate'),
    expirationDate: required(raw.expirationDate, 'expirationDate'),
    pemEncodedCertificate: required(raw.pemEncodedCertificate, 'pemEncodedCertificate'),
    tags: raw.tags ?? {},
  };
}

export function toStage(restApiId: string, raw: SdkStage): Stage {
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
    percentTraffic: percentTraffic ?? 0,
    deploymentId: deploymentId ?? '',
    variables: stageVariableOverrides ?? {},
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
