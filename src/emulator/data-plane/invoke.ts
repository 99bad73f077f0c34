import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../errors.js';
import { readBody, type Answer } from '../http.js';
import type { Stage, StoredCertificate } from '../model.js';
import type { Surroundings } from '../operation.js';
import { findTarget, type Target } from './definition.js';
import { BackendFailure, failureAnswer } from './failure.js';
import { endToEndHeaders, integrationRequest, methodStatus } from './integration-request.js';

/** The invoke URL of a stage, as other emulators of API Gateway write it. */
const INVOKE_URL = /^\/restapis\/([^/]+)\/([^/]+)\/_user_request_(\/.*)?$/;

export interface Invocation {
  apiId: string;
  stageName: string;
  /** Below the stage, percent-encoded as it came. */
  path: string;
  query: string;
}

/** Takes an invoke URL apart; `undefined` when it is none. */
export function parseInvokeUrl(path: string, query: string): Invocation | undefined {
  const [, apiId, stageName, rest = '/'] = INVOKE_URL.exec(path) ?? [];
  if (apiId === undefined || stageName === undefined) return undefined;
  return { apiId, stageName, path: rest, query };
}

/** How often each stage was invoked while a change of its certificate spread. */
const turns = new WeakMap<Stage, number>();

/** What a stage presents now: while a change spreads, the former certificate and the new one in turns. */
function presented(stage: Stage, now: number, propagationDelayMs: number): StoredCertificate | undefined {
  const { certificate, former, changedAt } = stage.presentation;
  // A clock that was set back must not make a change spread for ever.
  if (Math.abs(now - changedAt) >= propagationDelayMs) return certificate;
  const turn = (turns.get(stage) ?? 0) + 1;
  turns.set(stage, turn);
  return turn % 2 === 1 ? former : certificate;
}

function locate(
  { apiId, stageName, path }: Invocation,
  httpMethod: string,
  { store }: Surroundings,
): { stage: Stage; target: Target } {
  const api = store.findApi(apiId)?.api;
  const stage = api?.stages.get(stageName);
  const deployment = stage && api?.deployments.get(stage.deploymentId);
  if (stage === undefined || deployment === undefined) {
    throw new ServiceError(403, 'ForbiddenException', 'Forbidden');
  }
  const target = findTarget(deployment.resources, httpMethod, path);
  if (target === undefined) {
    throw new ServiceError(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  return { stage, target };
}

/**
 * Serves a request to a stage: through the definition deployed to it to the integration's backend, over TLS with
 * the stage's certificate, and the backend's answer back.
 * @throws ServiceError when there is no such stage or method, or the request is too long
 */
export async function invoke(
  invocation: Invocation,
  request: IncomingMessage,
  surroundings: Surroundings,
): Promise<Answer> {
  const { clock, settings, backend } = surroundings;
  const httpMethod = request.method ?? 'GET';
  const { stage, target } = locate(invocation, httpMethod, surroundings);
  const { integration } = target.method;
  const body = await readBody(request);
  if (integration === undefined || integration.type === 'MOCK') return { status: 200 };
  const { query } = invocation;
  try {
    const stream = await backend.call({
      ...integrationRequest(
        target,
        integration,
        { httpMethod, query, headers: request.headers, body },
        stage.variables,
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
