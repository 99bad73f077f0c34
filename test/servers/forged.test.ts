/** A certificate that differs from a listed one in the case of its base64 alone: whoever compares text must not ignore case. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { lintBackend } from '../../src/commands/backend/lint/run.js';
import { createTrustStore } from '../../src/trust/kinds/index.js';
import { noContext } from '../contract/trust-store.contract.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { forgedByCase, type Forged } from '../support/forged.js';
import { call, isInstalled, startServer } from '../support/real-server.js';

let listed: TestIdentity;
let forged: Forged;
beforeAll(async () => {
  listed = await mintIdentity('a1b2c3');
  forged = forgedByCase(listed.certificate.pem);
  expect(forged.pem).not.toBe(listed.certificate.pem);
  expect(forged.pem.toLowerCase()).toBe(listed.certificate.pem.toLowerCase());
});

test.each((['nginx', 'haproxy', 'apache', 'caddy'] as const).filter(isInstalled))(
  '%s refuses it with the printed configuration',
  async (kind) => {
    const server = await startServer(kind, [listed.certificate]);
    try {
      const own = { pem: listed.certificate.pem, privateKeyPem: listed.privateKeyPem };
      expect([await call(server.port, own), await call(server.port, forged)]).toEqual([
        'accepted',
        'refused',
      ]);
    } finally {
      await server.stop();
    }
  },
);

(isInstalled('nginx') ? test : test.skip)(
  'a list of an earlier version is found by lint, and renewed by the next change',
  async () => {
    const server = await startServer('nginx', [listed.certificate]);
    const codes = async (): Promise<string[]> => {
      const file = join(server.folder, 'recipe.conf');
      const bytes = readFileSync(file);
      const { findings } = await lintBackend(
        { file, bytes, format: 'nginx', consumer: 'openssl-ca-bundle' },
        () => new Date(),
      );
      return findings.map(({ code }) => code);
    };
    try {
      const now = readFileSync(server.trustFile, 'utf8');
      expect(await codes()).toEqual([]);
      writeFileSync(server.trustFile, now.replace('"~^', '"').replace('$" ', '" '));
      expect(await codes()).toEqual(['PinIgnoresCase']);
      const store = createTrustStore(server.trust, noContext);
      expect(await store.observe()).toEqual([listed.certificate.fingerprintSha256]);
      await store.add(listed.certificate);
      expect(readFileSync(server.trustFile, 'utf8')).toBe(now);
    } finally {
      await server.stop();
    }
  },
);
