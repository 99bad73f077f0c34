import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const docs = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs');

interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  additionalProperties?: Schema | boolean;
}

const schemas = new Map(
  readdirSync(join(docs, 'schemas')).map((file) => [
    file.replace('.json', ''),
    JSON.parse(readFileSync(join(docs, 'schemas', file), 'utf8')) as Schema,
  ]),
);

/** Each schema within a schema, with where it is. */
function* within(schema: Schema, path: string): Generator<[path: string, schema: Schema]> {
  yield [path, schema];
  for (const [name, member] of Object.entries(schema.properties ?? {}))
    yield* within(member, `${path}.${name}`);
  if (schema.items) yield* within(schema.items, `${path}[]`);
  for (const one of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) yield* within(one, path);
  if (typeof schema.additionalProperties === 'object')
    yield* within(schema.additionalProperties, `${path}.*`);
}

const everywhere = [...schemas].flatMap(([name, schema]) => [...within(schema, name)]);

test('nothing may be null', () => {
  const nullable = everywhere.filter(
    ([, { type, enum: values, ...rest }]) =>
      [type].flat().includes('null') ||
      values?.includes(null) === true ||
      ('const' in rest && rest.const === null),
  );
  expect(nullable.map(([path]) => path)).toEqual([]);
});
