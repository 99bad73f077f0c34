import type { IncomingMessage } from 'node:http';
import { $ZodError } from 'zod/v4/core';
import * as z from 'zod/mini';
import type { Controls } from './controls.js';
import { badRequest, ServiceError } from './errors.js';
import type { FaultInput } from './faults.js';
import { parseJson, readBody, type Answer } from './http.js';
import type { AcmRenewal } from './model.js';
import type { Settings } from './settings.js';

export const ADMIN_PATH = '/_emulator/';

const clockBody = z.strictObject({ now: z.iso.datetime({ offset: true }) });
const advanceBody = z.strictObject({ ms: z.number() });

/** What can be asked for here. */
function overview(): object {
  return { paths: [...HANDLERS.keys()].map((key) => key.replace(' ', ` ${ADMIN_PATH}`)) };
}

type Handler = (controls: Controls, body: unknown) => unknown;

const renewalBody = z.looseObject({ certificateArn: z.string() });

const clock = (controls: Controls): object => ({ now: controls.now().toISOString() });

/** Method and path below `/_emulator/` to what is done; the result is the answer. */
const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['GET ', overview],
  ['GET clock', clock],
  [
    'PUT clock',
    (controls, body) => {
      controls.setClock(new Date(clockBody.parse(body).now));
      return clock(controls);
    },
  ],
  [
    'POST clock/advance',
    (controls, body) => {
      controls.advanceClock(advanceBody.parse(body).ms);
      return clock(controls);
    },
  ],
  ['GET faults', (controls) => controls.faults()],
  [
    'POST faults',
    (controls, body) => {
      controls.addFault(body as FaultInput);
      return controls.faults();
    },
  ],
  [
    'DELETE faults',
    (controls) => {
      controls.clearFaults();
    },
  ],
  [
    'POST acm/renew',
    (controls, body) => {
      const { certificateArn, ...renewal } = renewalBody.parse(body);
      return controls.renewAcmCertificate(certificateArn, renewal as unknown as AcmRenewal);
    },
  ],
  ['GET requests', (controls) => controls.requests()],
  [
    'DELETE requests',
    (controls) => {
      controls.clearRequests();
    },
  ],
  ['GET config', (controls) => controls.settings()],
  [
    'PATCH config',
    (controls, body) => {
      controls.configure(body as Partial<Settings>);
      return controls.settings();
    },
  ],
]);

/**
 * Serves the controls as JSON. A body must say that it is JSON: a web page in the user's browser can send other
 * types to loopback unasked.
 * @throws ServiceError
 */
export async function administer(
  request: IncomingMessage,
  path: string,
  controls: Controls,
): Promise<Answer> {
  const handler = HANDLERS.get(`${request.method ?? ''} ${path.slice(ADMIN_PATH.length)}`);
  if (handler === undefined) {
    throw new ServiceError(
      404,
      'NotFoundException',
      `GET ${ADMIN_PATH} lists the requests that this path supports`,
    );
  }
  const bytes = await readBody(request);
  if (bytes.length > 0 && !/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new ServiceError(415, 'UnsupportedMediaTypeException', 'The body must be application/json');
  }
  try {
    const result = await handler(controls, parseJson(bytes));
    return result === undefined ? { status: 204 } : { status: 200, body: result };
  } catch (error) {
    if (error instanceof $ZodError) throw badRequest(z.prettifyError(error));
    throw error;
  }
}
