/** What is made from the list of kinds, and that nothing else has to be. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { backendConfigCommand } from '../../src/commands/backend/config/command.js';
import { trustStoreFromFlag, trustStoresFromFlags } from '../../src/trust/flag.js';
import { TRUST_KINDS, trustStoreSchema } from '../../src/trust/kinds/index.js';
import { withGeneratedPart } from '../../src/platform/generated-part.js';
import { kindsTable } from '../../src/trust/kinds-table.js';
import { CONTRACT_SUBJECTS } from '../contract/subjects.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const src = join(root, 'src');

/** Names that mean something else than a kind of trust store, by file. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  // Syntaxes of server configurations that `backend lint` reads.
  'lint/recognise.ts': ['nginx', 'haproxy', 'apache', 'caddy'],
  'commands/backend/lint/run.ts': ['nginx', 'haproxy', 'apache', 'caddy'],
  'commands/backend/lint/command.ts': ['nginx', 'haproxy', 'apache', 'caddy'],
  // A server by its own name, in advice.
  'findings/catalogue/java-client.ts': ['nginx'],
};
/** A way to notify somebody has this name too. */
const NOTIFICATIONS = /(?:^|\/)(?:notify\/|notif\w*\.ts$|(?:configuration\/|settings\/).*\.ts$)/;

/** Places that an id is published in, or state is kept in, have some of these names too. */
const PLACES =
  /^(?:publications\/|acknowledgements\/|iac\/|commands\/state\/|emulator\/(?:scope|server)\.ts$|settings\/(?:publication|publication-schema|schema|state-place)\.ts$)/;
const PLACE_NAMES = ['command', 's3', 'ssm'];

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const kindFiles = files.filter((file) => file.startsWith('trust/kinds/'));
const names = TRUST_KINDS.map(({ name }) => name);

