import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { after } from '../platform/timer.js';
import { namesProxy } from './proxy.js';

export interface RequestOptions {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Milliseconds for the whole of it. */
  timeoutMs: number;
  /** How the server is judged, instead of by Node.js's authorities and the environment. */
  tls?: { ca?: string; rejectUnauthorized: true };
}

/**
 * Sends one request, through the proxies of the environment, and gives the status of its answer. Redirects are not
 * followed, and the answer's body is not read.
 * @throws Error of the network; its name is `TimeoutError` when the time was over
 */
export const sendRequest = (url: URL, options: RequestOptions): Promise<number> =>
  exchange(url, options, (response) => {
    response.destroy();
    return Promise.resolve(response.statusCode ?? 0);
  });

/**
 * As {@link sendRequest}, with the answer's body.
 * @param maxOctets no more of the body is read: where it is longer, there are `maxOctets + 1` octets or a few more
 */
export const fetchOctets = (
  url: URL,
  { maxOctets, ...options }: RequestOptions & { maxOctets: number },
): Promise<{ status: number; octets: Uint8Array }> =>
  exchange(url, options, async (response) => {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxOctets) break;
    }
    return { status: response.statusCode ?? 0, octets: Buffer.concat(chunks) };
  });

async function exchange<Answer>(
  url: URL,
  { method = 'GET', headers = {}, body, timeoutMs, tls }: RequestOptions,
  read: (response: IncomingMessage) => Promise<Answer>,
): Promise<Answer> {
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
        ...tls,
        ...(agent === undefined ? {} : { agent }),
      });
      request.on('response', (response) => {
        read(response).then(resolve, reject);
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
