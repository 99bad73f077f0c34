// `node test/bench/journals.mjs [count]`: what `status` costs beside that many rotations that have ended, by default
// 5,000, and one in progress. One rotation is made against the emulator; the others are its journal under other ids.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median } from './figures.mjs';
import { cli, here, openScene } from './open-scene.mjs';

const COUNT = Number(process.argv[2] ?? 5_000);
const RUNS = Number(process.env.BENCH_RUNS ?? 5);
const scene = await openScene('scene.mjs');
const { trusted, env, directory } = scene;
const measured = join(directory, 'measure.json');

function run(words, extra = {}) {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [cli, ...words], {
    env: { ...env, ...extra },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - started;
}

try {
  const probe = ['--probe', 'GET /health', '--settle', '0s', '--soak', '0s', '--force'];
  run(['rotate', '--stage', 'orders/prod', '--trust', `pem-bundle:${trusted}`, ...probe]);
  scene.stop();
  const rotations = join(env.XDG_STATE_HOME, 'apigw-cert', 'rotations');
  mkdirSync(rotations, { recursive: true });
  const [name] = readdirSync(rotations);
  const rotationId = name.replace(/\.jsonl$/, '');
  const journal = readFileSync(join(rotations, name), 'utf8');
  for (let i = 0; i < COUNT - 1; i++) {
    const id = `20260101T000000Z-${i.toString(16).padStart(8, '0')}`;
    writeFileSync(join(rotations, `${id}.jsonl`), journal.replaceAll(rotationId, id));
  }
  const unended = journal.trimEnd().split('\n').slice(0, -1).join('\n');
  writeFileSync(join(rotations, 'unended.jsonl'), `${unended.replaceAll(rotationId, 'unended')}\n`);
  process.stdout.write(`${COUNT} journals of ${Buffer.byteLength(journal)} octets, and one in progress\n`);
  for (const words of [['status'], ['status', '--all'], ['status', '--output', 'json']]) {
    const times = Array.from({ length: RUNS }, () => run(words));
    run(words, { NODE_OPTIONS: `--require ${join(here, 'measure.cjs')}`, BENCH_MEASURE: measured });
    const { peakMiB } = JSON.parse(readFileSync(measured, 'utf8'));
    process.stdout.write(`${words.join(' ')}: ${Math.round(median(times))} ms, ${Math.round(peakMiB)} MiB\n`);
  }
} finally {
  scene.close();
}
