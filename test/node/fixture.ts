import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SecureVersion, TLSSocket } from 'node:tls';
import { afterEach } from '@jest/globals';
import { mintServerCertificate } from '../../src/certificates/mint.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';

/** The cast: `evil` has the same name as the others and a key of its own; `early` begins in two days. */
export async function mintCast() {
  const [old, fresh, evil, expired, early] = await Promise.all([
    mintIdentity('old111', 340),
    mintIdentity('fresh1'),
    mintIdentity('evil11'),
    mintIdentity('ended1', 400),
    mintIdentity('early1', -2),
  ]);
  return { old, fresh, evil, expired, early };
}

/** What tells a certificate from all others. */
export function fingerprint({ certificate }: TestIdentity): string {
  return certificate.fingerprintSha256;
}

export const serverCertificate = await mintServerCertificate({
  notBefore: new Date(Date.now() - 86_400_000),
  dnsNames: ['localhost'],
});

/** What https.createServer needs to serve as `localhost`. */
export const serverOptions = { key: serverCertificate.privateKeyPem, cert: serverCertificate.certPem };

const undo: (() => void)[] = [];
/** Runs `action` after the test, last registered first. */
export function afterTest(action: () => void): void {
  undo.push(action);
}
afterEach(() => {
  for (const action of undo.splice(0).reverse()) action();
});

/** A directory of its own for the test. */
export function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'apigw-cert-node-'));
  afterTest(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

/** Puts the text in place of the file at once, as every careful writer does. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}

/** The text of a file with these certificates. */
export function bundle(...list: readonly TestIdentity[]): string {
  return list.map(({ certificate }) => certificate.pem).join('');
}

/** Listens on a free port of the loopback until the test ends. */
export async function listen(server: https.Server | Http2SecureServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  afterTest(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What a TLS client needs to present the certificate. */
export function clientOptions({ certificate, privateKeyPem }: TestIdentity) {
  return { cert: certificate.pem, key: privateKeyPem };
}

export interface Answer {
  status: number;
  body: string;
  headers: IncomingHttpHeaders;
  /** The connection that it came over. */
  socket: TLSSocket;
  /** As asked while the connection was open. */
  resumed: boolean;
}

export interface Call {
  port: number;
  as?: TestIdentity;
  version?: SecureVersion;
  agent?: https.Agent;
  session?: Buffer;
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** One request over real TLS, on a new connection unless an agent is given. The server's certificate is checked. */
export function call({ port, as, version, body, path = '/', ...rest }: Call): Promise<Answer> {
  const client = as && clientOptions(as);
  const versions = version && { minVersion: version, maxVersion: version };
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        host: '127.0.0.1',
        servername: 'localhost',
        ca: serverCertificate.caPem,
        agent: false,
        port,
        path,
        ...client,
        ...versions,
        ...rest,
      },
      (response) => {
        const { socket } = response;
        if (!(socket instanceof TLSSocket)) throw new Error('not a TLS connection');
        const resumed = socket.isSessionReused();
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode = 0, headers } = response;
          resolve({ status: statusCode, body: Buffer.concat(chunks).toString(), headers, socket, resumed });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
