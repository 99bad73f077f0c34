import {
  ApiGatewayV2Client,
  GetApisCommand,
  GetIntegrationsCommand,
  GetStageCommand,
  GetStagesCommand,
  UpdateStageCommand,
} from '@aws-sdk/client-apigatewayv2';
import type { Integration, RestApi, Stage, StageRef } from './api-gateway.js';
import type { AwsClient } from './aws-client.js';
import { required, toWebSocketIntegration, toWebSocketStage } from './aws-shapes.js';
import { webSocketOperation, webSocketStageOperation } from './operations.js';
import { allPages } from './pages.js';
import { onceOnly, repeatable } from './retry.js';

/** The calls of a control plane that are about WebSocket APIs. */
export interface WebSocketCalls {
  getApis(): Promise<RestApi[]>;
  getStages(apiId: string): Promise<Stage[]>;
  getStage(stage: StageRef): Promise<Stage>;
  setStageCertificate(stage: StageRef, clientCertificateId: string | undefined): Promise<Stage>;
  getIntegrations(apiId: string): Promise<Integration[]>;
}

/**
 * WebSocket APIs, in apigatewayv2. Its documentation names no largest page, so that the pages are as large as AWS makes
 * them. Its lists are there when they are empty (recorded 2018-12 and 2019-06); one that is missing says nothing.
 */
export async function createWebSocketCalls({
  webSocketConfig,
  plugin,
  call,
}: Pick<AwsClient, 'webSocketConfig' | 'plugin' | 'call'>): Promise<WebSocketCalls> {
  const config = await webSocketConfig();
  const createClient = (retryStrategy: ReturnType<typeof repeatable>): ApiGatewayV2Client => {
    const made = new ApiGatewayV2Client({ ...config, retryStrategy });
    made.middlewareStack.use(plugin());
    return made;
  };
  const client = createClient(repeatable());
  const onceClient = createClient(onceOnly());

  return {
    async getApis() {
      const operation = webSocketOperation('GetApis', 'GET');
      const raw = await allPages(async (position) => {
        const output = await call(operation, () => client.send(new GetApisCommand({ NextToken: position })));
        return { items: required(output.Items, 'items'), position: output.NextToken };
      });
      return raw.flatMap(({ ApiId, Name, ProtocolType }): RestApi[] =>
        required(ProtocolType, 'protocolType of an API') === 'WEBSOCKET'
          ? [{ id: required(ApiId, 'the id of an API'), name: Name ?? '', protocolType: 'WEBSOCKET' }]
          : [],
      );
    },

    async getStages(apiId) {
      const operation = webSocketOperation('GetStages', 'GET', { apiId, below: '/stages' });
      const raw = await allPages(async (position) => {
        const output = await call(operation, () =>
          client.send(new GetStagesCommand({ ApiId: apiId, NextToken: position })),
        );
        return { items: required(output.Items, 'items'), position: output.NextToken };
      });
      return raw.map((stage) => toWebSocketStage(apiId, stage));
    },

    async getStage(stage) {
      const output = await call(webSocketStageOperation('GetStage', 'GET', stage), () =>
        client.send(new GetStageCommand({ ApiId: stage.restApiId, StageName: stage.stageName })),
      );
      return toWebSocketStage(stage.restApiId, output, stage.stageName);
    },

    async setStageCertificate(stage, clientCertificateId) {
      const output = await call(webSocketStageOperation('UpdateStage', 'PATCH', stage), () =>
        onceClient.send(
          new UpdateStageCommand({
            ApiId: stage.restApiId,
            StageName: stage.stageName,
            ClientCertificateId: clientCertificateId ?? '',
          }),
        ),
      );
      return toWebSocketStage(stage.restApiId, output, stage.stageName);
    },

    async getIntegrations(apiId) {
      const operation = webSocketOperation('GetIntegrations', 'GET', { apiId, below: '/integrations' });
      const raw = await allPages(async (position) => {
        const output = await call(operation, () =>
          client.send(new GetIntegrationsCommand({ ApiId: apiId, NextToken: position })),
        );
        return { items: required(output.Items, 'items'), position: output.NextToken };
      });
      return raw.map(toWebSocketIntegration);
    },
  };
}
