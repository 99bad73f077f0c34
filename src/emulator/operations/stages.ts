import * as z from 'zod/mini';
import { badRequest, conflict, limitExceeded, notFound } from '../errors.js';
import { newId } from '../ids.js';
import type { Canary, Deployment, RestApi, Stage, World } from '../model.js';
import { operation, seconds, stringMap, type Surroundings } from '../operation.js';
import { page } from '../pagination.js';
import { noPresentation, publishCertificate } from '../presentation.js';
import { tagsBody } from '../tags.js';
import { findApi, findStage } from './lookup.js';
import { patchBody } from './patch.js';
import { checkDeployment, checkPercent, newCanary, patchedStage } from './stage-patch.js';

const DEPLOYMENTS = '/restapis/{restApiId}/deployments';
const STAGES = '/restapis/{restApiId}/stages';
const STAGE = `${STAGES}/{stageName}`;
const MAX_STAGES = 10;

const stageName = z.string().check(z.regex(/^\w[\w-]{0,127}$/, 'Stage name only allows a-zA-Z0-9_-'));

function deploymentOutput(deployment: Deployment): object {
  return {
    id: deployment.id,
    description: deployment.description,
    createdDate: seconds(deployment.createdDate),
  };
}

/** The methods that were deployed, by path and HTTP method. */
function apiSummary({ resources }: Deployment): object {
  const withMethods = [...resources.values()].filter(({ methods }) => methods.size > 0);
  return Object.fromEntries(
    withMethods.map(({ path, methods }) => [
      path,
      Object.fromEntries(
        [...methods].map(([name, { authorizationType }]) => [
          name,
          { authorizationType, apiKeyRequired: false },
        ]),
      ),
    ]),
  );
}

function stageOutput(stage: Stage): object {
  return {
    deploymentId: stage.deploymentId,
    clientCertificateId: stage.clientCertificateId,
    stageName: stage.name,
    description: stage.description,
    cacheClusterEnabled: false,
    cacheClusterStatus: 'NOT_AVAILABLE',
    methodSettings: {},
    canarySettings: stage.canary && canaryOutput(stage.canary),
    variables: stage.variables.size === 0 ? undefined : Object.fromEntries(stage.variables),
    tracingEnabled: false,
    createdDate: seconds(stage.createdDate),
    lastUpdatedDate: seconds(stage.lastUpdatedDate),
    tags: stage.tags.size === 0 ? undefined : Object.fromEntries(stage.tags),
  };
}

function addStage(
  api: RestApi,
  stage: Pick<Stage, 'name' | 'deploymentId'> & Partial<Stage>,
  now: number,
): Stage {
  if (api.stages.size >= MAX_STAGES) {
    throw limitExceeded(
      'Maximum number of stages for this API has been reached. Please contact AWS if you need additional stages.',
    );
  }
  const added: Stage = {
    description: undefined,
    clientCertificateId: undefined,
    canary: undefined,
    presentation: noPresentation(now),
    variables: new Map(),
    tags: new Map(),
    createdDate: now,
    lastUpdatedDate: now,
    ...stage,
  };
  api.stages.set(added.name, added);
  return added;
}

const canaryBody = z.object({
  percentTraffic: z.nullish(z.number()),
  stageVariableOverrides: z.nullish(stringMap),
  useStageCache: z.nullish(z.boolean()),
});

/** The settings of a request, on top of those that there are. */
function withSettings(
  canary: Canary,
  { percentTraffic, stageVariableOverrides, useStageCache }: z.output<typeof canaryBody>,
): Canary {
  return {
    ...canary,
    percentTraffic: checkPercent(percentTraffic ?? canary.percentTraffic),
    stageVariableOverrides: stageVariableOverrides ?? canary.stageVariableOverrides,
    useStageCache: useStageCache ?? canary.useStageCache,
  };
}

/** Recorded answers leave the overrides out where there are none. */
function canaryOutput({ stageVariableOverrides, ...rest }: Canary): object {
  return {
    ...rest,
    stageVariableOverrides:
      stageVariableOverrides.size === 0 ? undefined : Object.fromEntries(stageVariableOverrides),
  };
}

function checkDeployable(api: RestApi): void {
  const methods = [...api.resources.values()].flatMap((resource) => [...resource.methods.values()]);
  if (methods.length === 0) throw badRequest("The REST API doesn't contain any methods");
  if (methods.some((method) => method.integration === undefined)) {
    throw badRequest('No integration defined for method');
  }
}

/** Makes a deployment the canary of a stage, whose own deployment stays. */
function deployCanary(
  api: RestApi,
  deploymentId: string,
  name: string | null | undefined,
  settings: z.output<typeof canaryBody>,
  now: number,
): void {
  const invalid = 'Invalid deployment content specified.';
  if (!name) {
    throw badRequest(
      `${invalid}Non null and non empty stageName must be provided for canary deployment. Provided value is null`,
    );
  }
  const stage = api.stages.get(name);
  if (stage === undefined) {
    throw badRequest(
      `${invalid}Stage ${name} must already be created before making a canary release deployment`,
    );
  }
  stage.canary = withSettings({ ...newCanary(stage), deploymentId }, settings);
  stage.lastUpdatedDate = now;
}

