import { setTimeout as sleep } from 'node:timers/promises';
import {
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
import type { AcmCalls } from './aws-acm.js';
import type { RestApi } from './api-gateway.js';
import { AppError, UNKNOWN_OUTCOME } from '../platform/errors.js';
import { partitionOf } from '../aws/partition.js';
import { createAwsClient, type AwsClientOptions } from './aws-client.js';
import type { Operation } from './aws-error.js';
import { callerOf } from './resolve-caller.js';
import { required, toCertificate, toDeployment, toResource, toStage } from './aws-shapes.js';
import type { WebSocketCalls } from './aws-web-socket.js';
import type { ControlPlane } from './control-plane.js';
import { apiOperation, certificateOperation, stageOperation } from './operations.js';
import { assertGenerated } from './generated-only.js';
import { isAcmArn } from './inventory.js';
import { allPages } from './pages.js';

/** The most that API Gateway gives a page (service model). */
const PAGE_SIZE = 500;

/** Attempts in all, and between the first two, in milliseconds; doubled from one to the next. */
const ATTEMPTS = 5;
const AGAIN_AFTER = 200;

/**
 * Deletes until there is an answer. The SDK would, too, but hide that the certificate was gone by an earlier attempt whose
 * answer was lost: then it is not missing, but deleted.
 */
async function untilGone(attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (tries > 1 && error.code === 'CertificateNotFound') return;
      if (!UNKNOWN_OUTCOME.has(error.code) || tries === ATTEMPTS) throw error;
      await sleep(AGAIN_AFTER * 2 ** (tries - 1));
    }
  }
}

/** The control plane of AWS itself, or of anything that speaks its protocol at `endpoint`. */
export async function createAwsControlPlane(options: AwsClientOptions = {}): Promise<ControlPlane> {
  const aws = await createAwsClient(options);
  const { region, client, onceClient, call } = aws;
  let loaded: Promise<WebSocketCalls> | undefined;
  // Most commands have no use for it.
  const webSocket = (): Promise<WebSocketCalls> =>
    (loaded ??= import('./aws-web-socket.js').then(({ createWebSocketCalls }) => createWebSocketCalls(aws)));
  let acmCalls: Promise<AcmCalls> | undefined;
  const acm = (): Promise<AcmCalls> =>
    (acmCalls ??= import('./aws-acm.js').then(({ createAcmCalls }) => createAcmCalls(aws)));
  const certificateArn = (id: string): string =>
    `arn:${partitionOf(region)}:apigateway:${region}::/clientcertificates/${id}`;
  const tagOperation = (name: string, action: string, id: string): Operation => ({
    ...certificateOperation(name, action, id),
    resource: `/tags/${encodeURIComponent(certificateArn(id))}`,
  });

  return {
    region,
    caller: () => callerOf(client, { ...options, region }),

    async generateClientCertificate({ description, tags }) {
      const operation = certificateOperation('GenerateClientCertificate', 'POST');
      const command = new GenerateClientCertificateCommand({
        ...(description === undefined ? {} : { description }),
        ...(tags === undefined ? {} : { tags: { ...tags } }),
      });
      return toCertificate(await call(operation, () => onceClient().send(command)));
    },

    async getClientCertificates() {
      const operation = certificateOperation('GetClientCertificates', 'GET');
      const raw = await allPages<SdkCertificate>((position) =>
        call(operation, () => client.send(new GetClientCertificatesCommand({ limit: PAGE_SIZE, position }))),
      );
      return raw.map((each) => toCertificate(each));
    },

    async getClientCertificate(clientCertificateId) {
      assertGenerated(clientCertificateId);
      const operation = certificateOperation('GetClientCertificate', 'GET', clientCertificateId);
      const output = await call(operation, () =>
        client.send(new GetClientCertificateCommand({ clientCertificateId })),
      );
      return toCertificate(output, clientCertificateId);
    },

    async updateClientCertificate(clientCertificateId, description) {
      assertGenerated(clientCertificateId);
      const operation = certificateOperation('UpdateClientCertificate', 'PATCH', clientCertificateId);
      const patchOperations = [{ op: 'replace' as const, path: '/description', value: description }];
      const output = await call(operation, () =>
        client.send(new UpdateClientCertificateCommand({ clientCertificateId, patchOperations })),
      );
      return toCertificate(output, clientCertificateId);
    },

    async deleteClientCertificate(clientCertificateId) {
      assertGenerated(clientCertificateId);
      const operation = certificateOperation('DeleteClientCertificate', 'DELETE', clientCertificateId);
      await untilGone(() =>
        call(operation, () => onceClient().send(new DeleteClientCertificateCommand({ clientCertificateId }))),
      );
    },

    async tagClientCertificate(id, tags) {
      if (isAcmArn(id)) return (await acm()).tag(id, tags);
      const resourceArn = certificateArn(id);
      await call(tagOperation('TagResource', 'PUT', id), () =>
        client.send(new TagResourceCommand({ resourceArn, tags: { ...tags } })),
      );
    },

    async untagClientCertificate(id, tagKeys) {
      if (isAcmArn(id)) return (await acm()).untag(id, tagKeys);
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
      return raw.map(({ id, name, endpointConfiguration }): RestApi => ({
        id: required(id, 'the id of an API'),
        name: name ?? '',
        ...(endpointConfiguration?.types ? { endpointTypes: endpointConfiguration.types } : {}),
      }));
    },

    async getStages(restApiId) {
      const operation = apiOperation('GetStages', 'GET', restApiId, '/stages', `REST API ${restApiId}`);
      const output = await call(operation, () => client.send(new GetStagesCommand({ restApiId })));
      return (output.item ?? []).map((stage) => toStage(restApiId, stage));
    },

    getAcmCertificate: async (arn) => (await acm()).read(arn),
    getAcmTags: async (arn) => (await acm()).tags(arn),
    importAcmCertificate: async (input) => (await acm()).import(input),
    importedAcmCertificates: async (notAfter) => (await acm()).importedUntil(notAfter),
    getWebSocketApis: async () => (await webSocket()).getApis(),
    getWebSocketStages: async (apiId) => (await webSocket()).getStages(apiId),
    getWebSocketIntegrations: async (apiId) => (await webSocket()).getIntegrations(apiId),

    async getStage(stage) {
      if (stage.protocolType === 'WEBSOCKET') return (await webSocket()).getStage(stage);
      const output = await call(stageOperation('GetStage', 'GET', stage), () =>
        client.send(new GetStageCommand({ restApiId: stage.restApiId, stageName: stage.stageName })),
      );
      return toStage(stage.restApiId, output, stage.stageName);
    },

    async setStageCertificate(stage, clientCertificateId) {
      if (stage.protocolType === 'WEBSOCKET') {
        return (await webSocket()).setStageCertificate(stage, clientCertificateId);
      }
      const { restApiId, stageName } = stage;
      // The reference of patch operations lists no `remove` for this path: an empty value removes it.
      const patchOperations = [
        { op: 'replace' as const, path: '/clientCertificateId', value: clientCertificateId ?? '' },
      ];
      const output = await call(stageOperation('UpdateStage', 'PATCH', stage), () =>
        onceClient().send(new UpdateStageCommand({ restApiId, stageName, patchOperations })),
      );
      return toStage(restApiId, output, stageName);
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
