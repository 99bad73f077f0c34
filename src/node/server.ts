import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { rememberChain, type Refusal, type Verdict } from './check.js';

/** The options of https.createServer, without those that decide who is let in. */
export interface ServerOptions extends Omit<
  https.ServerOptions,
  'ca' | 'requestCert' | 'rejectUnauthorized'
> {
  /**
   * Request targets (`/healthz`, compared exactly, with GET or HEAD) that are answered without a certificate: for the
   * health checks of a load balancer, which has none.
   */
  withoutCertificate?: readonly string[];
}

/** The options of a TLS server by which OpenSSL verifies the chains of listed roots. */
export interface VerificationContext {
  ca: string[];
  secureOptions?: number;
}

/** What decides about a connection, and who is told. */
interface Gatekeeper {
  /** What OpenSSL needs to verify chains, now; asked again at each `renew`. */
  context: () => VerificationContext;
  check: (socket: Socket) => Verdict;
  onRefused: ((refusal: Refusal, request: IncomingMessage) => void) | undefined;
}

/**
 * An https server whose listeners, whatever they listen to and whenever they are added, see no request of a connection
 * that is not accepted at that moment.
 */
export function createGuardedServer(
  { withoutCertificate = [], ...options }: ServerOptions,
  listener: RequestListener | undefined,
  { check, onRefused, context }: Gatekeeper,
): { server: https.Server; renew: () => void } {
  const guarded = (own: SecureContextOptions): SecureContextOptions => {
    const { ca, secureOptions = 0 } = context();
    // What the list has to say holds beside what the server's owner has.
    return { ...own, ca, secureOptions: (own.secureOptions ?? 0) | secureOptions };
  };
  const server = https.createServer(
    {
      ...options,
      ...guarded(options),
      requestCert: true,
      rejectUnauthorized: false,
    },
    listener,
  );
  server.on('secureConnection', rememberChain);
  let own: SecureContextOptions = options;
  const setSecureContext = server.setSecureContext.bind(server);
  server.setSecureContext = (renewed) => {
    own = renewed;
    setSecureContext(guarded(own));
  };
  const renew = (): void => {
    setSecureContext(guarded(own));
  };
  const exempt = ({ method, url = '' }: IncomingMessage): boolean =>
    (method === 'GET' || method === 'HEAD') && withoutCertificate.includes(url);

  // Every event that hands a request to somebody passes here (request, upgrade, connect, checkContinue and whatever
  // Node adds): a listener for each of them would leave those of others in place.
  const emit = server.emit.bind(server) as (event: string | symbol, ...args: unknown[]) => boolean;
  server.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    const [request, channel] = args;
    if (!(request instanceof IncomingMessage)) return emit(event, ...args);
    const verdict = check(request.socket);
    if (verdict.accepted || (event === 'request' && exempt(request))) return emit(event, ...args);
    onRefused?.(verdict, request);
    if (channel instanceof ServerResponse) refuseRequest(request, channel as ServerResponse, verdict);
    else refuseSocket(request.socket, verdict);
    return true;
  };
  return { server, renew };
}

function answer({ reason, message }: Refusal): { body: string; headers: Record<string, string> } {
  const body = `${JSON.stringify({ message, reason })}\n`;
  return {
    body,
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      // A client that has changed to another certificate since then shows it only on a new connection.
      Connection: 'close',
    },
  };
}

function refuseRequest(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  const { body, headers } = answer(refusal);
  response.writeHead(403, headers);
  response.write(body);
  // Closing with some of the request's body unread would reset the connection, and the answer could be lost.
  request.resume().once('end', () => response.end());
}

/** For a request that came to be given the bare connection (a WebSocket's, CONNECT). */
function refuseSocket(socket: Socket, refusal: Refusal): void {
  const { body, headers } = answer(refusal);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => undefined); // by its documentation Node listens no more, and the peer may be gone
  socket.end(`HTTP/1.1 403 Forbidden\r\n${lines.join('')}\r\n${body}`);
}
