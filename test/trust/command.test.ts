import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createTrustStore, type TrustStoreConfig } from '../../src/trust/kinds/index.js';
import { appError, noContext, trustStoreContract } from '../contract/trust-store.contract.js';
import { mintIdentity } from '../support/certificates.js';

/** Commands that keep one file a certificate in a folder, as somebody's configuration management might. */
function commands(folder: string): TrustStoreConfig & { kind: 'command' } {
  const at = `${folder}/$(echo "$APIGW_CERT_FINGERPRINT_SHA256" | tr -d :).pem`;
  return {
    kind: 'command',
    add: `cat > "${at}"`,
    remove: ['sh', '-c', `rm -f "${at}"`],
    observe: `cat ${folder}/*.pem 2>/dev/null || true`,
    reload: ['sh', '-c', `test ! -e ${folder}/fail`],
  };
}

const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'apigw-cert-command-'));
  folders.push(folder);
  return folder;
}
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

trustStoreContract('command', async () => {
  const folder = await newFolder();
  return {
    store: createTrustStore(commands(folder), noContext),
    content: () => readdir(folder),
    breakIt: () => writeFile(join(folder, 'fail'), ''),
    additionsStayFrom: 2,
  };
});

describe('command', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await newFolder();
  });

  test('a command gets the PEM on standard input and the rest in its environment', async () => {
    const { certificate } = await mintIdentity('a1b2c3');
    const file = join(folder, 'got');
    const store = createTrustStore(
      { kind: 'command', add: `{ cat; env | grep ^APIGW_CERT_ | sort; } > ${file}`, remove: ['false'] },
      noContext,
    );
    await expect(store.observe()).resolves.toBeUndefined();
    await store.add(certificate);
    expect(await readFile(file, 'utf8')).toBe(
      [
        certificate.pem.trimEnd(),
        'APIGW_CERT_ACTION=add',
        `APIGW_CERT_FINGERPRINT_SHA256=${certificate.fingerprintSha256}`,
        'APIGW_CERT_ID=a1b2c3',
        `APIGW_CERT_NOT_AFTER=${certificate.notAfter.toISOString()}`,
        `APIGW_CERT_NOT_BEFORE=${certificate.notBefore.toISOString()}`,
        `APIGW_CERT_SERIAL_NUMBER=${certificate.serialNumber}`,
        'APIGW_CERT_SUBJECT=C=US, L=Seattle, CN=ApiGateway',
        '',
      ].join('\n'),
    );
  });

  test('a script may read /dev/stdin', async () => {
    const { certificate } = await mintIdentity('a1b2c3');
    const file = join(folder, 'subject');
    const store = createTrustStore(
      {
        kind: 'command',
        add: ['openssl', 'x509', '-in', '/dev/stdin', '-noout', '-subject', '-out', file],
        remove: ['true'],
      },
      noContext,
    );
    await store.add(certificate);
    expect(await readFile(file, 'utf8')).toBe('subject=C = US, L = Seattle, CN = ApiGateway\n');
  });

  test('an array is no shell line', async () => {
    const { certificate } = await mintIdentity('a1b2c3');
    const store = createTrustStore(
      {
        kind: 'command',
        add: ['echo', `; touch ${folder}/pwned; $(touch ${folder}/pwned)`],
        remove: ['true'],
      },
      noContext,
    );
    await store.add(certificate);
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([
    ['lower-case hex', (fingerprint: string) => fingerprint.replaceAll(':', '').toLowerCase()],
    ['colons', (fingerprint: string) => fingerprint],
  ])('observe reads fingerprints with %s', async (_what, write) => {
    const { certificate } = await mintIdentity('a1b2c3');
    const store = createTrustStore(
      {
        kind: 'command',
        observe: ['printf', '# mine\\n%s\\r\\n\\n', write(certificate.fingerprintSha256)],
        add: ['false'],
        remove: ['false'],
      },
      noContext,
    );
    await expect(store.observe()).resolves.toEqual([certificate.fingerprintSha256]);
  });

  test('observe that prints anything else is no empty list', async () => {
    const store = createTrustStore(
      { kind: 'command', observe: ['echo', 'connection refused'], add: ['true'], remove: ['true'] },
      noContext,
    );
    expect((await appError(store.observe())).code).toBe('TrustStoreUnreadable');
  });

  test('an add that reports success and does nothing is found out', async () => {
    const { certificate } = await mintIdentity('a1b2c3');
    const store = createTrustStore({ ...commands(folder), add: ['true'] }, noContext);
    const error = await appError(store.add(certificate));
    expect(error.message).toContain('the add command succeeded, but observe does not show the certificate');
  });

  test('a failed removal is taken back even where nothing can be observed, a failed addition is not', async () => {
    const [old, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
    const log = join(folder, 'log');
    const store = createTrustStore(
      {
        kind: 'command',
        add: `echo add $APIGW_CERT_ID >> ${log}`,
        remove: `echo remove $APIGW_CERT_ID >> ${log}`,
        reload: ['false'],
      },
      noContext,
    );
    expect((await appError(store.add(next.certificate))).code).toBe('TrustStoreFailed');
    expect((await appError(store.remove(old.certificate))).code).toBe('TrustStoreNotRestored');
    expect(await readFile(log, 'utf8')).toBe('add d4e5f6\nremove a1b2c3\nadd a1b2c3\n');
  });

  test('a removal gets the fingerprint, and nothing in the place of what is not known', async () => {
    const file = join(folder, 'got');
    const store = createTrustStore(
      { kind: 'command', add: ['false'], remove: `{ cat; env | grep ^APIGW_CERT_ | sort; } > ${file}` },
      noContext,
    );
    process.env['APIGW_CERT_NOT_AFTER'] = 'of a hook that runs this';
    await store.remove({ fingerprintSha256: 'AA:BB', clientCertificateId: 'a1b2c3' });
    delete process.env['APIGW_CERT_NOT_AFTER'];
    expect((await readFile(file, 'utf8')).split('\n').filter((line) => !line.endsWith('='))).toEqual([
      'APIGW_CERT_ACTION=remove',
      'APIGW_CERT_FINGERPRINT_SHA256=AA:BB',
      'APIGW_CERT_ID=a1b2c3',
      '',
    ]);
  });

  test('a removal by fingerprint that fails cannot be taken back, and says so', async () => {
    const [old, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
    const store = createTrustStore(commands(folder), noContext);
    await store.add(old.certificate);
    await store.add(next.certificate);
    await writeFile(join(folder, 'fail'), '');
    const { fingerprintSha256 } = old.certificate;
    const error = await appError(store.remove({ fingerprintSha256 }));
    expect(error.code).toBe('TrustStoreNotRestored');
    expect(error.message).toContain('only its fingerprint is known');
  });

  test('a reload that fails with nothing else to do is reported as that', async () => {
    const { certificate } = await mintIdentity('a1b2c3');
    const store = createTrustStore(commands(folder), noContext);
    await store.add(certificate);
    await writeFile(join(folder, 'fail'), '');
    const works = [() => store.add(certificate), () => store.remove({ fingerprintSha256: 'AA' })];
    for (const work of works) {
      const error = await appError(work());
      expect(error.code).toBe('TrustStoreNotLive');
      expect(error.message).toContain('neither add nor remove was run');
    }
  });

  test('that it was undone is said only where it was seen', async () => {
    const { certificate } = await mintIdentity('a1b2c3');
    const config = commands(folder);
    const once = `test -e ${folder}/failed || { touch ${folder}/failed; exit 3; }`;
    const seen = await appError(createTrustStore({ ...config, reload: once }, noContext).add(certificate));
    expect(seen.message).toMatch(/exited with 3; it was undone$/);
    await rm(join(folder, 'failed'));
    // Its remove command says that all is well, and does nothing.
    const lying = { ...config, reload: once, remove: ['true'] };
    const unseen = await appError(createTrustStore(lying, noContext).add(certificate));
    expect(unseen.code).toBe('TrustStoreNotRestored');
    expect(unseen.message).toContain('the remove command succeeded, but observe still shows the certificate');
    await rm(join(folder, 'failed'));
    const blind = { kind: 'command' as const, add: ['true'], remove: ['true'], reload: once };
    const removed = await appError(createTrustStore(blind, noContext).remove(certificate));
    expect(removed.message).toMatch(/exited with 3; the add command was run to undo it$/);
    await rm(join(folder, 'failed'));
    const added = await appError(createTrustStore(blind, noContext).add(certificate));
    expect(added.message).toMatch(/exited with 3; it was not undone, and may be trusted now$/);
  });

  test('without observe nobody can look into it', async () => {
    const store = createTrustStore({ kind: 'command', add: ['true'], remove: ['true'] }, noContext);
    expect(await store.describe()).toEqual({
      state: 'unknown',
      reason: expect.stringContaining('no observe command'),
    });
  });

  test.each([
    [['/no/such/program'], 'could not be started: no such program'],
    [['sh', '-c', 'kill -9 $$'], 'was ended by SIGKILL'],
    ['yes', 'printed more than 32 MiB'],
  ])('%j is a clear error', async (add, message) => {
    const { certificate } = await mintIdentity('a1b2c3');
    const error = await appError(
      createTrustStore({ kind: 'command', add, remove: ['true'] }, noContext).add(certificate),
    );
    expect(error.code).toBe('TrustStoreFailed');
    expect(error.message).toContain(message);
  });
});
