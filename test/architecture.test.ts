import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const src = join(dirname(fileURLToPath(import.meta.url)), '..', 'src');

/** What each folder of src may import, itself apart. docs/architecture.md draws the same picture. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  core: [],
  findings: ['core'],
  settings: ['platform', 'core'],
  x509: ['core'],
  net: ['platform', 'core'],
  aws: ['platform', 'core', 'settings', 'net'],
  gateway: ['platform', 'core', 'aws'],
  trust: ['platform', 'core', 'x509', 'aws'],
  verify: ['platform', 'core', 'x509', 'gateway', 'net'],
  journal: ['platform', 'core'],
  node: ['core'],
  emulator: ['platform', 'core', 'x509'],
  lint: ['platform', 'core', 'findings', 'x509'],
  app: [
    'platform',
    'core',
    'findings',
    'settings',
    'net',
    'aws',
    'x509',
    'gateway',
    'trust',
    'verify',
    'journal',
    'lint',
  ],
  cli: [
    'platform',
    'core',
    'findings',
    'settings',
    'net',
    'aws',
    'x509',
    'gateway',
    'trust',
    'verify',
    'journal',
    'lint',
    'app',
    'emulator',
    'node',
  ],
  library: ['platform', 'core', 'findings', 'x509', 'gateway', 'trust', 'journal', 'app'],
  '.': [
    'library',
    'platform',
    'core',
    'findings',
    'x509',
    'gateway',
    'trust',
    'verify',
    'journal',
    'lint',
    'app',
  ],
};

/** Packages that one place alone may import. */
const OWNED: readonly (readonly [package_: RegExp, owner: RegExp])[] = [
  [/^@peculiar\//, /^x509\//],
  [/^picomatch$/, /^lint\/files\.ts$/],
  [/^@aws-sdk\//, /^(aws|gateway|trust|app\/notify)\//],
  [/^(commander|chalk|ora|get-east-asian-width)$/, /^cli\//],
];

const imports = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) =>
    [...readFileSync(join(src, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
      ([, specifier = '']) => ({ file, specifier }),
    ),
  );

const folderOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '.') : '.');

test('imports between folders point one way', () => {
  expect(imports.length).toBeGreaterThan(0);
  const wrong = imports.filter(({ file, specifier }) => {
    if (!specifier.startsWith('.')) return false;
    const from = folderOf(file);
    const to = folderOf(relative(src, join(src, dirname(file), specifier)));
    return from !== to && !MAY_IMPORT[from]?.includes(to);
  });
  expect(wrong).toEqual([]);
});

/** Files that import each other, types included: none can be read, moved or loaded without the others. */
function cycles(): string[][] {
  const graph = new Map<string, string[]>();
  for (const { file, specifier } of imports) {
    if (!specifier.startsWith('.')) continue;
    const to = relative(src, join(src, dirname(file), specifier)).replace(/\.js$/, '.ts');
    graph.set(file, [...(graph.get(file) ?? []), to]);
  }
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file]);
    if (path.includes(file) || done.has(file)) return;
    for (const to of graph.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

test('no files import each other in a circle', () => {
  expect(cycles()).toEqual([]);
});

test('a package with one owner is imported by it alone', () => {
  const wrong = imports.filter(({ file, specifier }) =>
    OWNED.some(([package_, owner]) => package_.test(specifier) && !owner.test(file)),
  );
  expect(wrong).toEqual([]);
});
