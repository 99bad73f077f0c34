// `node test/bench/commands.mjs`: how long commands take from start to end, as medians, beside `node -e 0`, which is what
// any Node program costs, beside the smallest program that makes the same call through the SDK, and beside the aws CLI's
// same call where that is installed. All of them run in turn, so that a busy minute of the machine meets all alike: then the
// ratios, which are taken round by round, say more than the times. BENCH_NODE is the Node to measure with.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { median } from './figures.mjs';
import { cli, here, openScene } from './open-scene.mjs';

const RUNS = Number(process.env.BENCH_RUNS ?? 9);
const NODE = process.env.BENCH_NODE ?? process.execPath;

const scene = await openScene('scene.mjs');
const { certificates, unusedId, trusted, env, directory } = scene;
const measured = join(directory, 'measure.json');

/** Runs a command, which must end with that exit code, and answers how long it took in ms. */
function time({ words: [command, ...words], exit = 0 }, extra = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, words, { env: { ...env, ...extra }, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (data) => (stderr += data));
    child.on('error', reject).on('close', (code) => {
      if (code === exit) resolve(performance.now() - started);
      else reject(new Error(`${[command, ...words].join(' ')} ended with ${code}: ${stderr}`));
    });
  });
}

/** What a program of Node used in a run of its own: `peakMiB` and `cpuMs`. */
async function used(row) {
  await time(row, { NODE_OPTIONS: `--require ${join(here, 'measure.cjs')}`, BENCH_MEASURE: measured });
  return JSON.parse(readFileSync(measured, 'utf8'));
}

/** The least that an SDK program can cost, bundled as this one is. */
const smallest = join(directory, 'smallest.mjs');
await build({
  stdin: {
    resolveDir: here,
    contents: `import { APIGatewayClient, GetClientCertificatesCommand } from '@aws-sdk/client-api-gateway';
      const { items } = await new APIGatewayClient({}).send(new GetClientCertificatesCommand({ limit: 500 }));
      for (const { clientCertificateId } of items) console.log(clientCertificateId);`,
  },
  outfile: smallest,
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  mainFields: ['module', 'main'],
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
});

const tool = (name, words, goal) => ({
  name: `apigw-cert ${name}`,
  words: [NODE, cli, ...words],
  goal,
});
const stage = ['--stage', 'orders/prod'];
const probe = ['--probe', 'GET /health'];
const rotate = [
  ...['rotate', ...stage, '--trust', `pem-bundle:${trusted}`, ...probe],
  ...['--settle', '0s', '--soak', '0s'],
];
const rows = [
  { name: 'node -e 0', words: [NODE, '-e', '0'] },
  { name: 'smallest SDK program', words: [NODE, smallest] },
  tool('--version', ['--version'], 1.6),
  tool('--help', ['--help']),
  tool('list', ['list'], 3),
  tool('list --usage', ['list', '--usage']),
  tool('check-expiry --all', ['check-expiry', '--all', '--quota', '100'], 3),
  tool('inventory', ['inventory']),
  tool('report --html', ['report', '--html', join(directory, 'fleet.html')]),
  tool('prune --dry-run', ['prune', '--dry-run']),
  tool('inspect ID', ['inspect', unusedId]),
  tool('inspect FILE', ['inspect', trusted]),
  tool('download', ['download', unusedId]),
  tool('update', ['update', unusedId, '--description', 'bench']),
  tool('test-invoke', ['test-invoke', ...stage, '--path', '/health']),
  // It finds the quota used up.
  { ...tool('doctor', ['doctor', ...stage, ...probe]), exit: 1 },
  tool('backend config', ['backend', 'config', 'nginx', ...stage]),
  tool('backend show', ['backend', 'show', '--trust', `pem-bundle:${trusted}`]),
  tool('status', ['status']),
  tool('rotate, not due', rotate, 3),
  tool('rotate --force', [...rotate, '--force']),
];
if (spawnSync('aws', ['--version'], { stdio: 'ignore' }).status === 0) {
  const words = ['aws', 'apigateway', 'get-client-certificates', '--endpoint-url', env.AWS_ENDPOINT_URL];
  rows.push({ name: 'aws get-client-certificates', words });
}

const only = process.env.BENCH_ONLY?.split(';');
const isMeasured = ({ name }) =>
  !only || only.includes(name.replace('apigw-cert ', '')) || !name.startsWith('apigw-cert');
rows.splice(0, rows.length, ...rows.filter(isMeasured));

try {
  for (const row of rows) Object.assign(row, { runs: [], cpu: [], peaks: [] });
  // In turn, so that a busy minute of the machine meets all of them; the first round warms it up.
  for (let run = -1; run < RUNS; run++) {
    for (const row of rows) {
      const ms = await time(row);
      if (run >= 0) row.runs.push(ms);
    }
    if (run < 0) continue;
    for (const row of rows.filter(({ words }) => words[0] === NODE)) {
      const { cpuMs, peakMiB } = await used(row);
      row.cpu.push(cpuMs);
      row.peaks.push(peakMiB);
    }
  }
  for (const row of rows) {
    row.ms = median(row.runs);
    row.fastest = Math.min(...row.runs);
    if (row.peaks.length > 0) row.peak = median(row.peaks);
  }
  const [base, sdk] = rows;
  const version = execFileSync(NODE, ['--version'], { encoding: 'utf8' }).trim();
  /** Round by round, so that what else the machine did in one of them is in both of its times. */
  const ratio = (row, to, of) =>
    row === undefined || to === undefined ? undefined : median(row[of].map((ms, run) => ms / to[of][run]));
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
    `medians of ${RUNS} runs, Node ${version}, ${certificates} certificates; load ${loadavg()[0]}\n`,
  );
  for (const [name, ...cells] of [head, ...rows.map(columns)]) {
    console.log(name.padEnd(30) + cells.map((cell) => cell.padStart(9)).join(''));
  }
  const named = (name) => rows.find((row) => row.name === `apigw-cert ${name}`);
  console.log('\nratios of CPU time, and of time beside the aws CLI; medians of the rounds');
  for (const [what, found, goal] of [
    ['list / smallest SDK program', ratio(named('list'), sdk, 'cpu'), 1.1],
    ['--version / node -e 0', ratio(named('--version'), base, 'cpu'), 1.4],
    ["check-expiry / the aws CLI's call", ratio(named('check-expiry --all'), aws, 'runs'), 0.3],
    ['rotate, not due / smallest SDK program', ratio(named('rotate, not due'), sdk, 'cpu'), 1.35],
  ]) {
    console.log(
      `${what.padEnd(42)}${found === undefined ? 'not measured' : `${found.toFixed(2)} (at most ${goal})`}`,
    );
  }
} finally {
  scene.close();
}
