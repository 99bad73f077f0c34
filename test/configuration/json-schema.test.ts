import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { configurationJsonSchema } from '../../src/configuration/json-schema.js';
import { withGeneratedPart } from '../../src/platform/generated-part.js';
import { settingsTable } from '../../src/settings/settings-table.js';

test('the published JSON Schema is the one the program checks by; else run `npm run config-schema`', () => {
  const docs = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs');
  const published: unknown = JSON.parse(readFileSync(join(docs, 'apigw-cert.schema.json'), 'utf8'));
  expect(published).toEqual(JSON.parse(JSON.stringify(configurationJsonSchema())));
});

test('the settings of docs/configuration.md are those of the program; else run `npm run docs`', () => {
  const docs = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs');
  const page = readFileSync(join(docs, 'configuration.md'), 'utf8');
  expect(withGeneratedPart(page, 'settings', settingsTable())).toBe(page);
});

test('every key is described in docs/configuration.md, those of trust stores apart', () => {
  const docs = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs');
  const text = readFileSync(join(docs, 'configuration.md'), 'utf8');
  const keys = new Set<string>();
  JSON.stringify(configurationJsonSchema(), (key, value: unknown) => {
    if (key === 'trust') return undefined;
    if (typeof value === 'object' && value !== null && 'properties' in value) {
      for (const name of Object.keys(value.properties as object)) keys.add(name);
    }
    return value;
  });
  expect(keys.size).toBeGreaterThan(30);
  expect([...keys].filter((key) => !text.includes(`\`${key}\``))).toEqual([]);
});
