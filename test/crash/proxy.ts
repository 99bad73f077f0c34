import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a proxy does to the calls that pass it; all but `passes` to every call. */
export type ProxyManner =
  | 'passes'
  /** Sends each on twice, as one that retries, and gives the second answer. */
  | 'repeats'
  /** Gives each answer late. */
  | 'delays'
  /** Gives no answer. */
  | 'withholds';

/** A proxy in front of the emulator, by its address. */
export interface CallProxy {
  url: string;
  manner: ProxyManner;
  close(): Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** @param delay how late answers are where it delays, in milliseconds */
export async function startCallProxy(upstream: string, delay: number): Promise<CallProxy> {
  const server = createServer((request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    const { manner } = proxy;
    const pass = async (): Promise<void> => {
      const body = await bodyOf(request);
      const send = async (): Promise<Response> =>
        fetch(`${upstream}${url}`, {
          method,
          headers: Object.entries(headers)
            .filter(([name]) => !['connection', 'host', 'content-length', 'expect'].includes(name))
            .map(([name, value]): [string, string] => [name, String(value)]),
          ...(body.length > 0 ? { body } : {}),
        });
      if (manner === 'repeats') await (await send()).arrayBuffer();
      const answer = await send();
      const content = Buffer.from(await answer.arrayBuffer());
      if (manner === 'withholds') return;
      if (manner === 'delays') await sleep(delay);
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(content);
    };
    pass().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: CallProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    manner: 'passes',
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return proxy;
}
