/** The proof in docs/backends.md, by the real openssl. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mintIdentity } from '../support/certificates.js';

const page = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'backends.md');
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-trap-'));
  const [old, next] = await Promise.all([mintIdentity('a1b2c3', 340), mintIdentity('d4e5f6')]);
  writeFileSync(join(directory, 'old.pem'), old.certificate.pem);
  writeFileSync(join(directory, 'new.pem'), next.certificate.pem);
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

test('each command of the page prints what the page says', () => {
  const [, block = ''] = /```console\n([^`]*)```/.exec(readFileSync(page, 'utf8')) ?? [];
  const steps = block
    .split(/^\$ /m)
    .slice(1)
    .map((step) => step.split('\n'));
  expect(steps).toHaveLength(4);
  for (const [command = '', ...printed] of steps) {
    const { stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: directory, encoding: 'utf8' });
    // openssl writes to both; the page has them in the order in which they appear on a terminal.
    expect(`${stderr}${stdout}`.trim().split('\n').sort()).toEqual(
      printed.join('\n').trim().split('\n').sort(),
    );
  }
});
