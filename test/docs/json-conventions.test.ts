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

test('the list that a document is about is in items; lists beside it are those that docs/json.md names', () => {
  const text = readFileSync(join(docs, 'json.md'), 'utf8');
  const [, table = ''] = /\n\| list \|.*\n\|---.*\n((?:\|.*\n)+)/.exec(text) ?? [];
  const named = new Set([...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name));
  const lists = [...schemas].flatMap(([document, { properties, anyOf = [] }]) =>
    [{ properties }, ...anyOf].flatMap((one) =>
      Object.entries(one.properties ?? {}).flatMap(([name, { type }]) =>
        type === 'array' && name !== 'items' ? [{ document, name }] : [],
      ),
    ),
  );
  expect(lists.filter(({ name }) => !named.has(name))).toEqual([]);
  expect([...named].sort()).toEqual([...new Set(lists.map(({ name }) => name))].sort());
});

/** Members that are stages or have some in a list. */
const STAGES = new Set(['stage', 'stages', 'usedBy']);

test('a stage is the one object', () => {
  const stages = everywhere.filter(
    ([path, { properties = {} }]) =>
      'stageName' in properties && !/^status\.items\[\]\.stages\[\]$/.test(path),
  );
  expect(stages.length).toBeGreaterThan(10);
  for (const [path, { properties = {}, required = [] }] of stages) {
    expect({ path, required }).toEqual({
      path,
      required: expect.arrayContaining(['restApiId', 'apiName', 'stageName']),
    });
    expect({ path, protocolType: properties['protocolType']?.const }).toEqual({
      path,
      protocolType: 'WEBSOCKET',
    });
    expect(required).not.toContain('protocolType');
  }
  const words = everywhere.filter(([path, { type, items }]) => {
    const name = /\.(\w+)$/.exec(path)?.[1] ?? '';
    return STAGES.has(name) && (type === 'string' || items?.type === 'string');
  });
  expect(words.map(([path]) => path)).toEqual([]);
});
