import * as z from 'zod/mini';
import { badRequest, conflict } from '../errors.js';
import { newId } from '../ids.js';
import type { Resource, RestApi } from '../model.js';
import { operation, seconds } from '../operation.js';
import { page } from '../pagination.js';
import { isApiId } from '../store.js';
import { addTags, tagsBody } from '../tags.js';
import { findApi, findResource } from './lookup.js';
import { methodOutput } from './methods.js';

function output(api: RestApi): object {
  return {
    id: api.id,
    name: api.name,
    description: api.description,
    createdDate: seconds(api.createdDate),
    apiKeySource: 'HEADER',
    endpointConfiguration: { types: ['EDGE'], ipAddressType: 'ipv4' },
    tags: Object.fromEntries(api.tags),
    disableExecuteApiEndpoint: false,
    rootResourceId: api.rootResourceId,
  };
}

function resourceOutput(resource: Resource, embedMethods: boolean): object {
  return {
    id: resource.id,
    parentId: resource.parentId,
    pathPart: resource.pathPart,
    path: resource.path,
    ...(resource.methods.size === 0
      ? {}
      : {
          resourceMethods: Object.fromEntries(
            [...resource.methods].map(([name, method]) => [name, embedMethods ? methodOutput(method) : {}]),
          ),
        }),
  };
}

const PATH_PART = /^(?:[\w.\-:~*]+|\{[\w.\-:]+\+?\})$/;

export const restApiOperations = [
  operation({
    name: 'CreateRestApi',
    method: 'POST',
    path: '/restapis',
    success: 201,
    body: z.object({
      name: z.string().check(z.minLength(1)),
      description: z.nullish(z.string()),
      tags: z.nullish(tagsBody),
    }),
    handle({ world, body, clock, store }) {
      const tags = new Map<string, string>();
      addTags(tags, body.tags ?? new Map());
      const rootResourceId = newId(10, () => false);
      const api: RestApi = {
        id: newId(10, (id) => isApiId(store, id)),
        name: body.name,
        description: body.description ?? undefined,
        createdDate: clock.now().getTime(),
        tags,
        rootResourceId,
        resources: new Map([
          [
            rootResourceId,
            { id: rootResourceId, parentId: undefined, pathPart: undefined, path: '/', methods: new Map() },
          ],
        ]),
        deployments: new Map(),
        stages: new Map(),
      };
      world.apis.set(api.id, api);
      return output(api);
    },
  }),
  operation({
    name: 'GetRestApi',
    method: 'GET',
    path: '/restapis/{restApiId}',
    success: 200,
    handle: ({ world, param }) => output(findApi(world, param('restApiId'))),
  }),
  operation({
    name: 'GetRestApis',
    method: 'GET',
    path: '/restapis',
    success: 200,
    handle: ({ world, query }) => page('restapis', world.apis, query, output),
  }),
  operation({
    name: 'DeleteRestApi',
    method: 'DELETE',
    path: '/restapis/{restApiId}',
    success: 202,
    handle({ world, param }) {
      world.apis.delete(findApi(world, param('restApiId')).id);
    },
  }),
  operation({
    name: 'CreateResource',
    method: 'POST',
    path: '/restapis/{restApiId}/resources/{parentId}',
    success: 201,
    body: z.object({ pathPart: z.string() }),
    handle({ world, param, body: { pathPart } }) {
      const api = findApi(world, param('restApiId'));
      const parent = findResource(api, param('parentId'));
      if (!PATH_PART.test(pathPart)) {
        throw badRequest(
          "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces " +
            'at the beginning and the end.',
        );
      }
      const siblings = [...api.resources.values()].filter(({ parentId }) => parentId === parent.id);
      if (siblings.some((sibling) => sibling.pathPart === pathPart)) {
        throw conflict(`Another resource with the same parent already has this name: ${pathPart}`);
      }
      const resource: Resource = {
        id: newId(6, (id) => api.resources.has(id)),
        parentId: parent.id,
        pathPart,
        path: `${parent.path === '/' ? '' : parent.path}/${pathPart}`,
        methods: new Map(),
      };
      api.resources.set(resource.id, resource);
      return resourceOutput(resource, false);
    },
  }),
  operation({
    name: 'GetResources',
    method: 'GET',
    path: '/restapis/{restApiId}/resources',
    success: 200,
    handle({ world, param, query }) {
      const api = findApi(world, param('restApiId'));
      const embedMethods = query.getAll('embed').includes('methods');
      return page(`resources/${api.id}`, api.resources, query, (item) => resourceOutput(item, embedMethods));
    },
  }),
];
