// An account of many stages that share certificates which are all due, and one backend that obeys a PEM file, in a
// process of their own. argv: a folder, the number of APIs, of stages of each, and of certificates. Prints the
// environment for the tool as JSON once all is ready; AWS's limits apply from then on.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { startEmulator } from '../../dist/emulator.js';
import { call } from './control-plane.mjs';

const KEY = 'AKIDBENCH';
const [directory, apis, stages, certificates] = [process.argv[2], ...process.argv.slice(3).map(Number)];
/** What AWS lets an account have of each kind. */
const KINDS = [
  ['REGIONAL', 600],
  ['PRIVATE', 600],
  ['EDGE', 120],
];

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
  // Room for those that a rotation makes.
  certificateQuota: 2 * certificates,
  backendCa: readFileSync(cert, 'utf8'),
});
const request = (...words) => call(emulator.url, KEY, ...words);

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
const uri = `https://localhost:${backend.address().port}/health`;

emulator.advanceClock(-340 * 86_400_000);
const made = [];
while (made.length < certificates) made.push(await request('POST', '/clientcertificates', {}));
writeFileSync(
  trusted,
  made.map(({ pemEncodedCertificate: pem }) => `${pem.replaceAll('\r\n', '\n').trimEnd()}\n`).join(''),
);
const kinds = KINDS.flatMap(([kind, most]) => Array(most).fill(kind));
for (let i = 0; i < apis; i++) {
  const api = await request('POST', '/restapis', {
    name: `api-${i}`,
    endpointConfiguration: { types: [kinds[i]] },
  });
  const below = `/restapis/${api.id}`;
  const health = await request('POST', `${below}/resources/${api.rootResourceId}`, { pathPart: 'health' });
  const method = `${below}/resources/${health.id}/methods/GET`;
  await request('PUT', method, { authorizationType: 'NONE' });
  await request('PUT', `${method}/integration`, { type: 'HTTP_PROXY', httpMethod: 'GET', uri });
  const { id: deploymentId } = await request('POST', `${below}/deployments`, {});
  const clientCertificateId = made[i % certificates].clientCertificateId;
  for (let s = 0; s < stages; s++) {
    await request('POST', `${below}/stages`, { stageName: `s${s}`, deploymentId });
    const patchOperations = [{ op: 'replace', path: '/clientCertificateId', value: clientCertificateId }];
    await request('PATCH', `${below}/stages/s${s}`, { patchOperations });
  }
}
emulator.setClock(new Date());
await request('PATCH', '/_emulator/config', { rateLimit: { perSecond: 10, burst: 40 } });
process.stdout.write(
  `${JSON.stringify({
    trusted,
    env: {
      AWS_ACCESS_KEY_ID: KEY,
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL: emulator.url,
      XDG_STATE_HOME: join(directory, 'state'),
    },
  })}\n`,
);
