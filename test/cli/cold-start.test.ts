// What a command reads of its own installation before it answers: a cold start consists of little else. The files are
// those that Node reports as loaded (NODE_V8_COVERAGE). No time is measured here, since it depends on the machine;
// test/bench/commands.mjs does that.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BINARY, cli } from '../support/cli.js';
import { rotateWords } from '../support/rotate-cli.js';
import { startRotationLab, type RotationLab } from '../support/rotation.js';

const installation = join(dirname(BINARY), '..');

/** A text that occurs in every file that contains the package. */
const PACKAGES = {
  sdk: 'aws-sdk-js',
  zod: 'ZodError',
  yaml: 'YAMLParseError',
  '@peculiar/x509': 'AsnConvert',
  commander: 'commander.helpDisplayed',
  ora: 'aesthetic',
} as const;

let scratch: string;
let lab: RotationLab;
let planFile: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'apigw-cert-cold-start-'));
  planFile = join(scratch, 'plan.json');
  writeFileSync(planFile, '{"format_version":"1.2","planned_values":{}}');
  lab = await startRotationLab({ ageDays: 1 });
});

afterAll(async () => {
  await lab.close();
  rmSync(scratch, { recursive: true });
});

/** The files of the installation that a command loads; it must end with exit code 0. */
async function filesOf(words: readonly string[]): Promise<string[]> {
  const folder = mkdtempSync(join(scratch, 'run-'));
  const { code, stderr } = await cli(words, {
    env: { ...lab.env, HOME: scratch, NODE_V8_COVERAGE: folder },
    cwd: scratch,
  });
  expect({ words, code, stderr: code === 0 ? '' : stderr }).toEqual({ words, code: 0, stderr: '' });
  const urls = readdirSync(folder).flatMap((file) =>
    (
      JSON.parse(readFileSync(join(folder, file), 'utf8')) as { result: readonly { url: string }[] }
    ).result.map(({ url }) => url),
  );
  return [...new Set(urls.filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url)))].filter(
    (file) => file.startsWith(installation),
  );
}

const packagesOf = (texts: readonly string[]): string[] =>
  Object.entries(PACKAGES)
    .filter(([, mark]) => texts.some((text) => text.includes(mark)))
    .map(([name]) => name);

test('each package is recognised in the installation', () => {
  const files = readdirSync(join(installation, 'dist'), { recursive: true, encoding: 'utf8' });
  const texts = files
    .filter((file) => file.endsWith('.cjs'))
    .map((file) => readFileSync(join(installation, 'dist', file), 'utf8'));
  expect(packagesOf(texts)).toEqual(Object.keys(PACKAGES));
});

// In a file that is loaded from compiled code, Node.js 20 refuses it.
test('no file of the command line uses import()', () => {
  const dist = join(installation, 'dist');
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.cjs'),
  );
  expect(files.filter((file) => /\bimport\(\s*["'`]/.test(readFileSync(join(dist, file), 'utf8')))).toEqual(
    [],
  );
});

interface Limit {
  words: () => string[];
  files: number;
  /** Of all files, in kB. */
  size: number;
  packages: (keyof typeof PACKAGES)[];
}

// Findings have words that several commands share, which are in files of their own.
// A limit that is exceeded: find out what is loaded and why, and load it when it is needed. Only then raise the limit.
test.each<[string, Limit]>([
  ['--version', { words: () => ['--version'], files: 2, size: 4, packages: [] }],
  ['list', { words: () => ['list'], files: 8, size: 424, packages: ['sdk', 'commander'] }],
  [
    'check-expiry',
    { words: () => ['check-expiry', '--quota', '100'], files: 12, size: 467, packages: ['sdk', 'commander'] },
  ],
  [
    'rotate with nothing due',
    { words: () => rotateWords(lab), files: 18, size: 745, packages: ['sdk', 'zod', 'commander'] },
  ],
  ['status', { words: () => ['status'], files: 10, size: 240, packages: ['commander'] }],
  [
    'inspect FILE',
    {
      words: () => ['inspect', lab.trustFile],
      files: 16,
      size: 567,
      packages: ['@peculiar/x509', 'commander'],
    },
  ],
  ['iac check', { words: () => ['iac', 'check', planFile], files: 14, size: 202, packages: ['commander'] }],
  [
    'backend show',
    {
      words: () => ['backend', 'show', '--trust', `pem-bundle:${lab.trustFile}`],
      files: 22,
      size: 349,
      packages: ['zod', 'commander'],
    },
  ],
])('%s loads few files, and no package that it does not use', async (_name, { words, ...limit }) => {
  const texts = (await filesOf(words())).map((file) => readFileSync(file, 'utf8'));
  expect(packagesOf(texts)).toEqual(limit.packages);
  expect(texts.length).toBeGreaterThan(0);
  expect(texts.length).toBeLessThanOrEqual(limit.files);
  expect(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1000).toBeLessThanOrEqual(
    limit.size,
  );
});
