import { randomUUID } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { finished, pipeline } from 'node:stream/promises';
import { ServiceError } from './errors.js';

/** AWS's own limit for a request to an API, and more than any control plane request needs. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** What a request is answered with. */
export interface Answer {
  status: number;
  headers?: OutgoingHttpHeaders;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, in place of a body. */
  xml?: string;
  /** Passed on as it comes, in place of a body. */
  stream?: IncomingMessage;
}

/** The path of a request target, still percent-encoded, and its query without the `?`. */
export function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf('?');
  return mark < 0
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/**
 * Reads a request's whole body.
 * @throws ServiceError 413 beyond 10 MiB, 400 when the client goes away
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLong = new ServiceError(413, 'RequestEntityTooLargeException', 'Request Too Long');
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLong;
  const chunks: Buffer[] = [];
  let size = 0;
  return await new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      reject(tooLong);
    });
    request.on('end', () => {
      resolve(Buffer.concat(chunks));
    });
    request.on('error', () => {
      reject(new ServiceError(400, 'BadRequestException', 'The request was incomplete'));
    });
  });
}

/** @throws ServiceError 400 */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    throw new ServiceError(400, 'SerializationException', 'Could not parse request body into json');
  }
}

/** An error in AWS's shape. */
export function errorAnswer(error: ServiceError): Answer {
  return {
    status: error.status,
    headers: {
      'x-amzn-ErrorType': error.type,
      ...(error.retryAfter === undefined ? {} : { 'retry-after': String(error.retryAfter) }),
    },
    body: { message: error.message },
  };
}

/** How long a client may go on sending a body that nobody wants, in ms. */
const LINGER_MS = 5000;

/**
 * Reads the rest of a request and forgets it, for a while: a client whose connection is closed while it sends would
 * see a broken connection instead of the answer.
 */
async function dropRest(request: IncomingMessage): Promise<void> {
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  request.resume();
  await finished(request, { writable: false }).catch(() => undefined);
  clearTimeout(timer);
}

/** Sends an answer, which may come before the end of the request. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body, xml, stream }: Answer,
): Promise<void> {
  const general = {
    'x-amzn-RequestId': randomUUID(),
    ...headers,
  };
  if (stream !== undefined) {
    response.writeHead(status, general);
    // Either end may go away within the answer; pipeline then closes the other.
    await pipeline(stream, response).catch(() => undefined);
    return;
  }
  const text = xml ?? (body === undefined ? '' : JSON.stringify(body));
  response.writeHead(status, {
    ...general,
    ...(text === '' ? {} : { 'content-type': xml === undefined ? 'application/json' : 'text/xml' }),
    ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(text) }),
  });
  if (request.complete) {
    response.end(text);
    return;
  }
  response.write(text);
  await dropRest(request);
  response.end();
}
