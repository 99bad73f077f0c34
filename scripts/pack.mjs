// The npm package as it would be published, for the scripts that make something of it.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Where everything is written that is made of a package. */
export const buildFolder = join(root, 'build');

/**
 * Packs what is built. `npm pack` alone would build once more.
 * @returns the file, its size, and the size of what is in it, both in octets
 */
export function npmPack() {
  mkdirSync(buildFolder, { recursive: true });
  const json = execFileSync(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', buildFolder],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  // A list up to npm 11, by name from then on.
  const [{ filename, size, unpackedSize, entryCount }] = Object.values(JSON.parse(json));
  return { file: join(buildFolder, filename), size, unpackedSize, entryCount };
}
