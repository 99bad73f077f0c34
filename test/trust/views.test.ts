/** The kinds that are seen as one PEM text: a folder, a Java truststore. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createTrustStore } from '../../src/trust/kinds/index.js';
import {
  appError,
  noContext,
  outcomeOf,
  refusingCall,
  trustStoreContract,
} from '../contract/trust-store.contract.js';
import { mintIdentity } from '../support/certificates.js';

// keytool starts a JVM for each step.
process.env['JAVA_TOOL_OPTIONS'] = '-XX:TieredStopAtLevel=1';

const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'apigw-cert-view-'));
  folders.push(folder);
  return folder;
}
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function openDirectory() {
  const folder = await newFolder();
  const directory = join(folder, 'certs');
  await mkdir(directory);
  return {
    directory,
    store: createTrustStore({ kind: 'directory', directory, reload: `test ! -e ${folder}/fail` }, noContext),
    content: async () =>
      Promise.all(
        (await readdir(directory))
          .toSorted()
          .map(async (name) => [name, (await stat(join(directory, name))).mtimeMs]),
      ),
    breakIt: () => writeFile(join(folder, 'fail'), ''),
  };
}

trustStoreContract('directory', openDirectory);

describe('directory', () => {
  test('one file a certificate, named by its fingerprint; other files are let be', async () => {
    const { directory, store } = await openDirectory();
    const [old, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
    await writeFile(join(directory, 'README'), 'mine');
    await writeFile(join(directory, 'old.pem'), old.certificate.pem.trimEnd());
    await store.add(next.certificate);
    const name = `${next.certificate.fingerprintSha256.replaceAll(':', '').toLowerCase()}.pem`;
    expect((await readdir(directory)).toSorted()).toEqual(['README', name, 'old.pem'].toSorted());
    expect(await readFile(join(directory, name), 'utf8')).toContain(next.certificate.pem);
    await store.remove(old.certificate);
    expect((await readdir(directory)).toSorted()).toEqual(['README', name].toSorted());
  });

  test('a file that is put back has its name and its octets again', async () => {
    const { directory, store } = await openDirectory();
    const [old, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
    const theirs = `# Gr\xfc\xdfe\n${old.certificate.pem}`;
    await writeFile(join(directory, 'old.pem'), theirs, 'latin1');
    await store.add(next.certificate);
    const names = await readdir(directory);
    const outcome = await outcomeOf(store.remove(old.certificate, refusingCall(2)));
    expect(outcome).toMatchObject({ message: 'call 2' });
    expect((await readdir(directory)).toSorted()).toEqual(names.toSorted());
    expect(await readFile(join(directory, 'old.pem'), 'latin1')).toBe(theirs);
  });

  test('a file of the same name that holds something else is somebody’s, and nothing is changed', async () => {
    const { directory, store } = await openDirectory();
    const { certificate } = await mintIdentity('a1b2c3');
    const name = `${certificate.fingerprintSha256.replaceAll(':', '').toLowerCase()}.pem`;
    await writeFile(join(directory, name), '# mine\n');
    const error = await appError(store.add(certificate));
    expect(error.code).toBe('FileNotWritable');
    expect(error.message).toContain('is there already');
    expect(await readdir(directory)).toEqual([name]);
    expect(await readFile(join(directory, name), 'utf8')).toBe('# mine\n');
  });

  test('somebody else’s change while it is being reloaded is not overwritten', async () => {
    const folder = await newFolder();
    const directory = join(folder, 'certs');
    await mkdir(directory);
    const [old, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
    await writeFile(join(directory, 'old.pem'), old.certificate.pem);
    const reload = `echo '# theirs' > ${directory}/theirs.pem; false`;
    const error = await appError(
      createTrustStore({ kind: 'directory', directory, reload }, noContext).add(next.certificate),
    );
    expect(error.code).toBe('TrustStoreNotRestored');
    expect(error.message).toContain('someone else changed it');
    expect(await readdir(directory)).toHaveLength(3);
  });

  test('a certificate that shares its file with another is not removed', async () => {
    const { directory, store } = await openDirectory();
    const [old, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
    await writeFile(join(directory, 'both.pem'), `${old.certificate.pem}${next.certificate.pem}`);
    const error = await appError(store.remove(old.certificate));
    expect(error.message).toContain('shares its file');
    await expect(store.observe()).resolves.toHaveLength(2);
  });
});

async function openJava(type: 'PKCS12' | 'JKS') {
  const folder = await newFolder();
  const file = join(folder, 'truststore');
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, 'changeit');
  // keytool makes no empty truststore: one entry is made and taken out again.
  const options = ['-keystore', file, '-storepass', 'changeit', '-storetype', type];
  execFileSync(
    'keytool',
    ['-genkeypair', '-keyalg', 'EC', '-dname', 'CN=x', '-alias', 'x', '-keypass', 'changeit', ...options],
    { stdio: 'pipe' },
  );
  execFileSync('keytool', ['-delete', '-alias', 'x', ...options], { stdio: 'pipe' });
  return {
    file,
    store: createTrustStore(
      { kind: 'java', file, passwordFile, reload: `test ! -e ${folder}/fail` },
      noContext,
    ),
    content: () => readFile(file),
    breakIt: () => writeFile(join(folder, 'fail'), ''),
  };
}

// A machine without Java has nothing to test; CI installs it, and a skip fails the run.
const withJava = existsSync('/usr/bin/keytool');
if (withJava) {
  trustStoreContract('java', () => openJava('PKCS12'), 3);
}

// A machine without Java has nothing to test; in CI it is installed, and a skip fails the run.
(withJava ? describe : describe.skip)('java', () => {
  test('a wrong password is a clear error', async () => {
    const { file } = await openJava('PKCS12');
    process.env['APIGW_CERT_TEST_PASSWORD'] = 'wrong-secret';
    const store = createTrustStore(
      { kind: 'java', file, passwordVariable: 'APIGW_CERT_TEST_PASSWORD' },
      noContext,
    );
    const error = await appError(store.observe());
    expect(error.code).toBe('TrustStoreUnreadable');
    expect(error.message).toContain('keytool error');
    expect(error.message).not.toContain('wrong-secret');
  });

  test('a JKS is changed as well', async () => {
    const { store } = await openJava('JKS');
    const [old, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
    await store.add(old.certificate);
    await store.add(next.certificate);
    await store.remove(old.certificate);
    await expect(store.observe()).resolves.toEqual([next.certificate.fingerprintSha256]);
  });
});

test.each([
  ['another language', 'Keystore-Typ: PKCS12\nKeystore enthält 1 Eintrag'],
  [
    'an entry in another form',
    'Your keystore contains 1 entry\n\nAlias name: x\nEntry type: trustedCertEntry\n\n(none)',
  ],
  ['fewer entries than it counts', 'Your keystore contains 2 entries\n'],
  ['nothing', ''],
])('java: %s is no empty list', async (_what, printed) => {
  const folder = await newFolder();
  await writeFile(join(folder, 'truststore'), '');
  await writeFile(join(folder, 'keytool'), `#!/bin/sh\ncat <<'END'\n${printed}\nEND\n`, { mode: 0o755 });
  const { PATH } = process.env;
  process.env['PATH'] = `${folder}:${PATH}`;
  const file = join(folder, 'truststore');
  const store = createTrustStore({ kind: 'java', file, passwordVariable: 'PATH' }, noContext);
  const error = await appError(store.observe()).finally(() => {
    process.env['PATH'] = PATH;
  });
  expect(error.code).toBe('TrustStoreUnreadable');
  expect(error.message).toContain('could not be understood');
});
