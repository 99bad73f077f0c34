import * as z from 'zod/mini';
import { badRequest, conflict, notFound } from '../errors.js';
import type { Integration, Method, Resource, World } from '../model.js';
import { operation, stringMap } from '../operation.js';
import { findApi, findResource } from './lookup.js';

const PATH = '/restapis/{restApiId}/resources/{resourceId}/methods/{httpMethod}';

const METHODS = ['ANY', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];

const optionalRecord = <Value>(map: ReadonlyMap<string, Value>): Record<string, Value> | undefined =>
  map.size === 0 ? undefined : Object.fromEntries(map);

function integrationOutput(integration: Integration): object {
  return {
    type: integration.type,
    httpMethod: integration.httpMethod,
    uri: integration.uri,
    connectionType: integration.type === 'MOCK' ? undefined : integration.connectionType,
    requestParameters: optionalRecord(integration.requestParameters),
    passthroughBehavior: 'WHEN_NO_MATCH',
    timeoutInMillis: integration.timeoutInMillis,
    cacheKeyParameters: [],
    tlsConfig: integration.insecureSkipVerification ? { insecureSkipVerification: true } : undefined,
  };
}

export function methodOutput(method: Method): object {
  return {
    httpMethod: method.httpMethod,
    authorizationType: method.authorizationType,
    apiKeyRequired: false,
    requestParameters: optionalRecord(method.requestParameters),
    methodIntegration: method.integration && integrationOutput(method.integration),
  };
}

interface MethodNames {
  world: World;
  param: (name: string) => string;
}

function resourceOf({ world, param }: MethodNames): Resource {
  return findResource(findApi(world, param('restApiId')), param('resourceId'));
}

function findMethod(names: MethodNames): Method {
  const method = resourceOf(names).methods.get(names.param('httpMethod'));
  if (method === undefined) throw notFound('Invalid Method identifier specified');
  return method;
}

function checkUri(uri: string | undefined): void {
  // Stage variables may stand for any part of a URI, so only its beginning can be judged before they are known.
  if (uri === undefined || !/^https?:\/\/[^/\s]/.test(uri)) {
    throw badRequest('Invalid HTTP endpoint specified for URI');
  }
}

export const methodOperations = [
  operation({
    name: 'PutMethod',
    method: 'PUT',
    path: PATH,
    success: 201,
    body: z.object({
      authorizationType: z.string(),
      requestParameters: z.nullish(
        z.pipe(
          z.record(z.string(), z.boolean()),
          z.transform((record) => new Map(Object.entries(record))),
        ),
      ),
    }),
    handle(call) {
      const resource = resourceOf(call);
      const httpMethod = call.param('httpMethod');
      if (!METHODS.includes(httpMethod)) throw badRequest('Invalid HttpMethod specified');
      if (resource.methods.has(httpMethod)) throw conflict('Method already exists for this resource');
      const method: Method = {
        httpMethod,
        authorizationType: call.body.authorizationType,
        requestParameters: call.body.requestParameters ?? new Map<string, boolean>(),
        integration: undefined,
      };
      resource.methods.set(httpMethod, method);
      return methodOutput(method);
    },
  }),
  operation({
    name: 'GetMethod',
    method: 'GET',
    path: PATH,
    success: 200,
    handle: (call) => methodOutput(findMethod(call)),
  }),
  operation({
    name: 'PutIntegration',
    method: 'PUT',
    path: `${PATH}/integration`,
    success: 201,
    body: z.object({
      type: z.enum(['HTTP', 'HTTP_PROXY', 'MOCK']),
      httpMethod: z.nullish(z.enum(METHODS)),
      uri: z.nullish(z.string()),
      connectionType: z.nullish(z.enum(['INTERNET', 'VPC_LINK'])),
      requestParameters: z.nullish(stringMap),
      timeoutInMillis: z.nullish(z.int().check(z.minimum(50), z.maximum(29_000))),
      tlsConfig: z.nullish(z.object({ insecureSkipVerification: z.nullish(z.boolean()) })),
    }),
    handle(call) {
      const method = findMethod(call);
      const { body } = call;
      if (body.type !== 'MOCK') {
        checkUri(body.uri ?? undefined);
        if (!body.httpMethod) throw badRequest('Enumeration value for HttpMethod must be non-empty');
      }
      const integration: Integration = {
        type: body.type,
        httpMethod: body.httpMethod ?? undefined,
        uri: body.uri ?? undefined,
        connectionType: body.connectionType ?? 'INTERNET',
        requestParameters: body.requestParameters ?? new Map<string, string>(),
        timeoutInMillis: body.timeoutInMillis ?? 29_000,
        insecureSkipVerification: body.tlsConfig?.insecureSkipVerification ?? false,
      };
      method.integration = integration;
      return integrationOutput(integration);
    },
  }),
  operation({
    name: 'GetIntegration',
    method: 'GET',
    path: `${PATH}/integration`,
    success: 200,
    handle(call) {
      const { integration } = findMethod(call);
      if (integration === undefined) throw notFound('Invalid Integration identifier specified');
      return integrationOutput(integration);
    },
  }),
];
