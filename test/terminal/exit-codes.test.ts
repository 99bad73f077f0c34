import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { exitCodesMarkdown } from '../../src/terminal/exit-codes.js';
import { cli } from '../support/cli.js';

const docs = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs');

test('docs/exit-codes.md is what the code says (`npm run docs` writes it)', () => {
  expect(readFileSync(join(docs, 'exit-codes.md'), 'utf8')).toBe(exitCodesMarkdown());
});

test('--help tells the exit codes, and check-expiry its own', async () => {
  const usual =
    'Exit codes:\n  0    done, or nothing to do\n  1    failed\n  2    wrong usage\n  75   not finished';
  expect((await cli(['list', '--help'])).stdout).toContain(usual);
  expect((await cli(['--help'])).stdout).toContain(usual);
  const monitors = await cli(['check-expiry', '--help']);
  expect(monitors.stdout).toContain(
    'Exit codes:\n  0    ok\n  1    warning\n  2    critical\n  3    unknown\n',
  );
});

test('--version is a line, and a JSON document where that is asked for', async () => {
  const version = (await cli(['--version'])).stdout;
  expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
  for (const words of [
    ['--version', '--output', 'json'],
    ['-v', '--output=json'],
  ]) {
    const { json, code } = await cli(words);
    expect(json()).toEqual({ version: version.trim() });
    expect(code).toBe(0);
  }
  expect((await cli(['--version', '--help'])).stdout).toBe(version);
});