function deployTo(
  api: RestApi,
  deploymentId: string,
  body: {
    stageName: string;
    stageDescription?: string | null | undefined;
    variables?: Map<string, string> | null | undefined;
  },
  { world, clock, settings }: Pick<Surroundings, 'clock' | 'settings'> & { world: World },
): void {
  const now = clock.now().getTime();
  const stage = api.stages.get(body.stageName) ?? addStage(api, { name: body.stageName, deploymentId }, now);
  stage.deploymentId = deploymentId;
  stage.lastUpdatedDate = now;
  if (body.stageDescription) stage.description = body.stageDescription;
  for (const [name, value] of body.variables ?? []) stage.variables.set(name, value);
  if (settings.needRedeploy) publishCertificate(stage, world, now);
}

export const stageOperations = [
  operation({
    name: 'CreateDeployment',
    method: 'POST',
    path: DEPLOYMENTS,
    success: 201,
    body: z.object({
      stageName: z.nullish(stageName),
      stageDescription: z.nullish(z.string()),
      description: z.nullish(z.string()),
      variables: z.nullish(stringMap),
      canarySettings: z.nullish(canaryBody),
    }),
    handle({ world, param, body, clock, settings }) {
      const api = findApi(world, param('restApiId'));
      checkDeployable(api);
      const deployment: Deployment = {
        id: newId(6, (id) => api.deployments.has(id)),
        description: body.description ?? undefined,
        createdDate: clock.now().getTime(),
        resources: structuredClone(api.resources),
      };
      if (body.canarySettings) {
        deployCanary(api, deployment.id, body.stageName, body.canarySettings, deployment.createdDate);
      } else if (body.stageName) {
        deployTo(api, deployment.id, { ...body, stageName: body.stageName }, { world, clock, settings });
      }
      api.deployments.set(deployment.id, deployment);
      return deploymentOutput(deployment);
    },
  }),
  operation({
    name: 'GetDeployment',
    method: 'GET',
    path: `${DEPLOYMENTS}/{deploymentId}`,
    success: 200,
    handle({ world, param, query }) {
      const deployment = findApi(world, param('restApiId')).deployments.get(param('deploymentId'));
      if (deployment === undefined) throw notFound('Invalid Deployment identifier specified');
      return {
        ...deploymentOutput(deployment),
        ...(query.getAll('embed').includes('apisummary') ? { apiSummary: apiSummary(deployment) } : {}),
      };
    },
  }),
  operation({
    name: 'GetDeployments',
    method: 'GET',
    path: DEPLOYMENTS,
    success: 200,
    handle({ world, param, query }) {
      const api = findApi(world, param('restApiId'));
      return page(`deployments/${api.id}`, api.deployments, query, deploymentOutput);
    },
  }),
  operation({
    name: 'CreateStage',
    method: 'POST',
    path: STAGES,
    success: 201,
    body: z.object({
      stageName,
      deploymentId: z.string(),
      description: z.nullish(z.string()),
      variables: z.nullish(stringMap),
      canarySettings: z.nullish(z.extend(canaryBody, { deploymentId: z.nullish(z.string()) })),
      tags: z.nullish(tagsBody),
    }),
    handle({ world, param, body, clock }) {
      const api = findApi(world, param('restApiId'));
      checkDeployment(api, body.deploymentId);
      if (api.stages.has(body.stageName)) throw conflict('Stage already exists');
      const { canarySettings: canary } = body;
      const stage = addStage(
        api,
        {
          name: body.stageName,
          deploymentId: body.deploymentId,
          description: body.description ?? undefined,
          variables: body.variables ?? new Map<string, string>(),
          ...(canary
            ? {
                canary: withSettings(
                  newCanary({
                    deploymentId: checkDeployment(api, canary.deploymentId ?? body.deploymentId),
                  }),
                  canary,
                ),
              }
            : {}),
          // Keys of CloudFormation's own (aws:…) too, so that a managed stage can be made.
          tags: body.tags ?? new Map<string, string>(),
        },
        clock.now().getTime(),
      );
      return stageOutput(stage);
    },
  }),
  operation({
    name: 'GetStages',
    method: 'GET',
    path: STAGES,
    success: 200,
    handle({ world, param, query }) {
      const deploymentId = query.get('deploymentId');
      const stages = [...findApi(world, param('restApiId')).stages.values()];
      return {
        item: stages
          .filter((stage) => deploymentId === null || stage.deploymentId === deploymentId)
          .map(stageOutput),
      };
    },
  }),
  operation({
    name: 'GetStage',
    method: 'GET',
    path: STAGE,
    success: 200,
    handle: ({ world, param }) =>
      stageOutput(findStage(findApi(world, param('restApiId')), param('stageName'))),
  }),
  operation({
    name: 'UpdateStage',
    method: 'PATCH',
    path: STAGE,
    success: 200,
    body: patchBody,
    handle({ world, param, body: { patchOperations }, clock, settings }) {
      const api = findApi(world, param('restApiId'));
      const stage = findStage(api, param('stageName'));
      const now = clock.now().getTime();
      Object.assign(stage, patchedStage(stage, patchOperations, { api, world, clock }), {
        lastUpdatedDate: now,
      });
      if (!settings.needRedeploy) publishCertificate(stage, world, now);
      return stageOutput(stage);
    },
  }),
  operation({
    name: 'DeleteStage',
    method: 'DELETE',
    path: STAGE,
    success: 202,
    handle({ world, param }) {
      const api = findApi(world, param('restApiId'));
      api.stages.delete(findStage(api, param('stageName')).name);
    },
  }),
];
