import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { mintServerCertificate } from '../../src/certificates/mint.js';

/** A TLS server of one test, on a free port of loopback. */
export interface TlsServer {
  /** `https://localhost:{port}/` */
  url: string;
  /** The authority that issued its certificate, PEM. */
  caPem: string;
  close(): Promise<void>;
}

/** Starts a server that answers as `answer` says, 200 by default. */
export async function startTlsServer(
  options: TlsOptions & { dnsNames?: string[]; days?: number } = {},
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => {
    response.end('ok');
  },
): Promise<TlsServer> {
  const { dnsNames = ['localhost'], days = 90, ...tls } = options;
  const own = await mintServerCertificate({ notBefore: new Date(Date.now() - 172_800_000), days, dnsNames });
  const server = https.createServer({ cert: own.certPem, key: own.privateKeyPem, ...tls }, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/`,
    caPem: own.caPem,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
