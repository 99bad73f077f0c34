/** What a disk and other people can do to a file at the worst moment. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { thisProcess } from '../../src/platform/process.js';
import { exclusively } from '../../src/trust/exclusively.js';
import { fileDocument } from '../../src/trust/file-document.js';
import { UNGUARDED } from '../../src/trust/gate.js';
import { appError } from '../contract/trust-store.contract.js';

describe('a file as a document', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apigw-cert-document-'));
    file = join(folder, 'list');
    await writeFile(file, 'one\n');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('what somebody else wrote between reading and writing is kept', async () => {
    const document = fileDocument(file);
    const seen = await document.read();
    await writeFile(file, 'theirs\n');
    const error = await appError(document.write('ours\n', seen, UNGUARDED));
    expect(error.code).toBe('TrustStoreFailed');
    expect(error.message).toContain('somebody else changed it');
    expect(await readFile(file, 'utf8')).toBe('theirs\n');
    expect(await readdir(folder)).toEqual(['list']);
  });

  test('one run at a time; another is refused as such, and named', async () => {
    const lock = join(folder, '.list.apigw-cert-lock');
    const work = (): Promise<string> => Promise.resolve('done');
    await fileDocument(file).exclusively(async () => {
      const error = await appError(exclusively(file, lock, work, 0));
      expect(error.code).toBe('TrustStoreLocked');
      expect(error.exitCode).toBe(75);
      expect(error.message).toMatch(new RegExp(`^process ${process.pid} on .* is changing it$`));
    });
    await expect(exclusively(file, lock, work, 0)).resolves.toBe('done');
    expect(await readdir(folder)).toEqual(['list']);
  });

  test('a lock whose time is yet to come, of a process that has ended, holds nobody up', async () => {
    const lock = join(folder, '.list.apigw-cert-lock');
    const gone = spawnSync('true').pid;
    const holder = join(lock, 'token');
    await mkdir(lock);
    await writeFile(holder, JSON.stringify({ ...thisProcess(), pid: gone, since: '2099-01-01T00:00:00Z' }));
    execFileSync('touch', ['-d', '2099-01-01', holder, lock]);
    await expect(exclusively(file, lock, () => Promise.resolve('done'), 0)).resolves.toBe('done');
  });

  test('a folder in place of a file is a clear error', async () => {
    const error = await appError(fileDocument(folder).read());
    expect(error.message).toContain('is a folder, not a file');
  });

  // Only root may mount the small disk that this needs; CI runs as root.
  (process.geteuid?.() === 0 ? test : test.skip)('a full disk leaves the file as it was', async () => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk]);
    try {
      const small = join(disk, 'list');
      await writeFile(small, 'one\n');
      const document = fileDocument(small);
      const error = await appError(document.write('x'.repeat(20_000), await document.read(), UNGUARDED));
      expect(error.code).toBe('FileNotWritable');
      expect(error.message).toContain('the disk is full');
      expect(await readFile(small, 'utf8')).toBe('one\n');
      expect(await readdir(disk)).toEqual(['list']);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
