// Gets DynamoDB Local, AWS's own DynamoDB for development and tests, into build/: its jar is in a package of Amplify. Its
// licence does not permit to ship it, and nothing but test/state/dynamodb-local.test.ts uses it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = 'amplify-dynamodb-simulator@2.9.30';
const INTEGRITY =
  'sha512-xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==';

const build = join(dirname(fileURLToPath(import.meta.url)), '..', 'build');
const target = join(build, 'dynamodb-local');
if (!existsSync(target)) {
  const folder = join(build, 'dynamodb-local.new');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const name = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', PACKAGE], {
    cwd: folder,
    encoding: 'utf8',
  }).trim();
  const archive = join(folder, name);
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== INTEGRITY) throw new Error(`${PACKAGE} is ${found}, and not ${INTEGRITY}`);
  execFileSync('tar', ['xzf', name, '--strip-components=2', 'package/emulator'], { cwd: folder });
  rmSync(archive);
  renameSync(folder, target);
}
