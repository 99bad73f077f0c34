import * as z from 'zod/mini';
import { badRequest, conflict } from '../../errors.js';
import { newId } from '../../ids.js';
import type { V2Integration, V2Route } from '../../model.js';
import { findApi, findIntegration } from './lookup.js';
import { v2Operation, v2Page } from './operation.js';

const INTEGRATIONS = '/v2/apis/{apiId}/integrations';
const INTEGRATION = `${INTEGRATIONS}/{integrationId}`;
const ROUTES = '/v2/apis/{apiId}/routes';

function output(integration: V2Integration): object {
  return {
    connectionType: integration.connectionType,
    integrationId: integration.id,
    integrationMethod: integration.method,
    integrationType: integration.type,
    integrationUri: integration.uri,
    passthroughBehavior: 'WHEN_NO_MATCH',
    timeoutInMillis: integration.timeoutInMillis,
  };
}

function routeOutput(route: V2Route): object {
  return {
    apiKeyRequired: false,
    authorizationType: 'NONE',
    routeId: route.id,
    routeKey: route.routeKey,
    target: route.target,
  };
}

export const v2IntegrationOperations = [
  v2Operation({
    name: 'CreateIntegration',
    method: 'POST',
    path: INTEGRATIONS,
    success: 201,
    body: z.object({
      integrationType: z.enum(['HTTP', 'HTTP_PROXY', 'MOCK', 'AWS', 'AWS_PROXY']),
      integrationMethod: z.nullish(z.string()),
      integrationUri: z.nullish(z.string()),
      connectionType: z.nullish(z.enum(['INTERNET', 'VPC_LINK'])),
      timeoutInMillis: z.nullish(z.int().check(z.minimum(50), z.maximum(30_000))),
    }),
    handle({ world, param, body }) {
      const api = findApi(world, param('apiId'));
      const isHttp = body.integrationType === 'HTTP' || body.integrationType === 'HTTP_PROXY';
      // Stage variables may stand for any part of a URI, so only its beginning can be judged before they are known.
      if (isHttp && !/^(?:https?:\/\/[^/\s]|\$\{stageVariables\.)/.test(body.integrationUri ?? '')) {
        throw badRequest('Invalid HTTP endpoint specified for URI');
      }
      const integration: V2Integration = {
        id: newId(6, (id) => api.integrations.has(id)),
        type: body.integrationType,
        method: body.integrationMethod ?? undefined,
        uri: body.integrationUri ?? undefined,
        connectionType: body.connectionType ?? 'INTERNET',
        timeoutInMillis: body.timeoutInMillis ?? 29_000,
      };
      api.integrations.set(integration.id, integration);
      return output(integration);
    },
  }),
  v2Operation({
    name: 'GetIntegration',
    method: 'GET',
    path: INTEGRATION,
    success: 200,
    handle: ({ world, param }) =>
      output(findIntegration(findApi(world, param('apiId')), param('integrationId'))),
  }),
  v2Operation({
    name: 'GetIntegrations',
    method: 'GET',
    path: INTEGRATIONS,
    success: 200,
    handle({ world, param, query }) {
      const api = findApi(world, param('apiId'));
      return v2Page(`integrations/${api.id}`, api.integrations, query, output);
    },
  }),
  v2Operation({
    name: 'DeleteIntegration',
    method: 'DELETE',
    path: INTEGRATION,
    success: 204,
    handle({ world, param }) {
      const api = findApi(world, param('apiId'));
      const { id } = findIntegration(api, param('integrationId'));
      if ([...api.routes.values()].some(({ target }) => target === `integrations/${id}`)) {
        throw conflict('Cannot delete Integration as it is referenced by a Route');
      }
      api.integrations.delete(id);
    },
  }),
  v2Operation({
    name: 'CreateRoute',
    method: 'POST',
    path: ROUTES,
    success: 201,
    body: z.object({ routeKey: z.string().check(z.minLength(1)), target: z.nullish(z.string()) }),
    handle({ world, param, body: { routeKey, target } }) {
      const api = findApi(world, param('apiId'));
      if ([...api.routes.values()].some((route) => route.routeKey === routeKey)) {
        throw conflict(`Route with key ${routeKey} already exists for this API`);
      }
      if (target) findIntegration(api, target.replace(/^integrations\//, ''));
      const route: V2Route = {
        id: newId(6, (id) => api.routes.has(id)),
        routeKey,
        target: target ?? undefined,
      };
      api.routes.set(route.id, route);
      return routeOutput(route);
    },
  }),
  v2Operation({
    name: 'GetRoutes',
    method: 'GET',
    path: ROUTES,
    success: 200,
    handle({ world, param, query }) {
      const api = findApi(world, param('apiId'));
      return v2Page(`routes/${api.id}`, api.routes, query, routeOutput);
    },
  }),
];
