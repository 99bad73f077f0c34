import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createTrustStore, type TrustStoreConfig } from '../../src/trust/index.js';
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
    additionsStay: true as const,
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
