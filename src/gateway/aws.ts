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
import type { RestApi, StageRef } from '../core/api-gateway.js';
import { AppError } from '../core/errors.js';
import { partitionOf } from '../core/partition.js';
import { createAwsClient, type AwsClientOptions } from './aws-client.js';
import type { Operation } from './aws-error.js';
import { callerOf } from './caller.js';
import { required, toCertificate, toDeployment, toResource, toStage } from './aws-shapes.js';
import type { Gateway } from './gateway.js';

/** The most that API Gateway gives a page (service model). */
const PAGE_SIZE = 500;
/** Half a million things, where an account has some thousands: a listing that goes on longer never ends. */
const MOST_PAGES = 1_000;

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

/** Reads a listing to its end. */
async function allPages<T>(
  page: (position: string | undefined) => Promise<{ items?: T[] | undefined; position?: string | undefined }>,
) {
  const all: T[] = [];
  const seen = new Set<string>();
  let position: string | undefined;
  do {
    if (position !== undefined) seen.add(position);
    const { items = [], position: next } = await page(position);
    all.push(...items);
    position = next;
    if (position !== undefined && (seen.has(position) || seen.size === MOST_PAGES)) {
      const how = seen.has(position) ? 'the same position came twice' : `${MOST_PAGES} pages came`;
      throw new AppError('RequestRefused', `the pages of a listing never end: ${how}`, {
        hint: 'check --endpoint-url (or AWS_ENDPOINT_URL), and a proxy on the way',
      });
    }
  } while (position !== undefined);
  return all;
}

/** The control plane of AWS itself, or of anything that speaks its protocol at `endpoint`. */
export async function createAwsGateway(options: AwsClientOptions = {}): Promise<Gateway> {
  const { region, client, onceClient, call } = await createAwsClient(options);
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

    getWebSocketApis: () => Promise.resolve([]),
    getWebSocketStages: () => Promise.resolve([]),
    getWebSocketIntegrations: () => Promise.resolve([]),

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
