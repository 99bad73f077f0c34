// `node test/bench/emulator-data.mjs [APIs]`: how long a PATCH of a stage takes with `--data`, in a state of that many
// APIs with ten stages each, by default 1,320, as many as an account may have.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator } from '../../dist/emulator.js';
import { call } from './control-plane.mjs';
import { median } from './figures.mjs';

const APIS = Number(process.argv[2] ?? 1_320);
const PATCHES = 200;
const directory = mkdtempSync(join(tmpdir(), 'apigw-cert-bench-'));
const file = join(directory, 'state.json');
const options = { rateLimit: false, dataDir: directory };

/** Sets a stage's certificate, and answers how long that took in ms. */
async function patch(url, restApiId, stage, value) {
  const started = performance.now();
  const patchOperations = [{ op: 'replace', path: '/clientCertificateId', value }];
  await call(url, 'AKIDBENCH', 'PATCH', `/restapis/${restApiId}/stages/${stage}`, { patchOperations });
  return performance.now() - started;
}

try {
  const small = await startEmulator(options);
  const request = (...words) => call(small.url, 'AKIDBENCH', ...words);
  const certificates = [];
  while (certificates.length < 2)
    certificates.push((await request('POST', '/clientcertificates', {})).clientCertificateId);
  const api = await request('POST', '/restapis', { name: 'orders' });
  const method = `/restapis/${api.id}/resources/${api.rootResourceId}/methods/GET`;
  await request('PUT', method, { authorizationType: 'NONE' });
  const uri = 'https://backend.example/health';
  await request('PUT', `${method}/integration`, { type: 'HTTP_PROXY', httpMethod: 'GET', uri });
  const { id: deploymentId } = await request('POST', `/restapis/${api.id}/deployments`, {});
  for (let i = 0; i < 10; i++)
    await request('POST', `/restapis/${api.id}/stages`, { stageName: `stage${i}`, deploymentId });
  await small.close();

  // The other APIs are copies of this one: to make them by calls would take longer than what is measured.
  const state = JSON.parse(readFileSync(file, 'utf8'));
  const { $map: apis } = state.worlds[0].apis;
  const text = JSON.stringify(apis[0]);
  const ids = Array.from({ length: APIS }, (_, i) => `api${i.toString(36).padStart(7, '0')}`);
  apis.splice(0, 1, ...ids.map((id) => JSON.parse(text.replaceAll(api.id, id))));
  writeFileSync(file, JSON.stringify(state));
  const megabytes = statSync(file).size / 1e6;

  const emulator = await startEmulator(options);
  const times = [];
  for (let i = 0; i < PATCHES; i++)
    times.push(await patch(emulator.url, ids[(i * 7) % APIS], `stage${i % 10}`, certificates[i % 2]));
  await emulator.close();
  times.sort((a, b) => a - b);
  process.stdout.write(
    `${APIS} APIs, ${10 * APIS} stages, ${megabytes.toFixed(1)} MB: a PATCH takes ${median(times).toFixed(1)} ms, ` +
      `95 of 100 at most ${times[Math.floor(0.95 * PATCHES)].toFixed(1)} ms, the longest ${times.at(-1).toFixed(1)} ms\n`,
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
