import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The binary of a Node version: from the build folder, else from the npm registry; undefined without a network. */
export async function nodeBinary(version: string): Promise<string | undefined> {
  const folder = join(root, 'build', 'nodes', version);
  const path = join(folder, 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(path)) {
    const install = ['install', '--prefix', folder, '--no-save', '--silent', `node@${version}`];
    await promisify(execFile)('npm', install, { timeout: 300_000 }).catch(() => undefined);
  }
  return existsSync(path) ? path : undefined;
}
