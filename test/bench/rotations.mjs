// `node test/bench/rotations.mjs [apis [stages [certificates [word…]]]]`: `rotate --all` in an account at AWS's limits, by
// default 1,320 APIs with 10 stages and 60 certificates, all due. Further words are handed to the command. The figures
// are JSON on stdout: seconds, peak memory, calls by operation, throttled answers.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli, here, openScene } from './open-scene.mjs';

const [apis = '1320', stages = '10', certificates = '60', ...words] = process.argv.slice(2);
const scene = await openScene('big-scene.mjs', apis, stages, certificates);
const { directory, env, trusted } = scene;
try {
  const file = join(directory, 'measure.json');
  const started = performance.now();
  const child = spawn(
    process.execPath,
    // prettier-ignore
    ['--require', join(here, 'measure.cjs'), cli, 'rotate', '--all', '--trust', `pem-bundle:${trusted}`, '--debug',
      '--output', 'json', ...words],
    {
      env: { ...env, BENCH_MEASURE: file },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let [out, errors] = ['', ''];
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (errors += data));
  const [code] = await once(child, 'close');
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const calls = {};
  let throttled = 0;
  for (const [, operation, , attempts = '1'] of errors.matchAll(
    /^debug: (\w+) (\d+) ms(?:, (\d+) attempts)?/gm,
  )) {
    calls[operation] = (calls[operation] ?? 0) + Number(attempts);
    throttled += Number(attempts) - 1;
  }
  const outcomes = {};
  for (const { outcome, error } of JSON.parse(out).rotations) {
    const what = outcome ?? error.code;
    outcomes[what] = (outcomes[what] ?? 0) + 1;
  }
  const total = Object.values(calls).reduce((a, b) => a + b, 0);
  process.stdout.write(
    `${JSON.stringify({ apis, stages, certificates, code, outcomes, seconds, throttled, total, calls, ...JSON.parse(readFileSync(file, 'utf8')) }, null, 2)}\n`,
  );
  if (code !== 0)
    process.stderr.write(
      errors
        .split('\n')
        .filter((one) => !one.startsWith('debug:'))
        .slice(-20)
        .join('\n'),
    );
} finally {
  scene.close();
}
