import * as z from 'zod/mini';
import { badRequest } from '../../errors.js';
import { newId } from '../../ids.js';
import type { V2Api } from '../../model.js';
import { isApiId } from '../../store.js';
import { addTags, tagsBody } from '../../tags.js';
import { findApi } from './lookup.js';
import { isoSeconds, v2Operation, v2Page } from './operation.js';

const APIS = '/v2/apis';
const API = `${APIS}/{apiId}`;

const HTTP_SELECTION = '${request.method} ${request.path}';

const output =
  (region: string) =>
  (api: V2Api): object => ({
    apiEndpoint: `${api.protocolType === 'HTTP' ? 'https' : 'wss'}://${api.id}.execute-api.${region}.amazonaws.com`,
    apiId: api.id,
    apiKeySelectionExpression: '$request.header.x-api-key',
    createdDate: isoSeconds(api.createdDate),
    description: api.description,
    disableExecuteApiEndpoint: false,
    ipAddressType: 'ipv4',
    name: api.name,
    protocolType: api.protocolType,
    routeSelectionExpression: api.routeSelectionExpression,
    tags: Object.fromEntries(api.tags),
  });

export const v2ApiOperations = [
  v2Operation({
    name: 'CreateApi',
    method: 'POST',
    path: APIS,
    success: 201,
    body: z.object({
      name: z.string().check(z.minLength(1), z.maxLength(128)),
      protocolType: z.enum(['WEBSOCKET', 'HTTP']),
      routeSelectionExpression: z.nullish(z.string()),
      description: z.nullish(z.string()),
      tags: z.nullish(tagsBody),
    }),
    handle({ world, body, clock, store }) {
      const selection = body.routeSelectionExpression ?? undefined;
      if (body.protocolType === 'WEBSOCKET' && selection === undefined) {
        throw badRequest('RouteSelectionExpression is a required field for WEBSOCKET protocol type');
      }
      const tags = new Map<string, string>();
      addTags(tags, body.tags ?? new Map());
      const api: V2Api = {
        id: newId(10, (id) => isApiId(store, id)),
        name: body.name,
        protocolType: body.protocolType,
        description: body.description ?? undefined,
        routeSelectionExpression: selection ?? HTTP_SELECTION,
        createdDate: clock.now().getTime(),
        tags,
        integrations: new Map(),
        routes: new Map(),
        deployments: new Map(),
        stages: new Map(),
      };
      world.v2Apis.set(api.id, api);
      return output(world.region)(api);
    },
  }),
  v2Operation({
    name: 'GetApi',
    method: 'GET',
    path: API,
    success: 200,
    handle: ({ world, param }) => output(world.region)(findApi(world, param('apiId'))),
  }),
  v2Operation({
    name: 'GetApis',
    method: 'GET',
    path: APIS,
    success: 200,
    handle: ({ world, query }) => v2Page('apis', world.v2Apis, query, output(world.region)),
  }),
  v2Operation({
    name: 'DeleteApi',
    method: 'DELETE',
    path: API,
    success: 204,
    handle({ world, param }) {
      world.v2Apis.delete(findApi(world, param('apiId')).id);
    },
  }),
];
