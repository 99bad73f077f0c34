// Writes man/: a manual page for the program and one for each command, from what --help is made from.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The day that the pages bear: of the build, or SOURCE_DATE_EPOCH (reproducible-builds.org). */
function day() {
  const { SOURCE_DATE_EPOCH } = process.env;
  const date = SOURCE_DATE_EPOCH ? new Date(Number(SOURCE_DATE_EPOCH) * 1000) : new Date();
  return date.toISOString().slice(0, 10);
}

/** @param version of the package */
export async function writeManPages(version) {
  const outfile = join(root, 'dist', 'man.tmp.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/man/pages.ts'],
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    define: { __VERSION__: JSON.stringify(version) },
  });
  const { manPages } = await import(pathToFileURL(outfile).href);
  const pages = await manPages({ version, date: day() });
  rmSync(outfile);
  rmSync(join(root, 'man'), { recursive: true, force: true });
  mkdirSync(join(root, 'man'));
  for (const { file, text } of pages) writeFileSync(join(root, 'man', file), text);
}
