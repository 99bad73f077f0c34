import { describe, expect, test } from '@jest/globals';
import { createTrustStore, trustStoreSchema } from '../../src/trust/index.js';
import { fileTrustStoreContract, noContext } from '../contract/trust-store.contract.js';

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
});
