import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createTrustStore, trustStoreSchema } from '../../src/trust/kinds/index.js';
import { fileTrustStoreContract } from '../contract/file-trust-store.contract.js';
import { appError, noContext } from '../contract/trust-store.contract.js';
import { mintIdentity } from '../support/certificates.js';

fileTrustStoreContract({
  kind: 'pem-bundle',
  checks: false,
  config: (file, { reload, timeout }) => ({
    kind: 'pem-bundle',
    file,
    reload: ['sh', '-c', reload],
    timeout,
  }),
  content: (certificates) => certificates.map(({ pem }) => pem).join(''),
  foreign: '# who to call: orders team\n\n',
});

describe('pem-bundle', () => {
  test('a CA bundle for OpenSSL is refused with the reason', () => {
    expect(() =>
      createTrustStore({ kind: 'pem-bundle', file: '/etc/x.pem', consumer: 'openssl-ca-bundle' }, noContext),
    ).toThrow(expect.objectContaining({ code: 'TrustStoreUnsuitable' }));
  });

  test.each([
    [{ kind: 'pem-bundle' }],
    [{ kind: 'pem-bundle', file: '' }],
    [{ kind: 'pem-bundle', file: 'a', relaod: 'x' }],
    [{ kind: 'pem-bundle', file: 'a', reload: [] }],
    [{ kind: 'pem-bundle', file: 'a', timeout: '60' }],
    [{ kind: 'pem-bundel', file: 'a' }],
  ])('configuration %j is refused', (config) => {
    expect(trustStoreSchema.safeParse(config).success).toBe(false);
  });

  test.each([
    ['glued', (pem: string) => `${pem.trimEnd()}${pem}`, /line \d+: a certificate that does not begin/],
    [
      'a request',
      (pem: string) => pem.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'),
      /line 1: a CERTIFICATE REQUEST, not/,
    ],
    ['cut off', (pem: string) => pem.slice(0, 400), /line 1: a damaged certificate/],
    ['scribbled on', (pem: string) => pem.replace('MII', 'MI-'), /line 2: a damaged certificate/],
  ])('%s PEM is refused with its line and left alone', async (_what, spoil, message) => {
    const { certificate } = await mintIdentity('a1b2c3');
    const folder = await mkdtemp(join(tmpdir(), 'apigw-cert-pem-'));
    const file = join(folder, 'bundle.pem');
    const spoilt = spoil(certificate.pem);
    await writeFile(file, spoilt);
    const store = createTrustStore({ kind: 'pem-bundle', file }, noContext);
    for (const work of ['observe', 'add', 'remove'] as const) {
      const error = await appError(store[work](certificate));
      expect(error.code).toBe('TrustStoreUnreadable');
      expect(error.message).toMatch(message);
    }
    expect(await readFile(file, 'utf8')).toBe(spoilt);
    await rm(folder, { recursive: true });
  });

  test('a certificate that is there twice is removed twice', async () => {
    const [old, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
    const folder = await mkdtemp(join(tmpdir(), 'apigw-cert-pem-'));
    const file = join(folder, 'bundle.pem');
    await writeFile(file, [old, next, old].map(({ certificate }) => certificate.pem).join(''));
    await createTrustStore({ kind: 'pem-bundle', file }, noContext).remove(old.certificate);
    expect(await readFile(file, 'utf8')).toBe(next.certificate.pem);
    await rm(folder, { recursive: true });
  });
});
