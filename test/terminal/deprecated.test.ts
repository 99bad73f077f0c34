import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { GenerateClientCertificateCommand } from '@aws-sdk/client-api-gateway';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { cli, emulatorEnv } from '../support/cli.js';
import { clientOf } from '../support/emulator.js';

let emulator: Emulator;
let id: string;
const folder = mkdtempSync(join(tmpdir(), 'apigw-cert-deprecated-'));
const file = join(folder, 'written');

beforeAll(async () => {
  emulator = await startEmulator({ rateLimit: false });
  const client = clientOf(emulator);
  id = String((await client.send(new GenerateClientCertificateCommand({}))).clientCertificateId);
  client.destroy();
});

afterAll(() => emulator.close());

const run = (...words: string[]) => cli(words, { env: emulatorEnv(emulator) });

test.each([
  [['check-expiry', '--format', 'csv'], ['check-expiry', '--output', 'csv'], '--format', '--output'],
  [['inventory', '--format', 'csv'], ['inventory', '--output', 'csv'], '--format', '--output'],
  [['list', '--output', 'table'], ['list', '--output', 'text'], '--output table', '--output text'],
  [
    ['backend', 'lint', import.meta.filename, '--format', 'nginx'],
    ['backend', 'lint', import.meta.filename, '--input-format', 'nginx'],
    '--format',
    '--input-format',
  ],
  [
    ['config', 'show', '--probes', '7', '--output', 'json'],
    ['config', 'show', '--probe-count', '7', '--output', 'json'],
    '--probes',
    '--probe-count',
  ],
])('%j does what %j does, with a hint', async (old, now, before, after) => {
  const [former, present] = await Promise.all([run(...old), run(...now)]);
  expect(former.stdout).toBe(present.stdout);
  expect(former.code).toBe(present.code);
  expect(former.stderr.replace(present.stderr, '')).toBe(
    `hint: ${before} is deprecated and will be removed in the next version; use ${after}\n`,
  );
  expect((await run(...old, '--quiet')).stderr).not.toMatch(/deprecated/);
});

test('--out writes the file that --out-file names, and --format the encoding', async () => {
  const { code, stderr } = await run('download', id, '--out', file, '--format', 'der');
  expect(code).toBe(0);
  expect(stderr.match(/--\S+ is deprecated/g)).toEqual(['--out is deprecated', '--format is deprecated']);
  const { bytes } = await run('download', id, '--encoding', 'der');
  expect(readFileSync(file)).toEqual(Buffer.from(bytes));
});

test.each([
  ['both spellings', ['check-expiry', '--format', 'csv', '--output', 'json'], 3, /--format is the old name/],
  ['a value that is none', ['check-expiry', '--format', 'yaml'], 3, /Allowed choices are text, json/],
  ['a format that the command lacks', ['list', '--output', 'nagios'], 2, /Allowed choices are text, json/],
])('refused: %s', async (_, words, exit, message) => {
  const { code, stdout, stderr } = await run(...words);
  expect(code).toBe(exit);
  expect(stdout + stderr).toMatch(message);
});

test('the help shows no old spelling', async () => {
  for (const words of [
    ['check-expiry'],
    ['inventory'],
    ['download'],
    ['generate'],
    ['backend', 'lint'],
    ['rotate'],
  ]) {
    const { stdout } = await run(...words, '--help');
    expect(stdout).not.toMatch(/--format|--out |--probes|\btable\b/);
  }
});
