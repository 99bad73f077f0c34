// Makes `npm test` and `npm run demo` work as the first command on a fresh clone: installs and builds, but only
// what is missing or older than its source.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

/** The time of the newest file below `path` in ms since the epoch, 0 when it does not exist. */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function npm(...args) {
  console.error(`> npm ${args.join(' ')}`);
  const { status } = spawnSync('npm', args, {
    stdio: ['inherit', 2, 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}

const installedAt = () =>
  statSync('node_modules/.package-lock.json', { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (installedAt() < newest('package-lock.json')) npm('ci');
const built = Math.min(...['dist/cli.cjs', 'man', 'build/bundled.json'].map(newest));
const sources = ['src', 'scripts/build.mjs', 'scripts/merge-chunks.mjs', 'scripts/man.mjs'].map(newest);
if (built < Math.max(...sources, installedAt())) {
  npm('run', 'build');
}
