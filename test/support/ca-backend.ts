import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { mintServerCertificate } from '../../src/certificates/mint.js';

/** A real HTTPS server that lets in whoever presents a certificate of the authorities that it trusts. */
export interface CaBackend {
  readonly url: string;
  /** The trust anchor of its own certificate. */
  readonly caPem: string;
  /** What each request presented: a fingerprint (SHA-256), or OpenSSL's reason to refuse it. */
  readonly seen: readonly string[];
  close(): Promise<void>;
}

/** @param trusted PEM of the authorities */
export async function startCaBackend(trusted: string): Promise<CaBackend> {
  const server = await mintServerCertificate({
    notBefore: new Date(Date.now() - 3_600_000),
    dnsNames: ['localhost'],
  });
  const seen: string[] = [];
  const listener = https.createServer(
    {
      cert: server.certPem,
      key: server.privateKeyPem,
      ca: trusted,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      const { socket } = request;
      if (!(socket instanceof TLSSocket)) throw new Error('not a TLS connection');
      const presented = socket.getPeerX509Certificate()?.fingerprint256 ?? 'none';
      seen.push(socket.authorized ? presented : String(socket.authorizationError));
      response.writeHead(socket.authorized ? 200 : 403).end();
    },
  );
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `https://localhost:${(listener.address() as AddressInfo).port}`,
    caPem: server.caPem,
    seen,
    async close() {
      listener.close();
      listener.closeAllConnections();
      await once(listener, 'close');
    },
  };
}
