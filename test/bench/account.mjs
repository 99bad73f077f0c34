// The account of a benchmark and the backend of its APIs, which obeys a PEM file, in the process that imports this.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { startEmulator } from '../../dist/emulator.js';
import { call } from './control-plane.mjs';

const KEY = 'AKIDBENCH';

/** Starts both without AWS's limits. @param certificateQuota how many certificates there may be at a time */
export async function startAccount(directory, { certificateQuota }) {
  const [key, cert, trusted] = ['server.key', 'server.pem', 'apigw.pem'].map((name) => join(directory, name));
  execFileSync(
    'openssl',
    // prettier-ignore
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=DNS:localhost'],
    { stdio: 'ignore' },
  );
  const emulator = await startEmulator({
    rateLimit: false,
    certificateQuota,
    backendCa: readFileSync(cert, 'utf8'),
  });
  const request = (...words) => call(emulator.url, KEY, ...words);
  const uri = `https://localhost:${await startBackend({ key, cert, trusted })}/health`;

  return {
    emulator,
    request,
    async makeCertificates(count) {
      const made = [];
      while (made.length < count) made.push(await request('POST', '/clientcertificates', {}));
      return made;
    },
    /** Has the backend accept these certificates and no others. */
    trust(certificates) {
      const pems = certificates.map(
        ({ pemEncodedCertificate: pem }) => `${pem.replaceAll('\r\n', '\n').trimEnd()}\n`,
      );
      writeFileSync(trusted, pems.join(''));
    },
    /** Makes an API whose `GET /health` is passed on to the backend, with a deployment. */
    async makeApi(body) {
      const api = await request('POST', '/restapis', body);
      const below = `/restapis/${api.id}`;
      const health = await request('POST', `${below}/resources/${api.rootResourceId}`, {
        pathPart: 'health',
      });
      const method = `${below}/resources/${health.id}/methods/GET`;
      await request('PUT', method, { authorizationType: 'NONE' });
      await request('PUT', `${method}/integration`, { type: 'HTTP_PROXY', httpMethod: 'GET', uri });
      const { id: deploymentId } = await request('POST', `${below}/deployments`, {});
      return { below, deploymentId };
    },
    /** Makes a stage that presents the certificate. */
    async makeStage({ below, deploymentId }, stageName, { clientCertificateId: value }) {
      await request('POST', `${below}/stages`, { stageName, deploymentId });
      const patchOperations = [{ op: 'replace', path: '/clientCertificateId', value }];
      await request('PATCH', `${below}/stages/${stageName}`, { patchOperations });
    },
    /** Tells whoever started the process that all is ready: a line of JSON with the environment for the tool. */
    ready(more = {}) {
      const env = {
        AWS_ACCESS_KEY_ID: KEY,
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_REGION: 'eu-central-1',
        AWS_DEFAULT_REGION: 'eu-central-1', // the variable of the aws CLI's version 1
        AWS_ENDPOINT_URL: emulator.url,
        XDG_STATE_HOME: join(directory, 'state'),
      };
      process.stdout.write(`${JSON.stringify({ ...more, trusted, env })}\n`);
    },
  };
}

/** @returns its port */
async function startBackend({ key, cert, trusted }) {
  let known = '';
  let fingerprints = new Set();
  const backend = createServer(
    { key: readFileSync(key), cert: readFileSync(cert), requestCert: true, rejectUnauthorized: false },
    ({ socket }, response) => {
      // Reads the file at each request, so that a change needs no time to be obeyed.
      const text = readFileSync(trusted, 'utf8');
      if (text !== known) {
        known = text;
        const pems = text.match(/-----BEGIN [^]*?-----END CERTIFICATE-----/g) ?? [];
        fingerprints = new Set(pems.map((pem) => new X509Certificate(pem).fingerprint256));
      }
      response.writeHead(fingerprints.has(socket.getPeerX509Certificate()?.fingerprint256) ? 200 : 403).end();
    },
  );
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  return backend.address().port;
}
