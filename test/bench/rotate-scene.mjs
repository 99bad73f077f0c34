// An emulator and a backend that follows a PEM file, in a process of their own, so that their work is not counted as
// the tool's. argv: a folder. Prints the environment for the command line as JSON, once all is ready.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEmulator } from '../../dist/emulator.js';
import { trustClientCertificates } from '../../dist/node.js';

const directory = process.argv[2];
const [key, cert] = [join(directory, 'server.key'), join(directory, 'server.pem')];
execFileSync(
  'openssl',
  // prettier-ignore
  ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost'],
  { stdio: 'ignore' },
);

const DAY = 86_400_000;
const emulator = await startEmulator({
  rateLimit: false,
  backendCa: readFileSync(cert, 'utf8'),
  clock: new Date(Date.now() - 340 * DAY),
});

async function request(method, path, body) {
  const authorization =
    'AWS4-HMAC-SHA256 Credential=AKIDBENCH/20260101/eu-central-1/apigateway/aws4_request, SignedHeaders=host, Signature=0';
  const response = await fetch(emulator.url + path, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
  return text === '' ? {} : JSON.parse(text);
}

const old = await request('POST', '/clientcertificates', {});
writeFileSync(
  join(directory, 'apigw.pem'),
  `${old.pemEncodedCertificate.replaceAll('\r\n', '\n').trimEnd()}\n`,
);
const trust = trustClientCertificates(join(directory, 'apigw.pem'));
const server = { key: readFileSync(key), cert: readFileSync(cert) };
const backend = trust.createServer(server, (_request, response) => response.end('ok'));
backend.listen(0, '127.0.0.1');
await once(backend, 'listening');

const api = await request('POST', '/restapis', { name: 'orders' });
const health = await request('POST', `/restapis/${api.id}/resources/${api.rootResourceId}`, {
  pathPart: 'health',
});
const method = `/restapis/${api.id}/resources/${health.id}/methods/GET`;
await request('PUT', method, { authorizationType: 'NONE' });
await request('PUT', `${method}/integration`, {
  type: 'HTTP_PROXY',
  httpMethod: 'GET',
  uri: `https://localhost:${backend.address().port}/health`,
});
await request('POST', `/restapis/${api.id}/deployments`, { stageName: 'prod' });
await request('PATCH', `/restapis/${api.id}/stages/prod`, {
  patchOperations: [{ op: 'replace', path: '/clientCertificateId', value: old.clientCertificateId }],
});
emulator.setClock(new Date());
process.stdout.write(
  `${JSON.stringify({
    AWS_ACCESS_KEY_ID: 'AKIDBENCH',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL: emulator.url,
    XDG_STATE_HOME: join(directory, 'state'),
  })}\n`,
);
