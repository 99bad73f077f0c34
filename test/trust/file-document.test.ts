/** What a disk and other people can do to a file at the worst moment. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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

  test('a lock that a killed run left is taken over', async () => {
    const lock = join(folder, '.list.apigw-cert-lock');
    await mkdir(lock);
    execFileSync('touch', ['-d', '10 seconds ago', lock]);
    await expect(fileDocument(file).exclusively(() => Promise.resolve('done'))).resolves.toBe('done');
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
