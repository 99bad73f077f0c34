/** What a disk and other people can do to a file at the worst moment. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { thisProcess } from '../../src/platform/process.js';
import { STOPPED } from '../../src/trust/document.js';
import { exclusively } from '../../src/platform/exclusively.js';
import { fileDocument } from '../../src/trust/file-document.js';
import { UNGUARDED } from '../../src/trust/gate.js';
import { notWritable, replaceFile } from '../../src/platform/replace-file.js';
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
    expect(error.message).toContain('someone else changed it');
    expect(error.details).toEqual({ file });
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

  test.each([
    [12_345, 54_321],
    [12_345, process.getegid?.() ?? 0],
    [process.geteuid?.() ?? 0, 54_321],
  ])('is replaced at once by one that is ready: with octets, mode and owner %d:%d', async (owner, group) => {
    const isRoot = process.geteuid?.() === 0;
    await writeFile(file, Buffer.from([0x80, 0xff, 0x0a]));
    if (isRoot) await chown(file, owner, group);
    await chmod(file, 0o2640);
    const before = await stat(file);
    const document = fileDocument(file);
    const seen = await document.read();
    let prepared: unknown[] = [];
    await document.write(`${seen.text}\u00e9\n`, seen, async () => {
      const names = (await readdir(folder)).sort();
      const [temporary = ''] = names;
      const { mode, uid, gid } = await stat(join(folder, temporary));
      prepared = [names, mode, uid, gid, await readFile(join(folder, temporary), 'latin1')];
      // Until then the former one is in place.
      expect(await readFile(file, 'latin1')).toBe('\u0080\u00ff\n');
    });
    const { mode, uid, gid } = before;
    const hidden = expect.stringMatching(/^\.list\.[0-9a-f]{12}$/) as unknown;
    expect(prepared).toEqual([[hidden, 'list'], mode, uid, gid, '\u0080\u00ff\n\u00e9\n']);
    expect(await readFile(file)).toEqual(Buffer.from([0x80, 0xff, 0x0a, 0xe9, 0x0a]));
    const after = await stat(file);
    expect([after.mode, after.uid, after.gid]).toEqual([mode, uid, gid]);
    expect(await readdir(folder)).toEqual(['list']);
  });

  test('is read and written through a symbolic link, and all that belongs to it lies beside the file', async () => {
    const elsewhere = await mkdtemp(join(folder, 'links-'));
    const link = join(elsewhere, 'link');
    await symlink('../list', link);
    const document = fileDocument(link);
    await document.write('two\n', await document.read(), UNGUARDED);
    await document.unfinished?.mark('x');
    await document.exclusively(async () => {
      expect((await readdir(folder)).filter((name) => name.startsWith('.')).sort()).toEqual([
        '.list.apigw-cert-lock',
        '.list.apigw-cert-unfinished',
      ]);
    });
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect([await readFile(file, 'utf8'), await readdir(elsewhere)]).toEqual(['two\n', ['link']]);
  });

  test('a write that fails or is refused leaves nothing behind', async () => {
    const document = fileDocument(file);
    const seen = await document.read();
    const refusal = new Error('no');
    await expect(document.write('two\n', seen, () => Promise.reject(refusal))).rejects.toBe(refusal);
    expect([await readFile(file, 'utf8'), await readdir(folder)]).toEqual(['one\n', ['list']]);
    const within = join(file, 'x');
    const impossible = await appError(replaceFile(within, Buffer.from(''), () => Promise.resolve(), 0o600));
    expect([impossible.code, impossible.message]).toEqual([
      'FileNotWritable',
      `${within}: a part of its path is a file, not a folder`,
    ]);
  });

  test('a new one is made only where that is meant, with the mode that is given', async () => {
    const path = join(folder, 'new');
    const write = (mode?: number): Promise<void> =>
      replaceFile(path, Buffer.from('x'), () => Promise.resolve(), mode);
    const error = await appError(write());
    expect([error.code, error.message]).toEqual(['FileNotWritable', `${path}: its folder does not exist`]);
    await write(0o604);
    expect([(await stat(path)).mode & 0o7777, await readFile(path, 'utf8')]).toEqual([0o604, 'x']);
    // Of one that is there the mode stays.
    await write(0o600);
    expect((await stat(path)).mode & 0o7777).toBe(0o604);
  });

  test.each([
    ['ENOENT', 'its folder does not exist'],
    ['ENOTDIR', 'a part of its path is a file, not a folder'],
    ['EISDIR', 'it is a folder, not a file'],
    ['EACCES', 'permission is denied'],
    ['EPERM', 'its owner or mode may not be kept'],
    ['EROFS', 'the disk is read-only'],
    ['ENOSPC', 'the disk is full'],
    ['EDQUOT', 'the disk quota is used up'],
    ['EBUSY', 'it cannot be replaced'],
  ])('what the system refuses by %s is told with what to do', (code, what) => {
    const cause = Object.assign(new Error('x'), { code });
    const { message, hint, details, cause: found } = notWritable('/etc/list', cause);
    expect([message, details, found]).toEqual([`/etc/list: ${what}`, { file: '/etc/list' }, cause]);
    expect(hint).toMatch(/^\w/);
  });

  test('what else it refuses is told by its name, or as it came', () => {
    const unknown = notWritable('/etc/list', Object.assign(new Error('x'), { code: 'EIO' }));
    expect([unknown.message, unknown.hint]).toEqual(['/etc/list: it cannot be written (EIO)', undefined]);
    expect(notWritable('/etc/list', new Error('odd')).message).toBe(
      '/etc/list: it cannot be written (Error: odd)',
    );
  });

  test('what cannot be read is told with the reason and what to do', async () => {
    const missing = await appError(fileDocument(join(folder, 'none')).read());
    expect([missing.code, missing.message, missing.details]).toEqual([
      'TrustStoreUnreadable',
      `${join(folder, 'none')} does not exist`,
      { file: join(folder, 'none') },
    ]);
    const isFolder = await appError(fileDocument(folder).read());
    expect(isFolder.message).toBe(`${folder} is a folder, not a file`);
    const through = await appError(fileDocument(join(file, 'x')).read());
    expect(through.message).toBe(`${join(file, 'x')} cannot be read (ENOTDIR)`);
    for (const { hint } of [missing, isFolder, through]) expect(hint).toMatch(/^\w/);
  });

  describe('its mark of an unfinished change', () => {
    const unfinished = () => {
      const { unfinished: mark } = fileDocument(file);
      if (!mark) throw new Error('a file has one');
      return mark;
    };
    const marker = (): string => join(folder, '.list.apigw-cert-unfinished');

    test('says since when and why, on one line, for its user alone, and can be taken away twice', async () => {
      expect(await unfinished().read()).toBeUndefined();
      const before = new Date();
      await unfinished().mark('reload failed:\n\tno  such file');
      const { since = '', reason } = (await unfinished().read()) ?? {};
      expect(reason).toBe('reload failed: no such file');
      expect(Date.parse(since)).toBeGreaterThanOrEqual(before.getTime());
      expect(await readFile(marker(), 'utf8')).toBe(
        `apigw-cert changed the file of this name, and its server may not have loaded it.\n${since} ${reason ?? ''}\n`,
      );
      expect((await stat(marker())).mode & 0o777).toBe(0o600);
      await unfinished().clear();
      await unfinished().clear();
      expect(await readdir(folder)).toEqual(['list']);
    });

    test.each([
      '',
      'note\n',
      'note\n2026-11-28T12:00:00Z why',
      'note\n2026-11-28T12:00:00Z why\nmore\n',
      'note\nnote\n2026-11-28T12:00:00Z why\n',
      'note\nx2026-11-28T12:00:00Z why\n',
      'note\n2026-11-28T12:00:00Z \n',
    ])('is one although it is damaged: %j', async (text) => {
      await writeFile(marker(), text);
      expect(await unfinished().read()).toEqual({ reason: STOPPED });
    });

    test('that cannot be read, written or taken away is told', async () => {
      await mkdir(marker());
      expect(await unfinished().read()).toEqual({ reason: STOPPED });
      const written = await appError(unfinished().mark('x'));
      expect([written.code, written.message]).toEqual([
        'FileNotWritable',
        `${file}: it is a folder, not a file`,
      ]);
      expect((await appError(unfinished().clear())).code).toBe('FileNotWritable');
    });
  });

  test('its lock is given back after work that failed, and says who has it meanwhile', async () => {
    const lock = join(folder, '.list.apigw-cert-lock');
    const failure = new Error('work');
    await expect(fileDocument(file).exclusively(() => Promise.reject(failure))).rejects.toBe(failure);
    const { pid, host } = thisProcess();
    await exclusively(file, lock, async () => {
      const { details, hint } = await appError(exclusively(file, lock, () => Promise.resolve(), 0));
      expect(details).toEqual({ lock, pid, host });
      expect(hint).toMatch(/^\w/);
    });
    await fileDocument(file).exclusively(() => Promise.resolve());
    expect(await readdir(folder)).toEqual(['list']);
    const nowhere = await appError(
      exclusively(file, join(folder, 'none', 'lock'), () => Promise.resolve(), 0),
    );
    expect([nowhere.code, nowhere.message]).toEqual([
      'FileNotWritable',
      `${file}: its folder does not exist`,
    ]);
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
