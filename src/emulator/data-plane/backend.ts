import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import type { PresentedCertificate } from '../model.js';
import { BackendFailure, failureOf, isStaleSocket, tlsTrustFailure } from './failure.js';

export interface BackendRequest {
  method: string;
  /** `http:` or `https:`; only over https is a certificate presented. */
  url: URL;
  headers: http.OutgoingHttpHeaders;
  body: Buffer;
  certificate: PresentedCertificate | undefined;
  insecureSkipVerification: boolean;
  timeoutMs: number;
  /** A connection of its own instead of a kept one: a new handshake, so that nothing former can vouch. */
  fresh: boolean;
}

export interface BackendCaller {
  /**
   * Sends a request to an integration's backend and answers as soon as the response's head is there.
   * @throws BackendFailure
   */
  call(request: BackendRequest): Promise<IncomingMessage>;
  /** Closes the idle connections. */
  close(): void;
}

/** More connection pools than certificates that are likely to be in use; the one unused longest goes. */
const MAX_POOLS = 100;

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

/** Puts an entry at the young end of a cache, and answers the one that fell out at the old end. */
function remember<Value>(cache: Map<string, Value>, key: string, value: Value): Value | undefined {
  cache.delete(key);
  cache.set(key, value);
  const [oldest] = cache;
  if (cache.size <= MAX_POOLS || oldest === undefined) return undefined;
  cache.delete(oldest[0]);
  return oldest[1];
}

function send(request: BackendRequest, agent: http.Agent | https.Agent): Promise<IncomingMessage> {
  const { url, method, headers, body, timeoutMs } = request;
  const client = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const outgoing = client.request(url, { method, headers, agent });
    const timer = setTimeout(() => {
      outgoing.destroy(new BackendFailure('timeout', 'Endpoint request timed out'));
    }, timeoutMs);
    outgoing.on('socket', (socket) => {
      if (!(socket instanceof tls.TLSSocket) || outgoing.reusedSocket) return;
      if (!request.insecureSkipVerification) return;
      socket.once('secureConnect', () => {
        const failure = tlsTrustFailure(socket, url.hostname);
        if (failure !== undefined) outgoing.destroy(failure);
      });
    });
    outgoing.on('response', (response) => {
      response.once('close', () => {
        clearTimeout(timer);
      });
      resolve(response);
    });
    outgoing.on('error', (error) => {
      clearTimeout(timer);
      reject(failureOf(error, outgoing.reusedSocket && isStaleSocket(error)));
    });
    outgoing.end(body);
  });
}

/**
 * Connects to backends as API Gateway does. One pool of kept connections a certificate: a connection that was
 * opened with a certificate is never used for another. No TLS session is resumed, so each new connection is judged
 * by what the backend trusts at the time.
 */
export function createBackendCaller(backendCa: readonly string[]): BackendCaller {
  const trust = backendCa.length === 0 ? {} : { ca: [...tls.rootCertificates, ...backendCa] };
  const contexts = new Map<string, tls.SecureContext>();
  const pools = new Map<string, https.Agent>();
  const plain = new http.Agent({ keepAlive: true });

  function secureContext(certificate: PresentedCertificate | undefined): tls.SecureContext {
    const key = certificate?.pem ?? '';
    const identity = certificate && { cert: certificate.pem, key: certificate.privateKeyPem };
    const context = contexts.get(key) ?? tls.createSecureContext({ ...trust, ...identity });
    remember(contexts, key, context);
    return context;
  }

  function tlsOptions(request: BackendRequest): https.AgentOptions {
    return {
      secureContext: secureContext(request.certificate),
      rejectUnauthorized: !request.insecureSkipVerification,
      maxCachedSessions: 0,
    };
  }

  function pool(request: BackendRequest): https.Agent {
    const key = `${request.insecureSkipVerification}\n${request.certificate?.pem ?? ''}`;
    const agent = pools.get(key) ?? new https.Agent({ keepAlive: true, ...tlsOptions(request) });
    remember(pools, key, agent)?.destroy();
    return agent;
  }

  async function call(request: BackendRequest): Promise<IncomingMessage> {
    const secure = request.url.protocol === 'https:';
    if (request.fresh) {
      return await send(request, secure ? new https.Agent(tlsOptions(request)) : new http.Agent());
    }
    try {
      return await send(request, secure ? pool(request) : plain);
    } catch (error) {
      const repeatable = request.body.length === 0 || IDEMPOTENT.has(request.method);
      if (error instanceof BackendFailure && error.staleSocket && repeatable) {
        return await call({ ...request, fresh: true });
      }
      throw error;
    }
  }

  return {
    call,
    close() {
      plain.destroy();
      for (const agent of pools.values()) agent.destroy();
    },
  };
}
