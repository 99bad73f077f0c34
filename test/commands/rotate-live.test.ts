/** What a person sees of a rotation, on the screen of a real terminal (tmux) and where there is none. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cut } from '../../src/terminal/live-line.js';
import { BINARY } from '../support/cli.js';
import { rotateWords } from '../support/rotate-cli.js';
import { startRotationLab, type RotationLab } from '../support/rotation.js';

const hasTmux = spawnSync('tmux', ['-V']).status === 0;

let lab: RotationLab;
let socket: string;
beforeEach(async () => {
  lab = await startRotationLab();
  socket = join(mkdtempSync(join(tmpdir(), 'apigw-cert-tmux-')), 's');
});
afterEach(async () => {
  spawnSync('tmux', ['-S', socket, 'kill-server']);
  await lab.close();
});

const tmux = (...words: string[]): string =>
  execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...words], { encoding: 'utf8' });

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Runs a rotation in a terminal of so many columns; `$ROTATE` is its command line. */
function start(
  columns: number,
  line = '$ROTATE',
  env: Record<string, string> = {},
): { octets: () => string } {
  const words = [process.execPath, BINARY, ...rotateWords(lab, '--soak', '4s')].map(quoted).join(' ');
  const script = join(lab.directory, 'run.sh');
  const recording = join(lab.directory, 'octets');
  const variables = { ...lab.env, HOME: '/nonexistent', CI: '', NO_COLOR: '', FORCE_COLOR: '', ...env };
  const exports = Object.entries(variables).map(([name, value]) =>
    value === '' ? `unset ${name}` : `export ${name}=${quoted(value)}`,
  );
  writeFileSync(
    script,
    `trap : INT\n${exports.join('\n')}\n${line.replace('$ROTATE', words)}\necho "exit code $?"\nexec sleep 600\n`,
  );
  const begin = join(lab.directory, 'begin.sh');
  // Not before everything is recorded.
  writeFileSync(begin, `read go\nexec sh ${quoted(script)}\n`);
  tmux('new-session', '-d', '-x', String(columns), '-y', '60', `exec sh ${quoted(begin)}`);
  tmux('pipe-pane', '-o', `cat > ${quoted(recording)}`);
  tmux('send-keys', 'Enter');
  return { octets: () => readFileSync(recording, 'utf8') };
}

/** The rows of the screen as they are to be read: those that were folded are one. */
const screen = (): string[] =>
  tmux('capture-pane', '-p', '-J')
    .split('\n')
    .map((row) => row.trimEnd())
    .filter((row) => row !== '');

/** Waits until a row matches, or until the last one is as it should be. */
async function shows(wanted: RegExp | ((last: string | undefined) => boolean)): Promise<string[]> {
  const end = Date.now() + 60_000;
  for (;;) {
    const rows = screen();
    if (wanted instanceof RegExp ? rows.some((row) => wanted.test(row)) : wanted(rows.at(-1))) return rows;
    if (Date.now() > end) throw new Error(`never shown: ${String(wanted)}\n${rows.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const LIVE = /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] /;
const SOAK = /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] soak: [\d.]+ s left/;

/** What is to be on the screen at the end: each step once, and nothing of the line that was redrawn. */
function expectWhole(rows: readonly string[]): void {
  expect(rows.filter((row) => LIVE.test(row) || / left\b/.test(row))).toEqual([]);
  const steps = rows.filter((row) => row.startsWith('✓ ')).map((row) => row.replace(/ [\d.]+ m?s$/, ''));
  expect(steps).toEqual([...new Set(steps)]);
  expect(steps).toHaveLength(12);
  expect(rows.at(-1)).toBe('exit code 0');
}

describe('on a terminal', () => {
  // Without tmux there is no terminal to look at; in CI it is installed, and a skip fails the run.
  const live = hasTmux ? test : test.skip;

  live.each([80, 40])('of %d columns one line shows the step and the time that is left', async (columns) => {
    start(columns);
    const rows = await shows(SOAK);
    expect(rows.filter((row) => LIVE.test(row))).toHaveLength(1);
    expect(rows.at(-1)).toMatch(SOAK);
    expect(rows.at(-1)?.length).toBeLessThan(columns);
    await shows(/soak: [0-2] s left/);
    expectWhole(await shows(/^exit code/));
  });

  live('it stays one line when the terminal is made narrower and wider during the soak', async () => {
    start(100, '$ROTATE --soak 9s');
    await shows(SOAK);
    for (const columns of [40, 30, 90, 25, 100]) {
      // tmux tells a program of a second resize within 250 ms later than it shows it.
      await new Promise((resolve) => setTimeout(resolve, 400));
      tmux('resize-window', '-x', String(columns));
      // What was folded is one row here, until the line is redrawn: each time with another frame.
      const folded = screen().at(-1);
      const rows = await shows((found) => found !== folded && SOAK.test(found ?? ''));
      expect(rows.filter((row) => LIVE.test(row) || row.includes('left, until'))).toHaveLength(1);
    }
    expectWhole(await shows(/^exit code/));
  });

  live('Ctrl-C says what happens above it', async () => {
    start(80);
    await shows(SOAK);
    tmux('send-keys', 'C-c');
    const rows = await shows(/^exit code/);
    expect(rows.filter((row) => LIVE.test(row))).toEqual([]);
    expect(rows.find((row) => /^(\^C)?stopping after/.test(row))).toBeDefined();
    expect(rows.at(-1)).toBe('exit code 130');
  });

  live('NO_COLOR leaves the line and takes the colours', async () => {
    const { octets } = start(80, '$ROTATE', { NO_COLOR: '1' });
    await shows(SOAK);
    expectWhole(await shows(/^exit code/));
    expect(octets()).not.toMatch(/\u001b\[[\d;]*m/);
  });

  live.each([
    ['TERM=dumb', '$ROTATE', { TERM: 'dumb' }],
    ['a pipe', '$ROTATE 2>&1 | cat', {}],
    ['a continuous integration', '$ROTATE', { CI: 'true' }],
  ])('%s gets plain lines', async (_what, line, env) => {
    const { octets } = start(80, line, { ...env, NO_COLOR: '1' });
    const rows = await shows(/^exit code/);
    expect(rows.filter((row) => LIVE.test(row))).toEqual([]);
    expect(rows.some((row) => /^ {2}waiting until .* \(soak\)$/.test(row))).toBe(true);
    expect(octets()).not.toContain('\u001b');
  });
});

test.each([
  ['abc', 3, 'abc'],
  ['abcd', 3, 'ab…'],
  ['日本語', 6, '日本語'],
  ['日本語', 5, '日本…'],
  ['日本語', 4, '日…'],
])('%s in %d columns is %s', (text, columns, expected) => {
  expect(cut(text, columns)).toBe(expected);
});
