// `node test/bench/rotate.mjs`: how long a rotation of one stage takes without its waits, and a run with nothing to do
// compared with `node -e 0`. The figures are JSON on stdout; a goal that is missed makes the exit code 1.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROTATIONS = 7;
const IDLE_RUNS = 15;
const GOALS = { rotationMs: 1_500, notDueTimesNode: 3 };

const here = dirname(fileURLToPath(import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'apigw-cert-bench-'));
const scene = spawn(process.execPath, [join(here, 'rotate-scene.mjs'), directory], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const [first] = await once(scene.stdout, 'data');
const env = {
  PATH: process.env.PATH,
  HOME: directory,
  AWS_EC2_METADATA_DISABLED: 'true',
  ...JSON.parse(String(first)),
};

function time(words, expected) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { env, encoding: 'utf8' });
  const ms = performance.now() - started;
  if (status !== 0 || !stdout.includes(expected))
    throw new Error(`${words.join(' ')}: ${status} ${stdout}${stderr}`);
  return ms;
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const repeat = (count, work) => Array.from({ length: count }, work);

const rotate = [
  ...[join(here, '..', '..', 'bin', 'apigw-cert.js'), 'rotate', '--stage', 'orders/prod'],
  ...['--trust', `pem-bundle:${join(directory, 'apigw.pem')}`, '--soak', '0s'],
];
try {
  const rotations = repeat(ROTATIONS, () => time([...rotate, '--force'], 'rotated'));
  // Taken in turns, so that whatever else the machine does hits both.
  const pairs = repeat(IDLE_RUNS, () => [time(rotate, 'nothing to do'), time(['-e', '0'], '')]);
  const notDueMs = median(pairs.map(([ms]) => ms));
  const nodeMs = median(pairs.map(([, ms]) => ms));
  const figures = {
    rotationMs: Math.round(median(rotations)),
    notDueMs: Math.round(notDueMs),
    nodeMs: Math.round(nodeMs),
    notDueTimesNode: Math.round((10 * notDueMs) / nodeMs) / 10,
  };
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  for (const [name, goal] of Object.entries(GOALS)) {
    if (figures[name] <= goal) continue;
    process.stderr.write(`${name} is ${figures[name]}, the goal is ${goal}\n`);
    process.exitCode = 1;
  }
} finally {
  scene.kill();
  rmSync(directory, { recursive: true, force: true });
}
