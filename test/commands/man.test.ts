import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { manPage } from '../../src/cli/man/page.js';
import type { CommandNode } from '../../src/commands/completion/tree.js';
import { cli } from '../support/cli.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const folder = join(root, 'man');
const pages = readdirSync(folder).sort();

const READERS = {
  man: ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z'],
  mandoc: ['-Tlint'],
} as const;
const ENV = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', MANROFFSEQ: '', MANWIDTH: '80' };
const has = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(join(directory, program)));

describe.each(Object.entries(READERS))('%s', (program, words) => {
  // A machine without the program has no reader to ask; in CI both are installed, and a skip fails the run.
  (has(program) ? test : test.skip)('finds no fault in any page', async () => {
    const complaints = await Promise.all(
      pages.map(async (page) => {
        const { stdout, stderr } = await execa(program, [...words, page], {
          cwd: folder,
          env: ENV,
          extendEnv: false,
          reject: false,
        });
        return program === 'mandoc' ? stdout + stderr : stderr;
      }),
    );
    expect(pages.length).toBeGreaterThan(20);
    expect(complaints.filter((text) => text !== '')).toEqual([]);
  });
});

// A machine without man has no reader to ask; in CI it is installed, and a skip fails the run.
const manTest = has('man') ? test : test.skip;

manTest('a reader sees what --help says: sections, options with their values, examples', async () => {
  const { stdout } = await execa('man', ['-l', join(folder, 'apigw-cert-rotate.1')], {
    env: { ...ENV, MANWIDTH: '200' },
    extendEnv: false,
  });
  const headings = stdout.split('\n').filter((line) => /^[A-Z ]+$/.test(line));
  expect(headings).toEqual([
    ...[
      'NAME',
      'SYNOPSIS',
      'DESCRIPTION',
      'OPTIONS',
      'COMMON OPTIONS',
      'EXAMPLES',
      'EXIT STATUS',
      'SEE ALSO',
    ],
  ]);
  expect(stdout).toContain('apigw-cert rotate --stage orders/prod --trust pem-bundle:/etc/orders/apigw.pem');
  const { stdout: help } = await cli(['rotate', '--help']);
  const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name = '']) => name);
  expect(options.length).toBeGreaterThan(25);
  expect(options.filter((name) => !new RegExp(`^ +(-\\w, )?${name}\\b`, 'm').test(stdout))).toEqual([]);
});

test('package.json lists every page, so that npm installs them', () => {
  const { man } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { man: string[] };
  expect([...man].sort()).toEqual(pages.map((page) => `./man/${page}`));
});

manTest('text from the help is never taken for a macro', async () => {
  const node: CommandNode = {
    path: ['x'],
    description: ".dot and 'quote' \\back `co de` ~^ end",
    usage: '[options]',
    notes: "First.\n\n.PP is text here\n\nExamples:\n  .sh file\n  'quoted\n  \\n",
    explainedArguments: [],
    options: [],
    arguments: [],
    commands: [],
  };
  const page = manPage(node, [], { version: '1.0.0', date: '2026-11-28' });
  const { stdout, stderr } = await execa('man', [...READERS.man.slice(0, -2), '-'], {
    input: page,
    env: ENV,
    extendEnv: false,
  });
  expect(stderr).toBe('');
  expect(stdout).toContain(".dot and 'quote' \\back co de ~^ end.");
  expect(stdout).toContain('.PP is text here');
  expect(stdout).toMatch(/\.sh file\n +'quoted\n +\\n/);
});
