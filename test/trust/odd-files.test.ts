/** Trust stores that are no files, and a kubectl that prints more than was asked of it. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { showTrust } from '../../src/commands/backend/trust/run.js';
import { createTrustStore, TRUST_KINDS, type TrustStoreConfig } from '../../src/trust/kinds/index.js';
import { appError, noContext } from '../contract/trust-store.contract.js';
import { mintIdentity } from '../support/certificates.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apigw-cert-odd-'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await mkdir(join(folder, 'pins'));
  execFileSync('mkfifo', [join(folder, 'pins', 'a.pem')]);
});
afterAll(() => rm(folder, { recursive: true }));

const fileKinds = TRUST_KINDS.filter(({ flag }) => typeof flag === 'object' && flag.option === 'file').map(
  ({ name }) => name,
);

test.each(fileKinds)('%s: a device or a pipe is refused at once', async (kind) => {
  for (const file of ['/dev/zero', join(folder, 'pipe')]) {
    const store = createTrustStore({ kind, file } as TrustStoreConfig, noContext);
    const message = `${kind}:${file}: ${file} cannot be read: it is a device, a pipe or a socket, not a file`;
    expect(await appError(store.observe())).toMatchObject({ code: 'TrustStoreUnreadable', message });
  }
});

test('directory: a pipe in it is refused at once', async () => {
  const store = createTrustStore({ kind: 'directory', directory: join(folder, 'pins') }, noContext);
  expect(await appError(store.observe())).toMatchObject({
    code: 'TrustStoreUnreadable',
    message: expect.stringContaining('a device, a pipe or a socket'),
  });
});

/** A kubectl that keeps an object in a file for each context, and warns before each answer. */
const KUBECTL = `
context=default
for word in "$@"; do case "$word" in --context=*) context="\${word#--context=}";; esac; done
file="$FOLDER/$context"
case "$*" in
*patch*)
  for word in "$@"; do case "$word" in --patch=*) printf %s "\${word#--patch=}" > "$file.patch";; esac; done
  node -e '
    const fs = require("fs");
    const { metadata, data } = JSON.parse(fs.readFileSync(process.argv[1] + ".patch"));
    const object = JSON.parse(fs.readFileSync(process.argv[1]));
    if (metadata.resourceVersion !== object.metadata.resourceVersion) process.exit(1);
    Object.assign(object.data, data);
    object.metadata.resourceVersion = String(Number(metadata.resourceVersion) + 1);
    fs.writeFileSync(process.argv[1], JSON.stringify(object, null, 2));
  ' "$file" || exit 1;;
esac
echo 'Warning: the plugin {gke} is outdated'
cat "$file"
`;

const map = (context: string): TrustStoreConfig => ({
  kind: 'kubernetes',
  resource: 'configmap',
  name: 'trust',
  key: 'ca.pem',
  context,
  kubectl: ['env', `FOLDER=${folder}`, 'sh', join(folder, 'kubectl')],
});

test('kubernetes: two maps of one name in two contexts are two stores, though kubectl warns before its JSON', async () => {
  const [{ certificate: old }, { certificate: next }] = await Promise.all([
    mintIdentity('a1b2c3'),
    mintIdentity('d4e5f6'),
  ]);
  await writeFile(join(folder, 'kubectl'), KUBECTL);
  for (const context of ['prod', 'spare']) {
    const object = { metadata: { resourceVersion: '1' }, data: { 'ca.pem': old.pem, 'other.pem': 'x' } };
    await writeFile(join(folder, context), JSON.stringify(object, null, 2));
  }
  const [prod, spare] = [map('prod'), map('spare')];
  await createTrustStore(prod, noContext).add(next);
  const shown = await showTrust([prod, spare], noContext);
  const kubectl = `kubectl "env FOLDER=${folder} sh ${folder}/kubectl"`;
  expect(shown).toEqual([
    {
      trustStore: `kubernetes:configmap/trust (key ca.pem, context prod, ${kubectl})`,
      state: 'known',
      fingerprintsSha256: [old.fingerprintSha256, next.fingerprintSha256],
    },
    {
      trustStore: `kubernetes:configmap/trust (key ca.pem, context spare, ${kubectl})`,
      state: 'known',
      fingerprintsSha256: [old.fingerprintSha256],
    },
  ]);
  expect(JSON.parse(await readFile(join(folder, 'prod'), 'utf8'))).toMatchObject({
    data: { 'other.pem': 'x' },
  });
});

test('kubernetes: an answer that is no JSON is said to be none, without a word of it', async () => {
  await writeFile(join(folder, 'talk'), 'echo "{secret words"');
  const store = createTrustStore(
    {
      kind: 'kubernetes',
      resource: 'secret',
      name: 'trust',
      key: 'k',
      kubectl: ['sh', join(folder, 'talk')],
    },
    noContext,
  );
  const error = await appError(store.observe());
  expect(error).toMatchObject({
    code: 'TrustStoreUnreadable',
    message: expect.stringContaining('kubectl did not print the object as JSON'),
  });
  expect(inspect(error)).not.toContain('secret words');
});
