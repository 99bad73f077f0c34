// Writes the pages of docs/ that are made from the code.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/exit-codes.ts'],
  bundle: true,
  format: 'esm',
  platform: 'node',
  write: false,
});
const source = Buffer.from(outputFiles[0].contents).toString('base64');
const { exitCodesMarkdown } = await import(`data:text/javascript;base64,${source}`);
writeFileSync(join(root, 'docs/exit-codes.md'), exitCodesMarkdown());
