// An account with one stage, 60 certificates and a backend that obeys a PEM file, in a process of their own, so that
// their work is not counted as the tool's. argv: a folder. Prints the ids and the environment for the tool as JSON once
// all is ready.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { startEmulator } from '../../dist/emulator.js';
import { call } from './control-plane.mjs';

const CERTIFICATES = 60;
const KEY = 'AKIDBENCH';

const directory = process.argv[2];
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
  // Room for the one that a rotation makes.
  certificateQuota: CERTIFICATES + 1,
  backendCa: readFileSync(cert, 'utf8'),
});
const request = (...words) => call(emulator.url, KEY, ...words);

const made = [];
while (made.length < CERTIFICATES) made.push(await request('POST', '/clientcertificates', {}));
const [{ clientCertificateId, pemEncodedCertificate }] = made;
writeFileSync(trusted, `${pemEncodedCertificate.replaceAll('\r\n', '\n').trimEnd()}\n`);
// Reads the file at each request, so that a change needs no time to be obeyed.
const fingerprints = () =>
  readFileSync(trusted, 'utf8')
    .match(/-----BEGIN [^]*?-----END CERTIFICATE-----/g)
    .map((pem) => new X509Certificate(pem).fingerprint256);
const backend = createServer(
  { key: readFileSync(key), cert: readFileSync(cert), requestCert: true, rejectUnauthorized: false },
  ({ socket }, response) => {
    const presented = socket.getPeerX509Certificate()?.fingerprint256;
    response.writeHead(fingerprints().includes(presented) ? 200 : 403).end();
  },
);
backend.listen(0, '127.0.0.1');
await once(backend, 'listening');

const api = await request('POST', '/restapis', { name: 'orders' });
const below = `/restapis/${api.id}`;
const health = await request('POST', `${below}/resources/${api.rootResourceId}`, { pathPart: 'health' });
const method = `${below}/resources/${health.id}/methods/GET`;
await request('PUT', method, { authorizationType: 'NONE' });
const uri = `https://localhost:${backend.address().port}/health`;
await request('PUT', `${method}/integration`, { type: 'HTTP_PROXY', httpMethod: 'GET', uri });
await request('POST', `${below}/deployments`, { stageName: 'prod' });
await request('PATCH', `${below}/stages/prod`, {
  patchOperations: [{ op: 'replace', path: '/clientCertificateId', value: clientCertificateId }],
});
process.stdout.write(
  `${JSON.stringify({
    certificates: CERTIFICATES,
    // Not the one that rotations replace.
    unusedId: made[1].clientCertificateId,
    trusted,
    env: {
      AWS_ACCESS_KEY_ID: KEY,
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'eu-central-1',
      AWS_DEFAULT_REGION: 'eu-central-1', // the variable of the aws CLI's version 1
      AWS_ENDPOINT_URL: emulator.url,
      XDG_STATE_HOME: join(directory, 'state'),
    },
  })}\n`,
);
