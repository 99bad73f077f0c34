/**
 * What every trust store that is a file promises besides, run on every such kind. The files, commands and processes are real; a check and a
 * reload are shell lines that write down that they ran and fail, hang or talk nonsense when told to.
 */
import { existsSync } from 'node:fs';
import {
  appendFile,
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { TrustedCertificate } from '../../src/certificates/certificate.js';
import { createTrustStore, type TrustStoreConfig } from '../../src/trust/kinds/index.js';
import type { DescribedTrustStore } from '../../src/trust/trust-store.js';
import { manyLike, mintIdentity, type TestIdentity } from '../support/certificates.js';
import { appError, noContext, outcomeOf, refusingCall, trustStoreContract } from './trust-store.contract.js';

/** What a kind has to bring to be tested: its configuration for a file, and which commands it runs. */
export interface FileKind {
  kind: TrustStoreConfig['kind'];
  config(file: string, commands: { check: string; reload: string; timeout?: string }): TrustStoreConfig;
  /** Runs a check of its own before the reload. */
  checks: boolean;
  /** How certificates stand in the file, made by something else than the code under test. */
  content(certificates: readonly TrustedCertificate[]): string;
  /** Text of somebody else that may stand in the file. */
  foreign: string;
}

/** Whether a process still runs; one that has ended and waits for its parent's notice (Z) does not. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return !status.includes(') Z');
}

/** Minted once for all kinds of a test file. */
const identities = Promise.all([mintIdentity('a1b2c3', 340), mintIdentity('d4e5f6')]);
const tenThousand = identities.then(([old]) => manyLike(old.certificate, 10_000));

export function fileTrustStoreContract(subject: FileKind): void {
  trustStoreContract(subject.kind, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'apigw-cert-trust-'));
    const file = join(folder, 'trust');
    await writeFile(file, '');
    const reload = `test ! -e ${folder}/fail`;
    return {
      store: createTrustStore(subject.config(file, { check: 'true', reload }), noContext),
      content: () => readFile(file, 'latin1'),
      breakIt: () => writeFile(join(folder, 'fail'), ''),
    };
  });

  describe(`${subject.kind}: the contract of files`, () => {
    let folder: string;
    let file: string;
    let log: string;
    let store: DescribedTrustStore;
    let old: TestIdentity;
    let next: TestIdentity;

    const open = (path: string, reload = 'true', timeout?: string): DescribedTrustStore =>
      createTrustStore(
        subject.config(path, {
          check: `echo check >> ${log}; test ! -e ${folder}/fail-check`,
          reload: `echo reload >> ${log}; test ! -e ${folder}/fail-reload && ${reload}`,
          ...(timeout === undefined ? {} : { timeout }),
        }),
        noContext,
      );
    const fail = (what: 'check' | 'reload'): Promise<void> => writeFile(join(folder, `fail-${what}`), '');
    const ran = async (): Promise<string[]> =>
      existsSync(log) ? (await readFile(log, 'utf8')).trim().split('\n') : [];
    const once = subject.checks ? ['check', 'reload'] : ['reload'];
    const text = (): Promise<string> => readFile(file, 'latin1');
    const leftovers = async (): Promise<string[]> =>
      (await readdir(join(folder, 'etc'))).filter((name) => name !== 'trust');

    beforeAll(async () => {
      [old, next] = await identities;
    });

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'apigw-cert-trust-'));
      await mkdir(join(folder, 'etc'));
      file = join(folder, 'etc', 'trust');
      log = join(folder, 'log');
      await writeFile(file, '');
      store = open(file);
    });

    afterEach(() => rm(folder, { recursive: true, force: true }));

    test('observes what something else wrote', async () => {
      await expect(store.observe()).resolves.toEqual([]);
      await writeFile(file, subject.content([old.certificate, next.certificate]));
      await expect(store.observe()).resolves.toEqual([
        old.certificate.fingerprintSha256,
        next.certificate.fingerprintSha256,
      ]);
      expect(await ran()).toEqual([]);
    });

    test('adds to an empty file, beside another, and removes the first', async () => {
      await store.add(old.certificate);
      await expect(store.observe()).resolves.toEqual([old.certificate.fingerprintSha256]);
      const alone = await text();
      await store.add(next.certificate);
      await expect(store.observe()).resolves.toEqual([
        old.certificate.fingerprintSha256,
        next.certificate.fingerprintSha256,
      ]);
      await store.remove(next.certificate);
      expect(await text()).toBe(alone);
      await store.add(next.certificate);
      await store.remove(old.certificate);
      await expect(store.observe()).resolves.toEqual([next.certificate.fingerprintSha256]);
      expect(await ran()).toEqual([...once, ...once, ...once, ...once, ...once]);
      expect(await leftovers()).toEqual([]);
    });

    test('what is so already is not done again', async () => {
      await store.add(old.certificate);
      const before = await stat(file, { bigint: true });
      await store.add(old.certificate);
      await store.remove(next.certificate);
      const after = await stat(file, { bigint: true });
      expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
      expect(await ran()).toEqual(once);
    });

    if (subject.checks) {
      test('a failing check brings the former content back, and the server is left alone', async () => {
        await store.add(old.certificate);
        const before = await text();
        await fail('check');
        const error = await appError(store.add(next.certificate));
        expect(error.code).toBe('TrustStoreFailed');
        expect(error.message).toContain('the former content is back, the server was not touched');
        expect(await text()).toBe(before);
        expect(await ran()).toEqual([...once, 'check']);
        expect(await leftovers()).toEqual([]);
      });
    }

    test('a failing reload brings the former content back and is tried with it', async () => {
      await store.add(old.certificate);
      const before = await text();
      await fail('reload');
      const error = await appError(store.add(next.certificate));
      expect(error.code).toBe('TrustStoreFailed');
      expect(error.message).toContain('the former content is back, but reloading it failed as well');
      expect(await text()).toBe(before);
      expect(await ran()).toEqual([...once, ...once, 'reload']);
      // Nobody knows what the server uses now: the next run has to find out by making it live.
      await expect(store.observe()).resolves.toBeUndefined();
      expect(await store.describe()).toEqual({
        state: 'unfinished',
        fingerprints: [old.certificate.fingerprintSha256],
        reason: expect.stringMatching(
          /^the former content was restored, but reloading it failed: ".*exited with 1/,
        ),
        since: expect.stringMatching(/^20\d\d-.*Z$/),
      });
      await rm(join(folder, 'fail-reload'));
      await store.add(old.certificate);
      await expect(store.observe()).resolves.toEqual([old.certificate.fingerprintSha256]);
      expect(await text()).toBe(before);
      expect(await leftovers()).toEqual([]);
    });

    test('a server that cannot be made to use what is there is reported as that, and nothing is changed', async () => {
      await store.add(old.certificate);
      await store.add(next.certificate);
      const before = await text();
      await fail('reload');
      // Adding fails, and so does reloading what was there before: from here on it is unfinished.
      await appError(store.remove(next.certificate));
      const calls = [
        () => store.add(old.certificate),
        () => store.remove({ fingerprintSha256: 'AA' }),
        () => store.add(next.certificate),
      ];
      for (const call of calls) {
        const error = await appError(call());
        expect(error.code).toBe('TrustStoreNotLive');
        expect(error.message).toContain('exited with 1; its content was not changed');
        expect(await text()).toBe(before);
        expect(await store.describe()).toMatchObject({
          state: 'unfinished',
          fingerprints: [old.certificate.fingerprintSha256, next.certificate.fingerprintSha256],
          reason: expect.stringContaining('exited with 1'),
        });
      }
      await rm(join(folder, 'fail-reload'));
      await store.add(next.certificate);
      expect(await store.describe()).toEqual({ state: 'known', fingerprints: await store.observe() });
      expect(await leftovers()).toEqual([]);
    });

    test('a mark that says nothing, as a full disk leaves it, is a mark', async () => {
      await store.add(old.certificate);
      for (const mark of ['', 'apigw-cert changed the file', 'one\ntwo\n', 'one\n2026-01-01T00:00:00Z \n']) {
        await writeFile(join(folder, 'etc', '.trust.apigw-cert-unfinished'), mark);
        expect(await store.describe()).toEqual({
          state: 'unfinished',
          fingerprints: [old.certificate.fingerprintSha256],
          reason: 'a run was stopped before the server had loaded it',
        });
        await store.add(old.certificate);
        expect(await leftovers()).toEqual([]);
      }
    });

    test('a reload that fails once is undone and live again', async () => {
      await store.add(old.certificate);
      const before = await text();
      const once_ = open(file, `test -e ${folder}/failed || { touch ${folder}/failed; exit 3; }`);
      const error = await appError(once_.add(next.certificate));
      expect(error.message).toContain('exited with 3');
      expect(error.message).toContain('the former content is back and was reloaded');
      expect(await text()).toBe(before);
      await expect(store.observe()).resolves.toEqual([old.certificate.fingerprintSha256]);
    });

    test('keeps what others wrote, octet for octet', async () => {
      const foreign = `${subject.foreign}# Gr\xfc\xdfe \xe2\x82\n`;
      const expired = manyLike(old.certificate, 1);
      await writeFile(file, `${foreign}${subject.content(expired)}`, 'latin1');
      await store.add(old.certificate);
      await store.add(next.certificate);
      await store.remove(old.certificate);
      const after = await text();
      expect(after.startsWith(foreign)).toBe(true);
      expect(await store.observe()).toEqual([
        expired[0]?.fingerprintSha256,
        next.certificate.fingerprintSha256,
      ]);
    });

    test('keeps mode and owner', async () => {
      await chmod(file, 0o640);
      const before = await stat(file);
      await store.add(old.certificate);
      const after = await stat(file);
      expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
      expect(after.ino).not.toBe(before.ino);
    });

    test('writes through a symbolic link', async () => {
      const link = join(folder, 'link');
      await symlink('etc/trust', link);
      await open(link).add(old.certificate);
      expect((await lstat(link)).isSymbolicLink()).toBe(true);
      await expect(store.observe()).resolves.toEqual([old.certificate.fingerprintSha256]);
    });

    test('a refused change leaves no file, no mark, and runs no command', async () => {
      await store.add(old.certificate);
      const before = await stat(file, { bigint: true });
      const { beforeEffect } = refusingCall(1);
      expect(await outcomeOf(store.add(next.certificate, { beforeEffect }))).toBeInstanceOf(Error);
      const after = await stat(file, { bigint: true });
      expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
      expect(await leftovers()).toEqual([]);
      expect(await ran()).toEqual(once);
    });

    test('a change that is refused before the reload never reaches the server', async () => {
      await store.add(old.certificate);
      const before = await text();
      const { beforeEffect } = refusingCall(2);
      expect(await outcomeOf(store.add(next.certificate, { beforeEffect }))).toBeInstanceOf(Error);
      expect(await text()).toBe(before);
      expect(await leftovers()).toEqual([]);
      expect(await ran()).toEqual(subject.checks ? [...once, 'check'] : once);
    });

    test('nothing is asked where nothing is to be done', async () => {
      await store.add(old.certificate);
      const { beforeEffect, calls } = refusingCall(1);
      await store.add(old.certificate, { beforeEffect });
      await store.remove(next.certificate, { beforeEffect });
      expect(calls()).toBe(0);
    });

    test('somebody else’s change between the last look and the write is kept and reported', async () => {
      const meddle = { beforeEffect: () => appendFile(file, '# theirs\n') };
      const error = await appError(store.add(old.certificate, meddle));
      expect(error.code).toBe('TrustStoreFailed');
      expect(error.message).toContain('someone else changed it');
      expect(await text()).toBe('# theirs\n');
      expect(await leftovers()).toEqual([]);
      expect(await ran()).toEqual([]);
    });

    test('somebody else’s change during the reload is kept and reported', async () => {
      const meddled = open(file, `echo '# mine' >> ${file} && exit 1`);
      const error = await appError(meddled.add(old.certificate));
      expect(error.code).toBe('TrustStoreNotRestored');
      expect(error.message).toContain('someone else changed it');
      expect(await text()).toMatch(/# mine\n$/);
    });

    test('several runs at once lose nothing', async () => {
      const many = manyLike(old.certificate, 5);
      await Promise.all(many.map((certificate) => open(file).add(certificate)));
      const trusted = await store.observe();
      expect(trusted?.toSorted()).toEqual(many.map(({ fingerprintSha256 }) => fingerprintSha256).toSorted());
    });

    test('a folder that may not be written to is a clear error', async () => {
      await chmod(join(folder, 'etc'), 0o555);
      await chmod(folder, 0o755);
      const root = process.geteuid?.() === 0;
      if (root) process.seteuid?.(65_534);
      const error = await appError(store.add(old.certificate)).finally(() => {
        if (root) process.seteuid?.(0);
      });
      expect(error.code).toBe('FileNotWritable');
      expect(error.message).toContain('permission is denied');
      expect(error.hint).toBeDefined();
      expect(await text()).toBe('');
    });

    test('a file that does not exist is a clear error, and is not made', async () => {
      await rename(file, `${file}.away`);
      for (const work of ['observe', 'add', 'remove'] as const) {
        const error = await appError(store[work](old.certificate));
        expect(error.code).toBe('TrustStoreUnreadable');
        expect(error.message).toContain('does not exist');
      }
      expect(existsSync(file)).toBe(false);
    });

    test('what a reload prints reaches the report without control characters', async () => {
      const loud = open(file, `printf '\\033[31mred\\007 alert\\033[0m \\302\\233x\\n' >&2 && exit 1`);
      const error = await appError(loud.add(old.certificate));
      expect(error.message).toContain('exited with 1: red alert x');
      expect(error.details['output']).toBe('red alert x');
    });

    test('a reload that hangs is ended, with all that it started', async () => {
      const hanging = open(file, `{ sleep 47 & echo $! > ${folder}/pid; wait; }`, '300ms');
      const started = performance.now();
      const error = await appError(hanging.add(old.certificate));
      expect(error.message).toContain('did not end within 300ms');
      expect(performance.now() - started).toBeLessThan(4_000);
      expect(await text()).toBe('');
      const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
      await expect(isRunning(pid)).resolves.toBe(false);
    });

    test('a reload that leaves a process behind is not waited for', async () => {
      const started = performance.now();
      await open(file, `{ sleep 7 & echo $! > ${folder}/pid; }`).add(old.certificate);
      expect(performance.now() - started).toBeLessThan(3_000);
      process.kill(Number(await readFile(join(folder, 'pid'), 'utf8')));
    });

    test('a private key in the file is refused and never shown', async () => {
      await appendFile(file, old.privateKeyPem);
      const secret = old.privateKeyPem.split('\n')[1] ?? '';
      for (const work of ['observe', 'add'] as const) {
        const error = await appError(store[work](old.certificate));
        expect(error.code).toBe('TrustStoreUnreadable');
        expect(error.message).toContain('private key');
        expect(JSON.stringify([error.message, error.hint, error.details, String(error.cause)])).not.toContain(
          secret,
        );
      }
      expect(await text()).toBe(old.privateKeyPem);
    });

    test('10,000 certificates', async () => {
      await writeFile(file, subject.content(await tenThousand));
      await store.add(next.certificate);
      expect(await store.observe()).toHaveLength(10_001);
    });
  });
}
