/** Asks real servers: an application that knows who reached it, and clients that say whether they were admitted. */
import { once } from 'node:events';
import { Agent as PlainAgent, createServer, request as plainRequest } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { LabCaller } from './callers.js';
import { freePort } from '../../support/free-port.js';

/** Where the servers of a lab listen: at addresses of their own, and at ports that nobody else listens on. */
export interface Place {
  /** The second octet of the loopback addresses. */
  net: number;
  port: number;
  /** For plain HTTP. */
  plainPort: number;
}

/** @param net the second octet of loopback addresses, from 0 to 54; other runs on this machine have others */
export async function freePlace(net: number): Promise<Place> {
  const [port, plainPort] = await Promise.all([freePort(), freePort()]);
  return { net: net + (process.pid % 200), port, plainPort };
}

export interface App {
  port: number;
  /** Whether a request with this id came as far as the application. */
  reached(id: string): boolean;
  close(): void;
}

export async function startApp(): Promise<App> {
  const seen = new Set<string>();
  const server = createServer((incoming, response) => {
    const id = incoming.headers['x-lab-id'];
    if (typeof id === 'string') seen.add(id);
    incoming.resume();
    response.end('app\n');
  }).listen(0, '127.0.0.1');
  server.keepAliveTimeout = 60_000;
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    reached: (id) => seen.has(id),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export interface Target {
  host: string;
  port: number;
  isTls: boolean;
  /** For the handshake; absent: none is sent. */
  sni?: string;
  /** The Host header. */
  name: string;
}

export interface Asked {
  path: string;
  method: string;
  headers?: Readonly<Record<string, string>>;
}

let next = 0;

/** Sends requests one after the other as one caller; `true` for those that were admitted. */
export async function callAs(
  target: Target,
  { cert, key }: LabCaller,
  all: readonly Asked[],
  app: App,
): Promise<(boolean | string)[]> {
  const options = { keepAlive: true, maxSockets: 1 };
  const agent = target.isTls ? new Agent({ ...options, maxCachedSessions: 0 }) : new PlainAgent(options);
  const results: (boolean | string)[] = [];
  for (const { path, method, headers } of all) {
    const id = String(next++);
    const result = await new Promise<boolean | string>((resolve) => {
      const common = {
        agent,
        host: target.host,
        port: target.port,
        localAddress: '127.0.0.1',
        path,
        method,
        timeout: 10_000,
        headers: { ...headers, host: target.name, 'x-lab-id': id },
      };
      const outgoing = target.isTls
        ? request({
            ...common,
            servername: target.sni ?? '',
            rejectUnauthorized: false,
            ...(cert === undefined ? {} : { cert, key }),
          })
        : plainRequest(common);
      outgoing.on('response', (response) => {
        response.resume();
        response.on('end', () => {
          resolve(app.reached(id) || (response.statusCode ?? 500) < 300);
        });
        response.on('error', () => {
          resolve(app.reached(id));
        });
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        const text = `${error.code ?? ''} ${error.message}`;
        resolve(app.reached(id) ? true : /timeout|ECONNREFUSED|EADDR/.test(text) ? text : false);
      });
      outgoing.end();
    });
    results.push(result);
  }
  agent.destroy();
  return results;
}

/** Runs tasks, so many at a time. */
export async function pooled<T>(tasks: readonly (() => Promise<T>)[], width: number): Promise<T[]> {
  const results: T[] = [];
  let at = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let mine = at++; mine < tasks.length; mine = at++) {
        const task = tasks[mine];
        if (task) results[mine] = await task();
      }
    }),
  );
  return results;
}
