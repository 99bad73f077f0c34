import { beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clientIdentity } from '../../src/certificates/client-identity.js';
import type { LeafOptions } from '../../src/certificates/issue.js';
import { keyTypeOf } from '../../src/certificates/key-type.js';
import type { AcmCertificate } from '../../src/control-plane/acm-certificate.js';
import { replacementFaults, returnFaults } from '../../src/control-plane/acm-replacement.js';
import { checkReplacement } from '../../src/emulator/acm/import.js';
import { importedIdentity } from '../../src/rotation/engine/identity.js';
import { X509Certificate } from 'node:crypto';
import { makePki } from '../support/acm.js';

const NOW = new Date();

let pool: AcmCertificate[];
beforeAll(async () => {
  const pki = await makePki(NOW);
  const uses: Partial<LeafOptions>[] = [
    { purposes: [] },
    { purposes: ['clientAuth'] },
    { purposes: ['serverAuth'] },
    { purposes: ['clientAuth', 'serverAuth'] },
  ];
  const kinds = uses.flatMap((one) => [one, { ...one, hasKeyUsage: false }]);
  const all = [
    ...kinds.map((one, i) => ({ ...one, days: 30 + i })),
    ...kinds.map((one, i) => ({ ...one, days: 20 - i, keyType: 'EC_secp384r1' as const })),
    { keyType: 'RSA_2048' as const, days: 40 },
    { days: 0 },
  ];
  pool = await Promise.all(
    all.map(async (options) => {
      const { pem, privateKeyPem } = await pki.leaf(options);
      const files = { certificate: Buffer.from(pem), privateKey: Buffer.from(privateKeyPem) };
      return importedIdentity(clientIdentity(files), NOW).acm;
    }),
  );
});

/** Whether the emulator's ACM lets one take the place of the other. */
function isTaken(before: AcmCertificate, next: AcmCertificate): boolean {
  const inEmulator = ({ trusted: { pem } }: AcmCertificate) => {
    const keyType = keyTypeOf(new X509Certificate(pem).publicKey);
    if (keyType === undefined) throw new Error('a key that ACM does not have');
    return { keyType, issued: { pem, chainPem: '', privateKeyPem: '' } };
  };
  try {
    const tags = new Map<string, string>();
    checkReplacement(
      {
        ...{ arn: 'arn', type: 'IMPORTED', domainName: undefined, alternativeNames: [], createdAt: 0 },
        ...{ issuedAt: 0, authorityArn: undefined, renewal: undefined, tags },
        ...inEmulator(before),
      },
      inEmulator(next),
    );
    return true;
  } catch {
    return false;
  }
}

const pair = fc.tuple(fc.nat(17), fc.nat(17));

test('what ACM refuses is refused before, and what does not expire later', () => {
  fc.assert(
    fc.property(pair, ([a, b]) => {
      const [before, next] = [pool[a], pool[b]];
      if (before === undefined || next === undefined) throw new Error('the pool is too small');
      const faults = replacementFaults(before, next);
      const isLater = next.trusted.notAfter > before.trusted.notAfter;
      expect(faults.length === 0).toBe(isLater && isTaken(before, next));
      expect(faults.some((fault) => fault.includes('not later'))).toBe(!isLater);
    }),
  );
});

test('what counts as a way back is taken by ACM in the place of the new one', () => {
  fc.assert(
    fc.property(pair, ([a, b]) => {
      const [before, next] = [pool[a], pool[b]];
      if (before === undefined || next === undefined) throw new Error('the pool is too small');
      if (replacementFaults(before, next).length > 0 || returnFaults(before, next, NOW).length > 0) return;
      expect(isTaken(next, before)).toBe(true);
      expect(before.trusted.notAfter.getTime()).toBeGreaterThan(NOW.getTime());
    }),
  );
});

test('each fault has its words', () => {
  const [none, , clients, , servers, , both] = pool;
  const rsa = pool[16];
  const expired = pool[17];
  if (!none || !clients || !servers || !both || !rsa || !expired) throw new Error('the pool is too small');
  expect(replacementFaults(clients, both)).toEqual([]);
  expect(replacementFaults(clients, rsa)).toEqual([
    'its key type is RSA_2048, and a further import cannot change EC_prime256v1',
  ]);
  expect(replacementFaults(servers, clients)).toEqual([
    'it lacks usages of the certificate in ACM, which an import cannot take away: 1.3.6.1.5.5.7.3.1',
    expect.stringMatching(/^it expires at .*Z, not later than the certificate in ACM \(.*Z\)$/),
  ]);
  const issued = { ...clients, details: { ...clients.details, origin: 'privateCa' as const } };
  expect(replacementFaults(issued, both)).toEqual(['ACM replaces only imported certificates']);
  expect(returnFaults(clients, both, NOW)).toEqual(['it lacks usages of the new one: 1.3.6.1.5.5.7.3.1']);
  expect(returnFaults(none, clients, NOW)).toEqual([
    'one of the two has a usage extension that the other does not have',
  ]);
  expect(returnFaults(expired, expired, NOW)).toEqual([expect.stringMatching(/^it expired at /)]);
  expect(returnFaults(clients, clients, NOW)).toEqual([]);
});
