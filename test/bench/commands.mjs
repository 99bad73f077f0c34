// `node test/bench/commands.mjs`: how long commands take from start to end, as medians, beside `node -e 0`, which is what
// any Node program costs, and beside the aws CLI's same call where that is installed. On a machine that is busy with
// something else the fastest run says more than the median.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { median } from './figures.mjs';
import { cli, here, openScene } from './open-scene.mjs';

const RUNS = Number(process.env.BENCH_RUNS ?? 9);

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

/** Its peak memory, in MiB. */
async function peakMemory(row) {
  await time(row, { NODE_OPTIONS: `--require ${join(here, 'measure.cjs')}`, BENCH_MEASURE: measured });
  return JSON.parse(readFileSync(measured, 'utf8')).peakMiB;
}

const tool = (name, words, goal) => ({
  name: `apigw-cert ${name}`,
  words: [process.execPath, cli, ...words],
  goal,
});
const stage = ['--stage', 'orders/prod'];
const probe = ['--probe', 'GET /health'];
const rotate = [
  ...['rotate', ...stage, '--trust', `pem-bundle:${trusted}`, ...probe],
  ...['--settle', '0s', '--soak', '0s'],
];
const rows = [
  { name: 'node -e 0', words: [process.execPath, '-e', '0'] },
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

try {
  for (const row of rows) row.runs = [];
  // In turn, so that a busy minute of the machine meets all of them; the first round warms it up.
  for (let run = -1; run < RUNS; run++) {
    for (const row of rows) {
      const ms = await time(row);
      if (run >= 0) row.runs.push(ms);
    }
  }
  for (const row of rows) {
    row.ms = median(row.runs);
    row.fastest = Math.min(...row.runs);
    if (row.words[0] === process.execPath) row.peak = await peakMemory(row);
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
    `medians of ${RUNS} runs, Node ${process.version}, ${certificates} certificates; load ${loadavg()[0]}\n`,
  );
  for (const [name, ...cells] of [head, ...rows.map(columns)]) {
    console.log(name.padEnd(30) + cells.map((cell) => cell.padStart(9)).join(''));
  }
} finally {
  scene.close();
}
