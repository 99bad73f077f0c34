// `npm run bench`: how long commands take from start to end, as medians, beside `node -e 0`, which is what any Node
// program costs, and beside the aws CLI's same call where that is installed.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmulator } from '../../dist/emulator.js';
import { trustClientCertificates } from '../../dist/node.js';

const RUNS = Number(process.env.BENCH_RUNS ?? 9);
const CERTIFICATES = 60;

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '..', '..', 'bin', 'apigw-cert.js');
const directory = mkdtempSync(join(tmpdir(), 'apigw-cert-bench-'));
const peakFile = join(directory, 'peak');

const node = (...words) => [process.execPath, ...words];
const tool = (...words) => node(cli, ...words);

const serverCertificate = join(directory, 'server.pem');
const serverKey = join(directory, 'server.key');
execFileSync(
  'openssl',
  `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost
    -addext subjectAltName=DNS:localhost -keyout ${serverKey} -out ${serverCertificate}`.split(/\s+/),
  { stdio: 'ignore' },
);

const emulator = await startEmulator({
  rateLimit: false,
  certificateQuota: CERTIFICATES + 1,
  backendCa: readFileSync(serverCertificate, 'utf8'),
});
const env = {
  PATH: process.env.PATH,
  HOME: directory,
  XDG_STATE_HOME: directory,
  AWS_ENDPOINT_URL: emulator.url,
  AWS_REGION: 'eu-central-1',
  AWS_DEFAULT_REGION: 'eu-central-1', // the variable of the aws CLI's version 1
  AWS_ACCESS_KEY_ID: 'AKIDBENCH',
  AWS_SECRET_ACCESS_KEY: 'secret',
};

async function request(method, path, body) {
  const authorization =
    'AWS4-HMAC-SHA256 Credential=AKIDBENCH/20260101/eu-central-1/apigateway/aws4_request, SignedHeaders=host, Signature=0';
  const response = await fetch(emulator.url + path, {
    method,
    headers: { authorization },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  return answer;
}

/** A stage with a certificate, and a backend that demands it. */
async function stageWithBackend({ clientCertificateId, pemEncodedCertificate }) {
  const trustFile = join(directory, 'orders.pem');
  writeFileSync(trustFile, `${pemEncodedCertificate.replaceAll('\r', '')}\n`);
  const trust = trustClientCertificates(trustFile);
  const backend = trust.createServer(
    { cert: readFileSync(serverCertificate), key: readFileSync(serverKey) },
    (_, response) => response.end('good'),
  );
  await new Promise((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const api = await request('POST', '/restapis', { name: 'orders' });
  const below = `/restapis/${api.id}`;
  const { id } = await request('POST', `${below}/resources/${api.rootResourceId}`, { pathPart: 'health' });
  const method = `${below}/resources/${id}/methods/GET`;
  await request('PUT', method, { authorizationType: 'NONE' });
  const uri = `https://localhost:${backend.address().port}/health`;
  await request('PUT', `${method}/integration`, { type: 'HTTP_PROXY', httpMethod: 'GET', uri });
  await request('POST', `${below}/deployments`, { stageName: 'prod' });
  const attach = { op: 'replace', path: '/clientCertificateId', value: clientCertificateId };
  await request('PATCH', `${below}/stages/prod`, { patchOperations: [attach] });
  return {
    trustFile,
    close() {
      trust.close();
      backend.close();
      backend.closeAllConnections();
    },
  };
}

/** Wall time in ms; the process must end with one of the codes. */
function time([command, ...words], { codes = [0], peak = false } = {}) {
  const extra = peak
    ? { NODE_OPTIONS: `--require ${join(here, 'peak.cjs')}`, BENCH_PEAK_FILE: peakFile }
    : {};
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, words, { env: { ...env, ...extra }, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (data) => (stderr += data));
    child.on('error', reject).on('close', (code) => {
      if (codes.includes(code)) resolve(performance.now() - started);
      else reject(new Error(`${[command, ...words].join(' ')} ended with ${code}: ${stderr}`));
    });
  });
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const made = [];
while (made.length < CERTIFICATES) made.push(await request('POST', '/clientcertificates', {}));
const stage = await stageWithBackend(made[0]);
const rotate = [
  ...['rotate', '--stage', 'orders/prod', '--trust', `pem-bundle:${stage.trustFile}`],
  ...['--probe', 'GET /health', '--settle', '200ms', '--soak', '0s'],
];
const rows = [
  { name: 'node -e 0', words: node('-e', '0') },
  { name: 'apigw-cert --version', words: tool('--version'), goal: 1.6 },
  { name: 'apigw-cert list', words: tool('list'), goal: 3 },
  { name: 'apigw-cert check-expiry --all', words: tool('check-expiry', '--all', '--quota', '100'), goal: 3 },
  { name: 'apigw-cert rotate (not due)', words: tool(...rotate), goal: 3 },
  { name: 'apigw-cert rotate --force', words: tool(...rotate, '--force') },
];
const hasAws = spawnSync('aws', ['--version'], { stdio: 'ignore' }).status === 0;
if (hasAws) {
  const words = ['aws', 'apigateway', 'get-client-certificates', '--endpoint-url', emulator.url];
  rows.push({ name: 'aws get-client-certificates', words });
}

try {
  for (const row of rows) row.times = [];
  // In turn, so that a busy minute of the machine meets all of them.
  for (let run = -1; run < RUNS; run++) {
    for (const { words, times } of rows) {
      const ms = await time(words);
      if (run >= 0) times.push(ms);
    }
  }
  for (const row of rows) {
    row.ms = median(row.times);
    if (!row.words[0].endsWith('aws')) {
      await time(row.words, { peak: true });
      row.peak = Number(readFileSync(peakFile, 'utf8')) / 1024;
    }
  }
  const [base] = rows;
  const aws = rows.find(({ name }) => name.startsWith('aws'));
  console.log(`${RUNS} runs, Node ${process.version}, ${CERTIFICATES} certificates\n`);
  console.log('command                         median ms   x node -e 0   goal   x aws   peak MiB');
  for (const { name, ms, goal, peak } of rows) {
    console.log(
      [
        name.padEnd(31),
        ms.toFixed(0).padStart(10),
        (ms / base.ms).toFixed(2).padStart(13),
        (goal === undefined ? '' : String(goal)).padStart(6),
        (aws === undefined ? '' : (ms / aws.ms).toFixed(2)).padStart(7),
        (peak === undefined ? '' : peak.toFixed(0)).padStart(10),
      ].join(' '),
    );
  }
} finally {
  stage.close();
  await emulator.close();
  rmSync(directory, { recursive: true, force: true });
}
