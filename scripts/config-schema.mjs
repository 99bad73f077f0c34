// Writes docs/apigw-cert.schema.json from the schema that the program checks the configuration with.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import prettier from 'prettier';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'docs', 'apigw-cert.schema.json');

const { outputFiles } = await build({
  entryPoints: [join(root, 'src/app/config/json-schema.ts')],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
});
const { configurationJsonSchema } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
);
const options = await prettier.resolveConfig(target);
writeFileSync(
  target,
  await prettier.format(JSON.stringify(configurationJsonSchema()), { ...options, filepath: target }),
);
