import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../../../platform/errors.js';
import { isHealthy, type FollowStatus } from './rules.js';

/** The endpoint of `--health`. */
export interface Health {
  /** Where it listens: `http://127.0.0.1:9111`. */
  url: string;
  update(status: FollowStatus): void;
  close(): void;
}

/** Reads `HOST:PORT`. @throws AppError `Usage` */
export function parseAddress(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text) ?? [];
  if (host !== '' && Number(port) <= 65_535)
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  throw new AppError('Usage', `--health "${text.slice(0, 80)}" is not an address and a port`, {
    hint: 'specify both, such as 127.0.0.1:9111; 0.0.0.0 lets other machines ask',
  });
}

/**
 * Answers every GET with the status: 200 when callers may be sent to the host, 503 otherwise.
 * @throws AppError `AddressUnavailable`
 */
export async function openHealth(address: { host: string; port: number }, now: () => Date): Promise<Health> {
  let status: FollowStatus | undefined;
  const server = createServer((request, response) => {
    request.resume();
    const isOk = status !== undefined && isHealthy(status, now());
    const code = request.method === 'GET' || request.method === 'HEAD' ? (isOk ? 200 : 503) : 405;
    response.writeHead(code, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(`${JSON.stringify(status ?? {}, null, 2)}\n`);
  });
  server.requestTimeout = 5_000;
  server.maxConnections = 64;
  try {
    server.listen(address.port, address.host);
    await once(server, 'listening');
  } catch (cause) {
    const { message } = cause as Error;
    throw new AppError(
      'AddressUnavailable',
      `--health cannot listen on ${address.host}:${address.port}: ${message}`,
      {
        cause,
        hint: 'specify another port',
      },
    );
  }
  const { address: host, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${host}]` : host}:${port}`,
    update(next) {
      status = next;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