describe('a kind of trust store', () => {
  test('is one object in the file of its name', () => {
    for (const name of names) {
      const text = readFileSync(join(src, 'trust', 'kinds', `${name}.ts`), 'utf8');
      expect(text).toMatch(new RegExp(`(?:defineKind|unsuitableKind)\\(\\{\\n  name: '${name}',`));
    }
    expect(kindFiles).toHaveLength(names.length + 3); // kind.ts, index.ts, unsuitable.ts
    expect(new Set(names).size).toBe(names.length);
  });

  test('is named by a string in no other file', () => {
    // Words of the language too: as a kind they are compared with, or the value of one.
    const words = ['command', 'directory', 'manual'];
    const special = names.filter((name) => !words.includes(name)).join('|');
    const quoted = new RegExp(`'(${special})'|(?:case |kind: |[=!]== )'(${words.join('|')})'`, 'g');
    const wrong = files
      .filter((file) => !file.startsWith('trust/kinds/'))
      .flatMap((file) =>
        [...readFileSync(join(src, file), 'utf8').matchAll(quoted)]
          .map(([, name, word = '']) => name ?? word)
          .filter((name) => !(ELSEWHERE[file] ?? []).includes(name))
          .filter((name) => !(name === 'command' && NOTIFICATIONS.test(file)))
          .filter((name) => !(PLACE_NAMES.includes(name) && PLACES.test(file)))
          .map((name) => `${relative(src, join(src, file))}: ${name}`),
      );
    expect(wrong).toEqual([]);
  });

  test('is imported by the registry alone', () => {
    const wrong = files.filter((file) => {
      if (file === 'trust/kinds/index.ts') return false;
      const text = readFileSync(join(src, file), 'utf8');
      return names.some((name) => text.includes(`kinds/${name}.js`) || text.includes(`'./${name}.js'`));
    });
    // Other things have such names too.
    expect(wrong.filter((file) => file.startsWith('trust/'))).toEqual([]);
  });

  test('is in the schema, with every option that it says something of', () => {
    const { options } = trustStoreSchema.def;
    expect(options.map(({ shape }) => shape.kind.def.values[0])).toEqual(names);
    for (const [index, { options: roles, isUnsuitable }] of TRUST_KINDS.entries()) {
      const keys = Object.keys(options[index]?.shape ?? {}).filter((key) => key !== 'kind');
      expect(Object.keys(roles).toSorted()).toEqual(isUnsuitable ? [] : keys.toSorted());
    }
  });

  test('is a subject of the contract, unless it is refused or nothing can be observed', () => {
    expect(Object.keys(CONTRACT_SUBJECTS)).toEqual(names);
    for (const { name, isUnsuitable } of TRUST_KINDS) {
      const subject = Object.entries(CONTRACT_SUBJECTS).find(([kind]) => kind === name)?.[1];
      if (subject === undefined || 'none' in subject) {
        expect(isUnsuitable === true || name === 'manual').toBe(true);
        continue;
      }
      const text = readFileSync(join(root, 'test', 'trust', subject.file), 'utf8');
      expect(text).toMatch(/rustStoreContract\(/);
      expect(text).toMatch(new RegExp(`'${name}'|\\n  ${name}: `));
    }
  });

  test('has its row in docs/trust-stores.md (`npm run docs` writes it)', () => {
    const page = readFileSync(join(root, 'docs', 'trust-stores.md'), 'utf8');
    expect(withGeneratedPart(page, 'kinds', kindsTable())).toBe(page);
    for (const name of names) expect(page).toContain(`\n| \`${name}\` | `);
  });

  test('offers its servers to `backend config`', () => {
    const [argument] = backendConfigCommand().registeredArguments;
    expect(argument?.argChoices).toEqual(
      TRUST_KINDS.flatMap(({ servers = [] }) => servers.map(({ name }) => name)),
    );
  });

  test.each(TRUST_KINDS.map((kind) => [kind.name, kind] as const))(
    '%s is read from --trust as far as it can be',
    (name, { flag, isUnsuitable, options }) => {
      const read = (text: string): unknown => {
        try {
          return trustStoreFromFlag(text);
        } catch (error) {
          return (error as { code: string; hint: string }).hint;
        }
      };
      if (isUnsuitable) expect(read(`${name}:/x`)).toEqual({ kind: name });
      else if (flag === undefined) expect(read(`${name}:/x`)).toMatch(Object.keys(options).join(', '));
      else if (flag === 'alone') {
        expect(read(name)).toEqual({ kind: name });
        expect(read(`${name}:/x`)).toBe(`write --trust ${name}`);
      } else {
        expect(read(`${name}:/x:y`)).toEqual({ kind: name, [flag.option]: '/x:y' });
        expect(read(name)).toMatch(`such as --trust ${name}:/etc/`);
        expect(read(`${name}:`)).toMatch(`such as --trust ${name}:/etc/`);
      }
    },
  );
});

test('--reload goes to each store that can be reloaded, and to one at least', () => {
  expect(trustStoresFromFlags(['manual', 'nginx:/x'], 'true')).toEqual([
    { kind: 'manual' },
    { kind: 'nginx', file: '/x', reload: 'true' },
  ]);
  expect(() => trustStoresFromFlags(['manual'], 'true')).toThrow(
    expect.objectContaining({ code: 'Usage', message: '--reload needs a trust store that can be reloaded' }),
  );
  expect(() => trustStoresFromFlags(['nginx:/x'], ' ')).toThrow(
    expect.objectContaining({ code: 'Usage', message: '--reload is empty' }),
  );
});

test.each([
  ['pem-bundel:/x', 'unknown kind of trust store "pem-bundel"', /^did you mean "pem-bundle"\? /],
  ['/etc/x.pem', 'the kind of trust store is missing', /^specify nginx:FILE, /],
  ['', 'the kind of trust store is missing', /^specify nginx:FILE, /],
  ['\u001b[31m:x', 'unknown kind', /^specify nginx:FILE, /],
])('--trust %j is answered plainly', (text, message, hint) => {
  const error = (() => {
    try {
      return trustStoreFromFlag(text) as never;
    } catch (thrown) {
      return thrown as { message: string; hint: string; code: string };
    }
  })();
  expect(error.code).toBe('Usage');
  expect(error.message).toContain(message);
  expect(error.message).not.toMatch(/\p{Cc}/u);
  expect(error.hint).toMatch(hint);
});
