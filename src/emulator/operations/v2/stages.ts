import * as z from 'zod/mini';
import { badRequest, conflict, limitExceeded } from '../../errors.js';
import { newId } from '../../ids.js';
import type { V2Api, V2Deployment, V2Stage, World } from '../../model.js';
import { stringMap } from '../../operation.js';
import { checkCertificate, noPresentation, publishCertificate } from '../../presentation.js';
import { tagsBody } from '../../tags.js';
import { findApi, findStage } from './lookup.js';
import { isoSeconds, v2Operation, v2Page } from './operation.js';

const DEPLOYMENTS = '/v2/apis/{apiId}/deployments';
const STAGES = '/v2/apis/{apiId}/stages';
const STAGE = `${STAGES}/{stageName}`;
const MAX_STAGES = 10;

function deploymentOutput(deployment: V2Deployment): object {
  return {
    autoDeployed: false,
    createdDate: isoSeconds(deployment.createdDate),
    deploymentId: deployment.id,
    deploymentStatus: 'DEPLOYED',
    description: deployment.description,
  };
}

function output(stage: V2Stage): object {
  return {
    autoDeploy: stage.autoDeploy ? true : undefined,
    clientCertificateId: stage.clientCertificateId,
    createdDate: isoSeconds(stage.createdDate),
    defaultRouteSettings: { dataTraceEnabled: false, detailedMetricsEnabled: false, loggingLevel: 'OFF' },
    deploymentId: stage.deploymentId,
    description: stage.description,
    lastUpdatedDate: isoSeconds(stage.lastUpdatedDate),
    routeSettings: {},
    stageName: stage.name,
    stageVariables: Object.fromEntries(stage.variables),
    tags: Object.fromEntries(stage.tags),
  };
}

/** What CreateStage and UpdateStage may both set. */
const stageBody = z.object({
  autoDeploy: z.nullish(z.boolean()),
  clientCertificateId: z.nullish(z.string()),
  deploymentId: z.nullish(z.string()),
  description: z.nullish(z.string()),
  stageVariables: z.nullish(stringMap),
});

/** An empty id removes the certificate, as in the patches of REST stages. */
function changedCertificate(stage: V2Stage, id: string | undefined, world: World): string | undefined {
  if (id === undefined) return stage.clientCertificateId;
  return id === '' ? undefined : checkCertificate(world, id);
}

/** The stage with what a request sets; the stage given stays as it is. @throws ServiceError 400 */
function withChanges(stage: V2Stage, changes: z.output<typeof stageBody>, api: V2Api, world: World): V2Stage {
  const { clientCertificateId, deploymentId, description } = changes;
  if (clientCertificateId && api.protocolType !== 'WEBSOCKET') {
    throw badRequest('Client certificates are only supported for WEBSOCKET protocol APIs');
  }
  if (deploymentId && !api.deployments.has(deploymentId)) throw badRequest('Deployment id does not exist');
  return {
    ...stage,
    autoDeploy: changes.autoDeploy ?? stage.autoDeploy,
    clientCertificateId: changedCertificate(stage, clientCertificateId ?? undefined, world),
    deploymentId: deploymentId ?? stage.deploymentId,
    description: description ?? stage.description,
    variables: new Map([...stage.variables, ...(changes.stageVariables ?? [])]),
  };
}

export const v2StageOperations = [
  v2Operation({
    name: 'CreateDeployment',
    method: 'POST',
    path: DEPLOYMENTS,
    success: 201,
    body: z.object({ description: z.nullish(z.string()), stageName: z.nullish(z.string()) }),
    handle({ world, param, body, clock }) {
      const api = findApi(world, param('apiId'));
      const now = clock.now().getTime();
      const stage = body.stageName ? findStage(api, body.stageName) : undefined;
      const deployment: V2Deployment = {
        id: newId(6, (id) => api.deployments.has(id)),
        description: body.description ?? undefined,
        createdDate: now,
      };
      api.deployments.set(deployment.id, deployment);
      if (stage) Object.assign(stage, { deploymentId: deployment.id, lastUpdatedDate: now });
      return deploymentOutput(deployment);
    },
  }),
  v2Operation({
    name: 'GetDeployments',
    method: 'GET',
    path: DEPLOYMENTS,
    success: 200,
    handle({ world, param, query }) {
      const api = findApi(world, param('apiId'));
      return v2Page(`deployments/${api.id}`, api.deployments, query, deploymentOutput);
    },
  }),
  v2Operation({
    name: 'CreateStage',
    method: 'POST',
    path: STAGES,
    success: 201,
    body: z.extend(stageBody, {
      stageName: z
        .string()
        .check(z.regex(/^(?:\$default|[\w-]{1,128})$/, 'Stage name only allows a-zA-Z0-9_-')),
      tags: z.nullish(tagsBody),
    }),
    handle({ world, param, body, clock }) {
      const api = findApi(world, param('apiId'));
      if (api.stages.has(body.stageName)) throw conflict('Stage already exists');
      if (api.stages.size >= MAX_STAGES) {
        throw limitExceeded('Maximum number of stages for this API has been reached.');
      }
      const now = clock.now().getTime();
      const empty: V2Stage = {
        name: body.stageName,
        deploymentId: undefined,
        autoDeploy: false,
        description: undefined,
        clientCertificateId: undefined,
        presentation: noPresentation(now),
        variables: new Map(),
        // Keys of CloudFormation's own (aws:…) too, so that a managed stage can be made.
        tags: body.tags ?? new Map<string, string>(),
        createdDate: now,
        lastUpdatedDate: now,
      };
      const stage = withChanges(empty, body, api, world);
      publishCertificate(stage, world, now);
      // Nothing was presented before, so nothing spreads.
      stage.presentation = { ...stage.presentation, former: stage.presentation.certificate };
      api.stages.set(stage.name, stage);
      return output(stage);
    },
  }),
  v2Operation({
    name: 'GetStages',
    method: 'GET',
    path: STAGES,
    success: 200,
    handle({ world, param, query }) {
      const api = findApi(world, param('apiId'));
      return v2Page(`stages/${api.id}`, api.stages, query, output);
    },
  }),
  v2Operation({
    name: 'GetStage',
    method: 'GET',
    path: STAGE,
    success: 200,
    handle: ({ world, param }) => output(findStage(findApi(world, param('apiId')), param('stageName'))),
  }),
  v2Operation({
    name: 'UpdateStage',
    method: 'PATCH',
    path: STAGE,
    success: 200,
    body: stageBody,
    handle({ world, param, body, clock }) {
      const api = findApi(world, param('apiId'));
      const stage = findStage(api, param('stageName'));
      const now = clock.now().getTime();
      Object.assign(stage, withChanges(stage, body, api, world), { lastUpdatedDate: now });
      publishCertificate(stage, world, now);
      return output(stage);
    },
  }),
  v2Operation({
    name: 'DeleteStage',
    method: 'DELETE',
    path: STAGE,
    success: 204,
    handle({ world, param }) {
      const api = findApi(world, param('apiId'));
      api.stages.delete(findStage(api, param('stageName')).name);
    },
  }),
];
