// Writes docs/apigw-cert.schema.json from the schema that the program checks the configuration with.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import prettier from 'prettier';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'docs', 'apigw-cert.schema.json');
const scratch = mkdtempSync(join(tmpdir(), 'apigw-cert-schema-'));

try {
  const outfile = join(scratch, 'json-schema.mjs');
  await build({
    entryPoints: [join(root, 'src/app/config/json-schema.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['@aws-sdk/*'],
    banner: {
      js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
    },
  });
  const { configurationJsonSchema } = await import(pathToFileURL(outfile).href);
  const options = await prettier.resolveConfig(target);
  const json = JSON.stringify(configurationJsonSchema());
  writeFileSync(target, await prettier.format(json, { ...options, filepath: target }));
} finally {
  rmSync(scratch, { recursive: true });
}
