import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { AppError } from '../platform/errors.js';
import { printable } from '../platform/printable.js';
import { proxyName, type Proxy } from './proxy.js';

/** What to do about a proxy that does not let a connection through. */
export function proxyHint({ variable, url }: Proxy, status: number | undefined): string {
  if (status === 407) {
    return `the proxy requires authentication: set ${variable}=${url.protocol}//USER:PASSWORD@${url.host}`;
  }
  return `check ${variable} (${url.host}); to bypass it, add the host to NO_PROXY`;
}

/**
 * A connection to `host:port` through a proxy (CONNECT), on which nothing was said yet.
 * @param timeoutMs milliseconds until the proxy has to have answered
 * @throws AppError `BackendUnreachable`
 */
export function openTunnel(proxy: Proxy, host: string, port: number, timeoutMs: number): Promise<Socket> {
  const { url } = proxy;
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const user = [url.username, url.password].map(decodeURIComponent).join(':');
  const failure = (what: string, status?: number, cause?: unknown): AppError =>
    new AppError('BackendUnreachable', `the proxy ${proxyName(proxy)} ${what}`, {
      cause,
      hint: proxyHint(proxy, status),
      details: { proxy: proxyName(proxy), target },
    });
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)({
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port || (url.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: target,
      agent: false,
      timeout: timeoutMs,
      headers: {
        host: target,
        'user-agent': 'apigw-cert',
        ...(user === ':' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` }),
      },
    });
    request.on('connect', ({ statusCode = 0, statusMessage = '' }, socket: Socket, head) => {
      if (statusCode === 200) {
        if (head.length > 0) socket.unshift(head);
        socket.setTimeout(0);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(failure(`does not connect to ${target}: ${statusCode} ${printable(statusMessage)}`, statusCode));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on('error', (cause) => {
      reject(failure(`cannot be reached: ${printable(cause.message)}`, undefined, cause));
    });
    request.end();
  });
}
