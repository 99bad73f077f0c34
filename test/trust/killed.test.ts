import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { createTrustStore } from '../../src/trust/kinds/index.js';
import { noContext } from '../contract/trust-store.contract.js';
import { mintIdentity } from '../support/certificates.js';

const here = dirname(fileURLToPath(import.meta.url));

test('a run that is killed between writing and making live is finished by the next one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'apigw-cert-killed-'));
  const program = join(folder, 'add-trust.mjs');
  await build({
    entryPoints: [join(here, '..', 'support', 'add-trust.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('/');" },
  });
  const { certificate } = await mintIdentity('a1b2c3');
  const etc = await mkdtemp(join(folder, 'etc-'));
  const file = join(etc, 'bundle.pem');
  const pem = join(folder, 'new.pem');
  const log = join(folder, 'log');
  await writeFile(file, '');
  await writeFile(pem, certificate.pem);

  const child = spawn(process.execPath, [program, file, pem, 'kill -9 $PPID'], { stdio: 'inherit' });
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  expect(signal).toBe('SIGKILL');
  expect(await readFile(file, 'utf8')).toContain('BEGIN CERTIFICATE');

  const store = createTrustStore({ kind: 'pem-bundle', file, reload: `echo live >> ${log}` }, noContext);
  await expect(store.observe()).resolves.toBeUndefined();
  const begun = performance.now();
  await store.add(certificate); // the dead run's lock is taken over at once
  expect(performance.now() - begun).toBeLessThan(12_000);
  expect(await readFile(log, 'utf8')).toBe('live\n');
  await expect(store.observe()).resolves.toEqual([certificate.fingerprintSha256]);
  expect(await readdir(etc)).toEqual(['bundle.pem']);
  await rm(folder, { recursive: true });
});
