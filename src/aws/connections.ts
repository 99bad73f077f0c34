import { NodeHttpHandler } from '@smithy/node-http-handler';
import { AppError } from '../platform/errors.js';
import { namesProxy } from '../net/proxy.js';
import { readFileOrStream } from '../platform/read-regular-file.js';
import type { Setting } from './settings.js';

/** API Gateway itself ends a backend call after 29 s. Milliseconds. */
const REQUEST_TIMEOUT = 35_000;
const CONNECTION_TIMEOUT = 5_000;
/** More than are ever used at once. */
const MAX_SOCKETS = 256;

export interface ConnectionOptions {
  /** How long one request may take, in milliseconds; by default a little longer than API Gateway waits for a backend. */
  requestTimeout?: number | undefined;
  /** The authorities that may vouch for AWS instead of the system's. */
  caBundle?: Setting<string> | undefined;
}

/** @throws AppError `FileNotReadable` */
async function readBundle({ value, from }: Setting<string>): Promise<string> {
  try {
    return (await readFileOrStream(value)).toString('utf8');
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw new AppError('FileNotReadable', `the certificates of ${value} (${from}) cannot be read (${code})`, {
      hint: `set ${from} to a PEM file that contains the CA certificates for AWS, or unset it`,
      cause,
      details: { file: value },
    });
  }
}

/**
 * Connections to AWS, through the proxies of the environment where there are any. Shared by all clients of a session,
 * which would keep some open each.
 * @throws AppError `FileNotReadable` for the bundle, `Usage` for a proxy
 */
export async function createRequestHandler({
  requestTimeout = REQUEST_TIMEOUT,
  caBundle,
}: ConnectionOptions = {}): Promise<NodeHttpHandler> {
  const ca = caBundle === undefined ? {} : { ca: await readBundle(caBundle) };
  const options = { keepAlive: true, maxSockets: MAX_SOCKETS, ...ca };
  // Read here, not in an options function: NodeHttpHandler calls that at once, and its rejection would be unhandled.
  const agents = namesProxy() ? await throughProxies(options) : { httpAgent: options, httpsAgent: options };
  return new NodeHttpHandler({
    connectionTimeout: CONNECTION_TIMEOUT,
    requestTimeout,
    throwOnRequestTimeout: true,
    ...agents,
  });
}

async function throughProxies(options: { keepAlive: boolean; maxSockets: number; ca?: string }) {
  const { environmentAgent } = await import('../net/agent.js');
  const agent = environmentAgent(options);
  return { httpAgent: agent, httpsAgent: agent };
}
