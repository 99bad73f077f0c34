import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const src = join(dirname(fileURLToPath(import.meta.url)), '..', 'src');

/**
 * What each folder of src may import, itself apart: a tower, in which each may import what is above it here, and only that
 * part of it which it needs. docs/architecture.md draws the same picture.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  certificates: ['platform'],
  net: ['platform'],
  settings: ['platform', 'certificates'],
  aws: ['platform', 'settings', 'net'],
  'control-plane': ['platform', 'certificates', 'settings', 'aws'],
  trust: ['platform', 'certificates', 'net', 'aws'],
  publications: ['platform', 'settings', 'aws', 'trust'],
  state: ['platform', 'settings', 'aws'],
  acknowledgements: ['platform', 'certificates', 'settings', 'state'],
  rotation: [
    'platform',
    'certificates',
    'net',
    'settings',
    'state',
    'acknowledgements',
    'control-plane',
    'trust',
    'publications',
    'stacks',
  ],
  configuration: ['platform', 'net', 'settings', 'aws', 'control-plane', 'trust', 'rotation'],
  findings: ['platform', 'certificates', 'settings', 'control-plane', 'rotation'],
  lint: ['platform', 'certificates', 'findings'],
  iac: ['platform', 'control-plane', 'findings'],
  node: ['certificates'],
  stacks: ['platform', 'settings', 'aws'],
  emulator: ['platform', 'certificates', 'aws', 'control-plane', 'stacks'],
  terminal: [
    'platform',
    'certificates',
    'settings',
    'aws',
    'control-plane',
    'trust',
    'rotation',
    'configuration',
    'findings',
  ],
  commands: [
    'platform',
    'certificates',
    'net',
    'settings',
    'aws',
    'state',
    'acknowledgements',
    'control-plane',
    'trust',
    'publications',
    'rotation',
    'configuration',
    'findings',
    'lint',
    'iac',
    'node',
    'emulator',
    'terminal',
  ],
  library: ['platform', 'settings', 'control-plane', 'rotation', 'findings', 'commands'],
  durable: ['platform', 'lambda'],
  cdk: [],
  lambda: [
    'platform',
    'settings',
    'acknowledgements',
    'control-plane',
    'trust',
    'rotation',
    'configuration',
    'findings',
  ],
  cli: [
    'platform',
    'certificates',
    'settings',
    'aws',
    'control-plane',
    'rotation',
    'configuration',
    'findings',
    'lint',
    'iac',
    'terminal',
    'commands',
  ],
  '.': [
    'platform',
    'certificates',
    'settings',
    'control-plane',
    'trust',
    'rotation',
    'findings',
    'commands',
    'library',
  ],
};

/** A command that shows what another one finds. */
const BETWEEN_COMMANDS = ['init → doctor'];

/** What decides without I/O: it may not import what reads files, runs programs or connects. */
/** `lint/files.ts` is the port by which lint reads. */
const PURE =
  /^(certificates|iac|lint(?!\/files)|rotation\/rules|stacks\/(rules|template)|findings\/(rules|catalogue|formats))\//;
const IMPURE =
  /^node:(fs|child_process|https?|dns|timers)|^@aws-sdk\/|\/(aws|net|engine|journal|terminal|commands)\//;

/** Packages that one place alone may import. */
const OWNED: readonly (readonly [package_: RegExp, owner: RegExp])[] = [
  [/^@peculiar\//, /^certificates\//],
  [/^picomatch$/, /^lint\/files\.ts$/],
  [
    /^@aws-sdk\//,
    /^(aws|state|control-plane|trust|publications|stacks|commands\/check-expiry\/notify|durable)\//,
  ],
  [/^@aws\/durable-execution-sdk-js$/, /^durable\//],
  // The other one prints code that imports it.
  [/^(aws-cdk-lib|constructs)/, /^(cdk\/|iac\/steps\.ts$)/],
  [/^(commander|ora|get-east-asian-width)$/, /^(cli|terminal|commands)\//],
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

test('commands do not import each other', () => {
  const commandOf = (file: string): string | undefined => /^commands\/([^/]+)\//.exec(file)?.[1];
  const between = imports.flatMap(({ file, specifier }) => {
    const [from, to] = [commandOf(file), commandOf(relative(src, join(src, dirname(file), specifier)))];
    return from === undefined || to === undefined || from === to ? [] : [`${from} → ${to}`];
  });
  expect([...new Set(between)]).toEqual(BETWEEN_COMMANDS);
});

test('rules, findings and what reads certificates are pure', () => {
  const wrong = imports.filter(({ file, specifier }) => PURE.test(file) && IMPURE.test(specifier));
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
