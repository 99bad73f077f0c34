import { ServiceError } from '../errors.js';
import type { Answer } from '../http.js';
import type { V2Api, V2Integration, V2Stage } from '../model.js';
import type { Surroundings } from '../operation.js';
import { presented } from '../presentation.js';
import { BackendFailure, failureAnswer } from './failure.js';
import { endpoint, endToEndHeaders } from './integration-request.js';
import type { Message } from './invoke-url.js';

/** The integration of a route, or of `$default`. */
function integrationFor({ routes, integrations }: V2Api, routeKey: string): V2Integration | undefined {
  const all = [...routes.values()];
  const route =
    all.find((each) => each.routeKey === routeKey) ?? all.find((each) => each.routeKey === '$default');
  return integrations.get((route?.target ?? '').replace(/^integrations\//, ''));
}

function locate({ apiId, stageName, routeKey }: Message, { store }: Surroundings): [V2Stage, V2Integration] {
  const api = store.findV2Api(apiId);
  const stage = api?.protocolType === 'WEBSOCKET' ? api.stages.get(stageName) : undefined;
  const integration = api && integrationFor(api, routeKey);
  if (stage === undefined || integration === undefined) {
    throw new ServiceError(403, 'ForbiddenException', 'Forbidden');
  }
  return [stage, integration];
}

/**
 * Passes a message to a WebSocket API on to the integration of its route, with the stage's certificate. No WebSocket is
 * spoken: the request is one message, and the answer is the backend's. The API's current definition is run.
 * @throws ServiceError when there is no such stage or route, or the message is too long
 */
export async function sendMessage(
  message: Message,
  readBody: () => Promise<Buffer>,
  surroundings: Surroundings,
): Promise<Answer> {
  const { clock, settings, backend } = surroundings;
  const [stage, integration] = locate(message, surroundings);
  const body = await readBody();
  if (integration.type !== 'HTTP' && integration.type !== 'HTTP_PROXY') return { status: 200 };
  try {
    const stream = await backend.call({
      method: integration.method ?? 'POST',
      url: endpoint(integration.uri ?? '', stage.variables, new Map()),
      headers: { 'content-length': body.length },
      body,
      insecureSkipVerification: false,
      timeoutMs: integration.timeoutInMillis,
      certificate: presented(stage, clock.now().getTime(), settings.propagationDelayMs),
      fresh: false,
    });
    return { status: stream.statusCode ?? 500, headers: endToEndHeaders(stream.headers), stream };
  } catch (error) {
    if (error instanceof BackendFailure) return failureAnswer(error);
    throw error;
  }
}
