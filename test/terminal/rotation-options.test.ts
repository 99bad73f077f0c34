import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jobFlags, type RotateOptions } from '../../src/terminal/rotation-options.js';
import { makePki } from '../support/acm.js';

let folder: string;
const file = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apigw-cert-options-'));
  const pki = await makePki();
  const leaf = await pki.leaf();
  writeFileSync(file('leaf.pem'), leaf.pem);
  writeFileSync(file('leaf.key'), leaf.privateKeyPem);
  writeFileSync(file('other.key'), (await pki.leaf()).privateKeyPem);
  writeFileSync(file('chain.pem'), pki.issuing.pem + pki.root.pem);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const flags = async (options: RotateOptions) =>
  (await jobFlags({ stage: 'orders/prod', output: 'text', color: false, ...options })).values;

test('a certificate to be imported is read with its chain and its key', async () => {
  const { identity, importing } = await flags({
    import: file('leaf.pem'),
    key: file('leaf.key'),
    chain: file('chain.pem'),
  });
  expect(importing?.acm).toMatchObject({
    trusted: { subject: 'CN=orders-gateway' },
    chain: { end: 'root', isOrdered: true },
    details: { origin: 'imported', keyType: 'EC_prime256v1' },
  });
  expect(identity?.fingerprintSha256).toBe(importing?.acm.trusted.fingerprintSha256);
  // The key is where only a call can reach it.
  expect(JSON.stringify([identity, importing])).not.toContain('PRIVATE KEY');
});

test('one that is in ACM already is not imported', async () => {
  const given = await flags({ to: 'arn', cert: file('leaf.pem'), key: file('leaf.key') });
  expect(given.identity).toBeDefined();
  expect(given.importing).toBeUndefined();
  expect(await flags({})).not.toHaveProperty('identity');
});

test('an import in place has the certificate that it replaces, and its key out of reach', async () => {
  const imported = { import: file('leaf.pem'), key: file('leaf.key'), inPlace: true };
  expect((await flags(imported)).inPlace).toEqual({});
  const { inPlace } = await flags({
    ...imported,
    previousCert: file('leaf.pem'),
    previousKey: file('leaf.key'),
    previousChain: file('chain.pem'),
  });
  expect(inPlace?.previous?.importing.acm.chain.end).toBe('root');
  expect(JSON.stringify(inPlace)).not.toContain('PRIVATE KEY');
  const abort: RotateOptions = { ...imported, abort: true };
  expect((await flags(abort)).importing).toBeDefined();
  expect((await flags({ stage: 'orders/prod' })).inPlace).toBeUndefined();
});

test.each<[string, () => RotateOptions, RegExp]>([
  ['an import in place of nothing', () => ({ inPlace: true }), /--in-place needs --import/],
  [
    'an import that is aborted',
    () => ({ import: file('leaf.pem'), key: file('leaf.key'), abort: true }),
    /--import and --abort cannot be used together/,
  ],
  ['in place, and another', () => ({ inPlace: true, to: 'arn' }), /--in-place and --to cannot/],
  [
    'what was there before an import under a new ARN',
    () => ({ previousCert: file('leaf.pem') }),
    /--previous-cert needs --in-place/,
  ],
  [
    'what was there before without its key',
    () => ({
      import: file('leaf.pem'),
      key: file('leaf.key'),
      inPlace: true,
      previousCert: file('leaf.pem'),
    }),
    /--previous-cert and --previous-key must be specified together/,
  ],
  [
    "another one's key for what was there before",
    () => ({
      ...{ import: file('leaf.pem'), key: file('leaf.key'), inPlace: true },
      ...{ previousCert: file('leaf.pem'), previousKey: file('other.key') },
    }),
    /the key of --previous-key does not belong to the certificate of --previous-cert/,
  ],
  ['no key', () => ({ import: file('leaf.pem') }), /--import needs --key/],
  ['a chain of nothing', () => ({ chain: file('chain.pem') }), /--chain needs --import/],
  ['a key alone', () => ({ key: file('leaf.key') }), /--cert and --key must be specified together/],
  [
    "another one's key",
    () => ({ import: file('leaf.pem'), key: file('other.key') }),
    /the key of --key does not belong to the certificate of --import$/,
  ],
  ['no such file', () => ({ import: file('none'), key: file('leaf.key') }), /cannot be read/],
  [
    'both',
    () => ({ import: file('leaf.pem'), to: 'generated' }),
    /--import and --to cannot be used together/,
  ],
])('refused: %s', async (_, options, message) => {
  await expect(flags(options())).rejects.toThrow(message);
});
