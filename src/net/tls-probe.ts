/** One connection to a backend, as API Gateway would make it, and what came of it. */
import { request as httpRequest } from 'node:http';
import { connect as tcpConnect, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as tlsConnect, type SecureVersion, type TLSSocket } from 'node:tls';
import { AppError } from '../platform/errors.js';
import { printable } from '../platform/printable.js';
import { proxyFor } from './proxy.js';
import { asksAgain, readServerFlight, type ServerFlight } from './server-flight.js';

/** What a connection from outside came to. */
export type Admission =
  /** An HTTP status, whoever in the server gave it. */
  | { kind: 'answered'; status: number }
  /** Ended by TLS, or by closing the connection, before any answer. */
  | { kind: 'refused'; reason: string }
  /** Neither: an answer that is no HTTP. */
  | { kind: 'unclear'; reason: string };

export interface TlsAttempt {
  /** As OpenSSL names it: `TLSv1.3`. Absent when the handshake did not come so far. */
  protocol?: string;
  /** What the server sent of itself; absent when that could not be read. */
  flight?: ServerFlight;
  /** Under TLS 1.2: it began another handshake once it had seen the request. */
  asksLate: boolean;
  admission: Admission;
}

/** A certificate to present, PEM. */
export interface ClientIdentity {
  pem: string;
  privateKeyPem: string;
}

export interface TlsProbeOptions {
  identity?: ClientIdentity | undefined;
  /** The newest TLS version to offer; that of OpenSSL by default. */
  maxVersion?: SecureVersion | undefined;
  /** Milliseconds for the whole of it. */
  timeoutMs: number;
}

/** Longer than any flight that makes sense; what follows is not looked at. */
const MOST_OCTETS = 1024 * 1024;

const HANDSHAKE_SECRET = /^SERVER_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]+ ([0-9a-f]+)/i;

function unreachable(url: URL, what: string, cause: unknown): AppError {
  return new AppError('BackendUnreachable', `${url.host}: ${what}`, {
    cause,
    hint: 'check the name, the port, and that this machine can reach it',
    details: { url: url.href },
  });
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/** A TCP connection to a URL's host, through the proxy of the environment where there is one. */
async function connectTo(url: URL, timeoutMs: number): Promise<{ raw: Socket; tunnelled: boolean }> {
  const [host, port] = [hostOf(url), Number(url.port || 443)];
  const proxy = proxyFor(url);
  if (proxy === undefined) return { raw: tcpConnect({ host, port }), tunnelled: false };
  const { openTunnel } = await import('./tunnel.js');
  return { raw: await openTunnel(proxy, host, port, timeoutMs), tunnelled: true };
}

/** A connection whose incoming octets are shown to `seen` on their way. */
function tapped(
  { raw, tunnelled }: { raw: Socket; tunnelled: boolean },
  seen: (chunk: Buffer) => void,
): { transport: Duplex; isConnected: () => boolean } {
  let connected = tunnelled;
  const transport: Duplex = new Duplex({
    read: () => raw.resume(),
    write: (chunk: Buffer, _encoding, done) => raw.write(chunk, done),
    final: (done) => raw.end(done),
    destroy: (error, done) => {
      raw.destroy();
      done(error);
    },
  });
  raw.once('connect', () => (connected = true));
  raw.on('data', (chunk) => {
    seen(chunk);
    if (!transport.push(chunk)) raw.pause();
  });
  raw.once('end', () => transport.push(null));
  raw.once('error', (error) => transport.destroy(error));
  return { transport, isConnected: () => connected };
}

/** Asks for the URL over an established connection and gives its status. */
function statusOf(url: URL, socket: TLSSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      createConnection: () => socket,
      method: 'GET',
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, 'user-agent': 'apigw-cert', connection: 'close' },
    });
    request.on('response', (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    request.on('error', reject);
    request.end();
  });
}

interface Failure extends Error {
  code?: string;
}

/** A TLS alert as people look it up: `certificate required`, `unknown ca`. */
function alertOf({ code = '', message }: Failure): string | undefined {
  const named = /^ERR_SSL_(?:TLSV1_|TLSV13_|SSLV3_)?ALERT_([A-Z_]+)$/.exec(code)?.[1];
  if (named !== undefined) return named.toLowerCase().replaceAll('_', ' ');
  return /alert number (\d+)/.exec(message)?.[0];
}

/** A connection that a server ends without a word. */
const isCut = ({ code = '' }: Failure): boolean => code === 'ECONNRESET' || code === 'EPIPE';

/**
 * Connects, asks for the URL by GET, and says how far it came. Never trusts the server, since that is what is judged.
 * @param url https
 * @throws AppError `BackendUnreachable` when there is no TLS server at all
 */
export async function tlsProbe(
  url: URL,
  { identity, maxVersion, timeoutMs }: TlsProbeOptions,
): Promise<TlsAttempt> {
  const octets: Buffer[] = [];
  let count = 0;
  let secret: Buffer | undefined;
  const { transport, isConnected } = tapped(await connectTo(url, timeoutMs), (chunk) => {
    count += chunk.length;
    if (count <= MOST_OCTETS) octets.push(chunk);
  });
  const host = hostOf(url);
  const socket = tlsConnect({
    socket: transport,
    ...(isIP(host) ? {} : { servername: host }),
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...(identity ? { cert: identity.pem, key: identity.privateKeyPem } : {}),
  });
  socket.on('keylog', (line) => {
    const hex = HANDSHAKE_SECRET.exec(line.toString('latin1'))?.[1];
    if (hex !== undefined) secret = Buffer.from(hex, 'hex');
  });
  let protocol: string | undefined;
  const timeout = new AppError('BackendUnreachable', `${url.host} did not answer within ${timeoutMs} ms`, {
    hint: 'check the name, the port, and that this machine can reach it',
    details: { url: url.href },
  });
  const timer = setTimeout(() => socket.destroy(timeout), timeoutMs);

  const outcome = (admission: Admission): TlsAttempt => {
    const bytes = Buffer.concat(octets);
    const flight = readServerFlight(bytes, secret);
    return {
      ...(protocol === undefined ? {} : { protocol }),
      ...(flight === undefined ? {} : { flight }),
      asksLate: secret === undefined && asksAgain(bytes),
      admission,
    };
  };
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    protocol = socket.getProtocol() ?? undefined;
    const status = await statusOf(url, socket);
    return outcome({ kind: 'answered', status });
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    const failure = thrown as Failure;
    if (!isConnected()) throw unreachable(url, printable(failure.message), thrown);
    const alert = alertOf(failure);
    if (alert !== undefined) return outcome({ kind: 'refused', reason: `TLS alert: ${printable(alert)}` });
    if (isCut(failure)) return outcome({ kind: 'refused', reason: 'the connection was closed' });
    if (protocol === undefined) throw unreachable(url, `no TLS: ${printable(failure.message)}`, thrown);
    return outcome({ kind: 'unclear', reason: printable(failure.message) });
  } finally {
    clearTimeout(timer);
    socket.on('error', () => undefined);
    socket.destroy();
    transport.destroy();
  }
}
