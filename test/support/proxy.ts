import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { mintServerCertificate } from '../../src/certificates/mint.js';

/** What answers in the place of the hosts that are asked for. */
export type Answer = (request: IncomingMessage, response: ServerResponse, host: string) => void;

export interface ProxyOptions {
  /** Opens TLS, as companies do, with certificates of its own authority, and answers itself. */
  intercept?: { dnsNames: string[]; answer: Answer };
  /** Refuses every CONNECT. */
  refuse?: { status: number; reason: string; body: string };
  /** The value that `Proxy-Authorization` has to have. */
  authorization?: string;
}

/** A real HTTP proxy on loopback. */
export interface Proxy {
  url: string;
  /** The authority of its certificates, where it intercepts. */
  caPem: string;
  /** `CONNECT host:port` and `GET http://…`, in their order. */
  seen: string[];
  close(): Promise<void>;
}

/** Starts a proxy that passes on what it is asked, unless the options say otherwise. */
export async function startProxy({ intercept, refuse, authorization }: ProxyOptions = {}): Promise<Proxy> {
  const seen: string[] = [];
  const own =
    intercept &&
    (await mintServerCertificate({
      notBefore: new Date(Date.now() - 86_400_000),
      days: 30,
      dnsNames: intercept.dnsNames,
    }));
  const inner =
    own &&
    createHttpsServer({ cert: own.certPem, key: own.privateKeyPem }, (request, response) => {
      intercept.answer(request, response, request.headers.host ?? '');
    }).listen(0, '127.0.0.1');
  if (inner) await once(inner, 'listening');

  const open = new Set<Socket>();
  const allowed = (request: IncomingMessage): boolean =>
    authorization === undefined || request.headers['proxy-authorization'] === authorization;

  const server = createServer((request, response) => {
    seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
    if (!allowed(request)) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end();
      return;
    }
    const upstream = httpRequest(
      request.url ?? '',
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    upstream.on('error', () => response.writeHead(502).end());
    request.pipe(upstream);
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    seen.push(`CONNECT ${request.url ?? ''}`);
    client.on('error', () => undefined);
    const deny = allowed(request)
      ? refuse
      : { status: 407, reason: 'Proxy Authentication Required', body: '<html>who are you?</html>' };
    if (deny) {
      client.end(
        `HTTP/1.1 ${deny.status} ${deny.reason}\r\ncontent-type: text/html\r\ncontent-length: ${deny.body.length}\r\n\r\n${deny.body}`,
      );
      return;
    }
    const [host = '', port = ''] = (request.url ?? '').split(/:(?=\d+$)/);
    const target = inner
      ? connect((inner.address() as AddressInfo).port, '127.0.0.1')
      : connect(Number(port), host);
    open.add(target);
    target.on('close', () => open.delete(target));
    target.on('error', () => client.destroy());
    client.on('close', () => target.destroy());
    target.on('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    caPem: own?.caPem ?? '',
    seen,
    async close() {
      inner?.close();
      inner?.closeAllConnections();
      for (const socket of open) socket.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
