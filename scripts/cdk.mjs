// Installs the AWS CDK and cdk-nag into build/cdk for test/cdk, by the lock file there: 191 MB, which nothing else needs.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const lock = (folder) => join(folder, 'package-lock.json');
const source = join(root, 'test', 'cdk');
const target = join(root, 'build', 'cdk');

const isCurrent = existsSync(lock(target)) && readFileSync(lock(target)).equals(readFileSync(lock(source)));
if (!isCurrent) {
  const folder = `${target}.new`;
  for (const old of [folder, target]) rmSync(old, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(source, file), join(folder, file));
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 2, 'inherit'],
  });
  renameSync(folder, target);
}
