import { once } from 'node:events';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { mintServerCertificate } from '../../src/certificates/mint.js';

/** A real HTTPS server that lets in exactly the client certificates that are pinned. */
export interface Backend {
  /** `https://localhost:{port}` */
  readonly url: string;
  /** The trust anchor of its own certificate: the emulator's `backendCa`. */
  readonly caPem: string;
  /** SHA-256 fingerprints, colon-separated upper-case hex. May be changed at any time; each request is judged anew. */
  readonly pins: Set<string>;
  /** Requests answered 200, by the fingerprint presented. */
  readonly accepted: Map<string, number>;
  /** Requests answered 403, by the fingerprint presented, or `none`. */
  readonly refused: Map<string, number>;
  /** The methods of all requests so far, refused ones too. */
  readonly methods: readonly string[];
  /** TLS connections made so far. */
  connections(): number;
  /** Ends the kept connections, as a server that restarts or times out does. */
  dropConnections(): void;
  close(): Promise<void>;
}

/** What an accepted request is answered: what the backend received. */
export interface Echo {
  method: string;
  url: string;
  headers: Record<string, string | string[]>;
  body: string;
  fingerprint: string;
}

async function echo(request: IncomingMessage, fingerprint: string): Promise<Echo> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    headers: request.headers as Echo['headers'],
    body: Buffer.concat(chunks).toString(),
    fingerprint,
  };
}

const count = (counts: Map<string, number>, key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};

/**
 * Starts a backend on loopback. It asks every client for a certificate, and answers 403 to one that presents none,
 * one that is not pinned, or one that has expired. `GET /status/{n}` answers n, everything else an {@link Echo}.
 *
 * @param options `demand: false` asks for no certificate, `anyCertificate` lets in whatever is presented, and `hangUp`
 * ends the connection without a word instead of answering 403
 */
export async function startBackend(
  options: { pins?: Iterable<string>; demand?: boolean; anyCertificate?: boolean; hangUp?: boolean } = {},
): Promise<Backend> {
  const { pins: initial = [], demand = true, anyCertificate = false, hangUp = false } = options;
  const pins = new Set(initial);
  const accepted = new Map<string, number>();
  const methods: string[] = [];
  const refused = new Map<string, number>();
  let connections = 0;
  const server = await mintServerCertificate({
    notBefore: new Date(Date.now() - 3_600_000),
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
  });
  const listener = https.createServer(
    { cert: server.certPem, key: server.privateKeyPem, requestCert: demand, rejectUnauthorized: false },
    (request, response) => {
      const { socket } = request;
      if (!(socket instanceof TLSSocket)) throw new Error('not a TLS connection');
      methods.push(request.method ?? '');
      const presented = socket.getPeerX509Certificate()?.fingerprint256 ?? 'none';
      const valid = String(socket.authorizationError) === 'DEPTH_ZERO_SELF_SIGNED_CERT';
      const isAdmitted = pins.has(presented) || (anyCertificate && presented !== 'none');
      if (demand && (!valid || !isAdmitted)) {
        count(refused, presented);
        if (hangUp) {
          socket.destroy();
          return;
        }
        request.resume();
        response.writeHead(403, { 'content-type': 'application/json' }).end('{"message":"who are you?"}');
        return;
      }
      count(accepted, presented);
      const status = Number(/^\/status\/(\d{3})/.exec(request.url ?? '')?.[1] ?? 200);
      void echo(request, presented).then((body) => {
        response.writeHead(status, { 'content-type': 'application/json', 'x-backend': 'yes' });
        response.end(JSON.stringify(body));
      });
    },
  );
  listener.on('secureConnection', () => (connections += 1));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `https://localhost:${(listener.address() as AddressInfo).port}`,
    caPem: server.caPem,
    pins,
    accepted,
    refused,
    methods,
    connections: () => connections,
    dropConnections: () => {
      listener.closeAllConnections();
    },
    async close() {
      listener.close();
      listener.closeAllConnections();
      await once(listener, 'close');
    },
  };
}
