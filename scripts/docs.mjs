// Writes the pages of docs/ that are made from the code, or the parts of them that are.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'apigw-cert-docs-'));

/** What a module of src exports. */
async function load(entry) {
  const outfile = join(scratch, `${entry.replaceAll('/', '-')}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['@aws-sdk/*'],
    banner: {
      js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
    },
  });
  return import(pathToFileURL(outfile).href);
}

try {
  const { exitCodesMarkdown } = await load('src/cli/exit-codes.ts');
  writeFileSync(join(root, 'docs/exit-codes.md'), exitCodesMarkdown());
  const { withKindsTable } = await load('src/trust/kinds-table.ts');
  const page = join(root, 'docs/trust-stores.md');
  writeFileSync(page, withKindsTable(readFileSync(page, 'utf8')));
} finally {
  rmSync(scratch, { recursive: true });
}
