import { once } from 'node:events';
import https from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { trustClientCertificates } from '../../node/index.js';

/** What a backend proves itself with: PEM. */
export interface ServerIdentity {
  certPem: string;
  privateKeyPem: string;
}

export interface DemoBackend {
  url: string;
  close(): void;
}

/** A backend as `apigw-cert/node` makes it: it lets in exactly the certificates of the file. */
export async function startTrustingBackend(
  { certPem, privateKeyPem }: ServerIdentity,
  trustFile: string,
): Promise<DemoBackend> {
  const trust = trustClientCertificates(trustFile);
  const server = trust.createServer({ cert: certPem, key: privateKeyPem }, (request, response) => {
    response.setHeader('x-certificate', trust.presented(request)?.fingerprintSha256 ?? '');
    response.end('{"health":"good"}\n');
  });
  const url = await listen(server);
  return {
    url,
    close() {
      trust.close();
      end(server);
    },
  };
}

/** A backend as the documented procedure makes it: old and new certificate in one bundle of CAs. */
export async function startNaiveBackend(
  { certPem, privateKeyPem }: ServerIdentity,
  ca: readonly string[],
): Promise<DemoBackend> {
  const server = https.createServer(
    { cert: certPem, key: privateKeyPem, ca: [...ca], requestCert: true, rejectUnauthorized: true },
    (_, response) => response.end('{"health":"good"}\n'),
  );
  const url = await listen(server);
  return {
    url,
    close() {
      end(server);
    },
  };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

function end(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/** The status that a caller gets who presents no certificate. */
export async function statusWithoutCertificate(url: string, ca: string): Promise<number> {
  const request = https.get(url, { ca, agent: false });
  const [response] = (await once(request, 'response')) as [{ statusCode?: number; resume(): void }];
  response.resume();
  return response.statusCode ?? 0;
}
