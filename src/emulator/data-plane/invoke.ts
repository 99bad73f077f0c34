import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../errors.js';
import type { Answer } from '../http.js';
import type { Stage } from '../model.js';
import type { Surroundings } from '../operation.js';
import { presented } from '../presentation.js';
import { findTarget, type Target } from './definition.js';
import { BackendFailure, failureAnswer } from './failure.js';
import { endToEndHeaders, integrationRequest, methodStatus } from './integration-request.js';
import type { Invocation } from './invoke-url.js';

/** What serves one request: the stage's own deployment and variables, or its canary's. */
export function servedBy(
  stage: Stage,
  random: () => number,
): { deploymentId: string; variables: ReadonlyMap<string, string> } {
  const { canary } = stage;
  if (canary === undefined || random() * 100 >= canary.percentTraffic) return stage;
  return {
    deploymentId: canary.deploymentId,
    variables: new Map([...stage.variables, ...canary.stageVariableOverrides]),
  };
}

function locate(
  { apiId, stageName, path }: Invocation,
  httpMethod: string,
  { store, random }: Surroundings,
): { stage: Stage; target: Target; variables: ReadonlyMap<string, string> } {
  const api = store.findApi(apiId);
  const stage = api?.stages.get(stageName);
  const served = stage && servedBy(stage, random);
  const deployment = served && api?.deployments.get(served.deploymentId);
  if (stage === undefined || served === undefined || deployment === undefined) {
    throw new ServiceError(403, 'ForbiddenException', 'Forbidden');
  }
  const target = findTarget(deployment.resources, httpMethod, path);
  if (target === undefined) {
    throw new ServiceError(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  return { stage, target, variables: served.variables };
}

/**
 * Serves a request to a stage: through the definition deployed to it to the integration's backend, over TLS with
 * the stage's certificate, and the backend's answer back.
 * @throws ServiceError when there is no such stage or method, or the request is too long
 */
export async function invoke(
  invocation: Invocation,
  request: IncomingMessage,
  readBody: () => Promise<Buffer>,
  surroundings: Surroundings,
): Promise<Answer> {
  const { clock, settings, backend } = surroundings;
  const httpMethod = request.method ?? 'GET';
  const { stage, target, variables } = locate(invocation, httpMethod, surroundings);
  const { integration } = target.method;
  const body = await readBody();
  if (integration === undefined || integration.type === 'MOCK') return { status: 200 };
  const { query } = invocation;
  try {
    const stream = await backend.call({
      ...integrationRequest(
        target,
        integration,
        { httpMethod, query, headers: request.headers, body },
        variables,
      ),
      certificate: presented(stage, clock.now().getTime(), settings.propagationDelayMs),
      fresh: false,
    });
    return {
      status: methodStatus(integration, stream.statusCode ?? 500),
      headers: endToEndHeaders(stream.headers),
      stream,
    };
  } catch (error) {
    if (error instanceof BackendFailure) return failureAnswer(error);
    throw error;
  }
}
