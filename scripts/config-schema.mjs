// Writes docs/apigw-cert.schema.json from the schema that the program checks the configuration with.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import prettier from 'prettier';
import { loadSource, root } from './load-source.mjs';

const target = join(root, 'docs', 'apigw-cert.schema.json');
const { configurationJsonSchema } = await loadSource('src/configuration/json-schema.ts');
const options = await prettier.resolveConfig(target);
const json = JSON.stringify(configurationJsonSchema());
writeFileSync(target, await prettier.format(json, { ...options, filepath: target }));
