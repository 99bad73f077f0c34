import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import * as z from 'zod/mini';
import type { BackendCaller, BackendRequest } from '../data-plane/backend.js';
import { pathParameters as pathParametersOf } from '../../control-plane/method-for.js';
import type { Target } from '../data-plane/definition.js';
import { createExecutionLog, type ExecutionLog } from '../data-plane/execution-log.js';
import { BackendFailure, failureAnswer, failureLine } from '../data-plane/failure.js';
import { integrationRequest, methodStatus, type MethodRequest } from '../data-plane/integration-request.js';
import { badRequest, notFound } from '../errors.js';
import type { Integration, RestApi, PresentedCertificate, World } from '../model.js';
import { presentable } from '../presentation.js';
import type { Settings } from '../settings.js';
import { operation, stringMap } from '../operation.js';
import { findApi, findResource } from './lookup.js';

const MAX_BODY = 10 * 1024 * 1024;

interface Outcome {
  status: number;
  body: string;
  headers: Record<string, string[]>;
}

const show = (headers: OutgoingHttpHeaders | Record<string, string[]>): string =>
  `{${Object.entries(headers)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(', ')}}`;

function resourceTarget(
  api: RestApi,
  resourceId: string,
  httpMethod: string,
  path: string | undefined,
): Target {
  const resource = findResource(api, resourceId);
  const method = resource.methods.get(httpMethod) ?? resource.methods.get('ANY');
  if (method === undefined) throw notFound('Invalid Method identifier specified');
  const pathParameters = pathParametersOf(resource.path, path ?? resource.path);
  if (pathParameters === undefined) {
    throw badRequest(`Invalid path specified: it does not match the resource's ${resource.path}`);
  }
  return { resource, method, pathParameters };
}

/** Whether AWS takes the ARN of a certificate of ACM here is not recorded: `testInvokeAcm` says it. */
function certificateFor(
  world: World,
  id: string | undefined,
  { testInvokeAcm }: Settings,
): PresentedCertificate | undefined {
  if (id === undefined) return undefined;
  const known = world.certificates.has(id) || testInvokeAcm;
  const certificate = known ? presentable(world, id) : undefined;
  if (certificate === undefined) throw badRequest('Invalid client certificate identifier specified');
  return certificate;
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY) throw new BackendFailure('configuration', 'The response is larger than 10 MB');
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof BackendFailure) throw error;
    throw new BackendFailure(
      'network',
      'The endpoint closed the connection before its response was complete',
    );
  }
  return Buffer.concat(chunks).toString();
}

function multiValue(response: IncomingMessage): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    const [name = '', value = ''] = response.rawHeaders.slice(index, index + 2);
    headers[name] = [...(headers[name] ?? []), value];
  }
  return headers;
}

async function callBackend(
  backend: BackendCaller,
  request: BackendRequest,
  integration: Integration,
  log: ExecutionLog,
): Promise<Outcome> {
  log.add(`Endpoint request URI: ${request.url.href}`);
  log.add(`Endpoint request headers: ${show(request.headers)}`);
  log.add(`Endpoint request body after transformations: ${request.body.toString()}`);
  log.add(`Sending request to ${request.url.href}`);
  const started = performance.now();
  const response = await backend.call(request);
  const body = await readBody(response);
  const status = response.statusCode ?? 500;
  const headers = multiValue(response);
  const latency = Math.round(performance.now() - started);
  log.add(`Received response. Status: ${status}, Integration latency: ${latency} ms`);
  log.add(`Endpoint response headers: ${show(headers)}`);
  log.add(`Endpoint response body before transformations: ${body}`);
  return { status: methodStatus(integration, status), body, headers };
}

export const testInvokeOperations = [
  operation({
    name: 'TestInvokeMethod',
    method: 'POST',
    path: '/restapis/{restApiId}/resources/{resourceId}/methods/{httpMethod}',
    success: 200,
    body: z.object({
      pathWithQueryString: z.nullish(z.string()),
      body: z.nullish(z.string()),
      headers: z.nullish(stringMap),
      multiValueHeaders: z.nullish(z.record(z.string(), z.array(z.string()))),
      clientCertificateId: z.nullish(z.string()),
      stageVariables: z.nullish(stringMap),
    }),
    async handle({ world, param, body, clock, backend, settings }) {
      const started = performance.now();
      const httpMethod = param('httpMethod');
      const [path, ...query] = body.pathWithQueryString ? body.pathWithQueryString.split('?') : [];
      const target = resourceTarget(
        findApi(world, param('restApiId')),
        param('resourceId'),
        httpMethod,
        path,
      );
      const certificate = certificateFor(world, body.clientCertificateId ?? undefined, settings);
      const { integration } = target.method;
      if (integration === undefined) throw badRequest('No integration defined for method');
      const request: MethodRequest = {
        httpMethod,
        query: query.join('?'),
        headers: lowerCaseNames({ ...Object.fromEntries(body.headers ?? []), ...body.multiValueHeaders }),
        body: Buffer.from(body.body ?? ''),
      };

      const log = createExecutionLog(() => clock.now());
      log.add(`Starting execution for request: ${log.requestId}`);
      log.add(`HTTP Method: ${httpMethod}, Resource Path: ${path ?? target.resource.path}`);
      log.add(`Method request path: ${show(Object.fromEntries(target.pathParameters))}`);
      log.add(`Method request query string: {${request.query}}`);
      log.add(`Method request headers: ${show(request.headers)}`);
      log.add(`Method request body before transformations: ${body.body ?? ''}`);
      let outcome: Outcome;
      try {
        outcome =
          integration.type === 'MOCK'
            ? { status: 200, body: '', headers: {} }
            : await callBackend(
                backend,
                {
                  ...integrationRequest(target, integration, request, body.stageVariables ?? new Map()),
                  certificate,
                  fresh: true,
                },
                integration,
                log,
              );
        log.add(`Method response body after transformations: ${outcome.body}`);
        log.add(`Method response headers: ${show(outcome.headers)}`);
        log.add('Successfully completed execution');
      } catch (error) {
        if (!(error instanceof BackendFailure)) throw error;
        log.add(failureLine(error));
        const { status, body: answer } = failureAnswer(error);
        outcome = { status, body: JSON.stringify(answer), headers: {} };
      }
      log.add(`Method completed with status: ${outcome.status}`);
      return {
        status: outcome.status,
        body: outcome.body,
        headers: Object.fromEntries(
          Object.entries(outcome.headers).map(([name, values]) => [name, values.at(-1) ?? '']),
        ),
        multiValueHeaders: outcome.headers,
        log: log.text(),
        latency: Math.round(performance.now() - started),
      };
    },
  }),
];

function lowerCaseNames(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
