import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { after } from '../platform/timer.js';
import { namesProxy } from './proxy.js';

export interface RequestOptions {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Milliseconds for the whole of it. */
  timeoutMs: number;
}

/**
 * Sends one request, through the proxies of the environment, and gives the status of its answer. Redirects are not
 * followed, and the answer's body is not read.
 * @throws Error of the network; its name is `TimeoutError` when the time was over
 */
export async function sendRequest(
  url: URL,
  { method = 'GET', headers = {}, body, timeoutMs }: RequestOptions,
): Promise<number> {
  const agent = namesProxy()
    ? (await import('./agent.js')).environmentAgent({ keepAlive: false })
    : undefined;
  const timeout = new AbortController();
  const cancel = after(timeoutMs, () => {
    timeout.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError'));
  });
  try {
    return await new Promise((resolve, reject) => {
      const request = (url.protocol === 'http:' ? httpRequest : httpsRequest)(url, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
        signal: timeout.signal,
        ...(agent === undefined ? {} : { agent }),
      });
      request.on('response', (response) => {
        resolve(response.statusCode ?? 0);
        response.destroy();
      });
      request.on('error', (error) => {
        reject(error.name === 'AbortError' && error.cause instanceof Error ? error.cause : error);
      });
      request.end(body);
    });
  } finally {
    cancel();
    agent?.destroy();
  }
}
