import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

const source = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'src/platform/code-cache.ts');

let scratch: string;
let cache: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'apigw-cert-code-cache-'));
  cache = join(scratch, 'cache');
  const bundle = { bundle: true, platform: 'node', format: 'cjs' } as const;
  await build({ ...bundle, entryPoints: [source], outfile: join(scratch, 'code-cache.js') });
});

afterAll(() => {
  rmSync(scratch, { recursive: true });
});

beforeEach(() => {
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache);
  write('Hello');
});

/** A program of two files. Long enough for its code to have a middle. */
function write(greeting: string): void {
  const functions = Array.from({ length: 50 }, (_, i) => `exports.f${i} = (x) => x + 'f${i}';`).join('\n');
  writeFileSync(join(scratch, 'part.cjs'), `exports.greeting = '${greeting}';\n${functions}`);
  writeFileSync(
    join(scratch, 'program.cjs'),
    `const part = require('./part.cjs');
    const { basename } = require('node:path');
    const inner = Object.keys(part).filter((name) => name !== 'greeting').map((name) => part[name](''));
    const seen = [part.greeting, inner.length, basename(__filename), __dirname === module.path, this === exports];
    console.log(seen.join(' '));
    process.exitCode = 3;`,
  );
}

const GREETED = 'Hello 50 program.cjs true true\n';

/** What the program prints in a process that keeps its code, which must end with the program's exit code. */
async function run(): Promise<string> {
  const script = "require('./code-cache.js').keepCode('cache'); require('./program.cjs');";
  const ended = await promisify(execFile)(process.execPath, ['-e', script], { cwd: scratch }).catch(
    (failure: unknown) => failure as { stdout: string; stderr: string; code: unknown },
  );
  expect(ended).toMatchObject({ stderr: '', code: 3 });
  return ended.stdout;
}

const kept = (): string[] => readdirSync(cache).map((name) => join(cache, name));
const written = (): bigint[] => kept().map((path) => statSync(path, { bigint: true }).mtimeNs);

test('is written when the process exits, readable by its user only, and used from then on', async () => {
  expect(await run()).toBe(GREETED);
  expect(kept().map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
  const before = written();
  expect(await run()).toBe(GREETED);
  expect(written()).toEqual(before);
});

test.each<[string, (octets: Buffer) => Buffer]>([
  ['is damaged', (octets) => octets.fill(0x5a, octets.length / 4, octets.length / 2)],
  ['is cut off', (octets) => octets.subarray(0, octets.length / 2)],
  ['is empty', () => Buffer.alloc(0)],
])('is compiled and written again where it %s', async (_, change) => {
  await run();
  for (const path of kept()) writeFileSync(path, change(readFileSync(path)));
  const before = written();
  expect(await run()).toBe(GREETED);
  const after = written();
  expect(after.map((time, i) => time === before[i])).toEqual([false, false]);
  await run();
  expect(written()).toEqual(after);
});

test('is not that of another source of the same length', async () => {
  await run();
  write('Hullo');
  expect(await run()).toBe(GREETED.replace('Hello', 'Hullo'));
});

test('a directory that cannot be written to changes nothing', async () => {
  rmSync(cache, { recursive: true });
  expect(await run()).toBe(GREETED);
});
