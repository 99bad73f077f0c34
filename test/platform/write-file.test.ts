import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/platform/errors.js';
import { writeFileAtomically } from '../../src/platform/write-file.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-write-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const at = (name: string): string => join(directory, name);

test('makes a new file, text or octets, readable by all whatever the umask', async () => {
  const umask = process.umask(0o077);
  try {
    await writeFileAtomically(at('text'), 'ü\n');
    await writeFileAtomically(at('octets'), Uint8Array.of(0xff, 0));
    await writeFileAtomically(at('secret'), 'x', { mode: 0o600 });
  } finally {
    process.umask(umask);
  }
  expect(readFileSync(at('text'), 'utf8')).toBe('ü\n');
  expect([...readFileSync(at('octets'))]).toEqual([0xff, 0]);
  expect(['text', 'octets', 'secret'].map((name) => mode(at(name)))).toEqual(['644', '644', '600']);
  expect(readdirSync(directory).sort()).toEqual(['octets', 'secret', 'text']);
});

test('keeps the mode of an existing file and puts another inode in its place', async () => {
  writeFileSync(at('file'), 'a much longer former content');
  chmodSync(at('file'), 0o640);
  const { ino } = statSync(at('file'));
  await writeFileAtomically(at('file'), 'new');
  expect(readFileSync(at('file'), 'utf8')).toBe('new');
  expect(mode(at('file'))).toBe('640');
  expect(statSync(at('file')).ino).not.toBe(ino);
});

test('follows links, relative ones, chains of them, and one to a file that is yet to be made', async () => {
  mkdirSync(at('real'));
  writeFileSync(at('real/file'), 'old');
  symlinkSync('real/file', at('link'));
  symlinkSync('link', at('chain'));
  symlinkSync('real/absent', at('dangling'));
  await writeFileAtomically(at('chain'), 'one');
  await writeFileAtomically(at('dangling'), 'two');
  expect(['link', 'chain', 'dangling'].every((name) => lstatSync(at(name)).isSymbolicLink())).toBe(true);
  expect(readFileSync(at('real/file'), 'utf8')).toBe('one');
  expect(readFileSync(at('real/absent'), 'utf8')).toBe('two');
});

test('writes to a pipe and leaves it a pipe', async () => {
  execFileSync('mkfifo', [at('pipe')]);
  const reader = spawn('cat', [at('pipe')]);
  const read = text(reader.stdout);
  await writeFileAtomically(at('pipe'), 'through');
  await once(reader, 'close');
  expect(await read).toBe('through');
  expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
});

describe('says why it could not', () => {
  test.each<[string, (directory: string) => string, RegExp]>([
    ['no such folder', (d) => join(d, 'absent', 'file'), /its folder does not exist/],
    ['a folder', (d) => d, /it is a folder/],
    ['a file as a folder', (d) => join(d, 'file', 'below'), /is a file, not a folder/],
    ['a loop of links', (d) => join(d, 'loop'), /ELOOP/],
  ])('%s', async (_, path, reason) => {
    writeFileSync(at('file'), 'kept');
    symlinkSync('loop', at('loop'));
    const error: unknown = await writeFileAtomically(path(directory), 'x').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'FileNotWritable' });
    expect((error as AppError).message).toMatch(reason);
    expect(readdirSync(directory).sort()).toEqual(['file', 'loop']);
    expect(readFileSync(at('file'), 'utf8')).toBe('kept');
  });
});
