// `npm run bench`: how long commands take from start to end, as medians, beside `node -e 0`, which is what any Node
// program costs, and beside the aws CLI's same call where that is installed. On a machine that is busy with something
// else the fastest run says more than the median.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmulator } from '../../dist/emulator.js';

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
  // Reads the file at each request, so that a change needs no time to be obeyed.
  const trusted = () =>
    readFileSync(trustFile, 'utf8')
      .match(/-----BEGIN [^]*?-----END CERTIFICATE-----/g)
      .map((pem) => new X509Certificate(pem).fingerprint256);
  const backend = createServer(
    {
      cert: readFileSync(serverCertificate),
      key: readFileSync(serverKey),
      requestCert: true,
      rejectUnauthorized: false,
    },
    ({ socket }, response) => {
      const accepted = trusted().includes(socket.getPeerX509Certificate()?.fingerprint256);
      response.writeHead(accepted ? 200 : 403).end();
    },
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
      backend.close();
      backend.closeAllConnections();
    },
  };
}

/** Runs a command, which must end well, and answers how long it took in ms. */
function time([command, ...words], extra = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, words, { env: { ...env, ...extra }, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (data) => (stderr += data));
    child.on('error', reject).on('close', (code) => {
      if (code === 0) resolve(performance.now() - started);
      else reject(new Error(`${[command, ...words].join(' ')} ended with ${code}: ${stderr}`));
    });
  });
}

async function peakMemory(words) {
  await time(words, {
    NODE_OPTIONS: `--require ${join(here, 'peak.cjs')}`,
    BENCH_PEAK_FILE: peakFile,
  });
  return Number(readFileSync(peakFile, 'utf8')) / 1024;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const made = [];
while (made.length < CERTIFICATES) made.push(await request('POST', '/clientcertificates', {}));
const stage = await stageWithBackend(made[0]);
const rotate = [
  ...['rotate', '--stage', 'orders/prod', '--trust', `pem-bundle:${stage.trustFile}`],
  ...['--probe', 'GET /health', '--settle', '0s', '--soak', '0s'],
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
  for (const row of rows) row.runs = [];
  // In turn, so that a busy minute of the machine meets all of them; the first round warms it up.
  for (let run = -1; run < RUNS; run++) {
    for (const { words, runs } of rows) {
      const ms = await time(words);
      if (run >= 0) runs.push(ms);
    }
  }
  for (const row of rows) {
    row.ms = median(row.runs);
    row.fastest = Math.min(...row.runs);
    if (row.words[0] === process.execPath) row.peak = await peakMemory(row.words);
  }
  const [base] = rows;
  const aws = rows.find(({ name }) => name.startsWith('aws'));
  const columns = ({ name, ms, fastest, goal, peak }) => [
    name,
    ms.toFixed(0),
    (ms / base.ms).toFixed(2),
    fastest.toFixed(0),
    (fastest / base.fastest).toFixed(2),
    String(goal ?? ''),
    aws === undefined ? '' : (ms / aws.ms).toFixed(2),
    peak?.toFixed(0) ?? '',
  ];
  const head = ['command', 'ms', 'x node', 'fastest', 'x node', 'goal', 'x aws', 'peak MiB'];
  console.log(
    `medians of ${RUNS} runs, Node ${process.version}, ${CERTIFICATES} certificates; load ${loadavg()[0]}\n`,
  );
  for (const [name, ...cells] of [head, ...rows.map(columns)]) {
    console.log(name.padEnd(30) + cells.map((cell) => cell.padStart(9)).join(''));
  }
} finally {
  stage.close();
  await emulator.close();
  rmSync(directory, { recursive: true, force: true });
}
