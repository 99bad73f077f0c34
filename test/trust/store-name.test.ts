/** Names tell stores apart: in a rotation, in its journal, and for people. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createTrustStore, type TrustStoreConfig } from '../../src/trust/kinds/index.js';
import { storeName } from '../../src/trust/store-name.js';
import { underJournalName } from '../../src/trust/trust-store.js';
import { noContext } from '../contract/trust-store.contract.js';

const nameOf = (config: TrustStoreConfig): string => createTrustStore(config, noContext).name;

test('stores that differ in a place or an option have different names, whatever the characters', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('a', 'a (key b)', 'b, context c', '"a"', 'b) (key c', '', 'a (', '\n'),
  );
  const store = fc.record({
    place: text,
    key: fc.option(text, { nil: undefined }),
    context: fc.option(text, { nil: undefined }),
  });
  fc.assert(
    fc.property(store, store, (one, two) => {
      const named = ({ place, ...options }: typeof one): string => storeName(place, options);
      const isSame = one.place === two.place && one.key === two.key && one.context === two.context;
      expect(named(one) === named(two)).toBe(isSame);
    }),
    { numRuns: 5_000 },
  );
});

const map = { kind: 'kubernetes', resource: 'configmap', name: 'trust', key: 'ca.pem' } as const;

test.each<[TrustStoreConfig, string]>([
  [map, 'kubernetes:configmap/trust (key ca.pem)'],
  [
    { ...map, namespace: 'shop', context: 'arn:aws:eks:eu-west-1:123456789012:cluster/prod' },
    'kubernetes:shop/configmap/trust (key ca.pem, context arn:aws:eks:eu-west-1:123456789012:cluster/prod)',
  ],
  [
    { ...map, kubectl: ['ssh', 'bastion', 'kubectl'] },
    'kubernetes:configmap/trust (key ca.pem, kubectl "ssh bastion kubectl")',
  ],
  [{ kind: 's3', bucket: 'b', key: 'k.pem' }, 's3://b/k.pem'],
  [
    { kind: 's3', bucket: 'b', key: 'k.pem', region: 'eu-west-1', profile: 'prod' },
    's3://b/k.pem (region eu-west-1, profile prod)',
  ],
  [{ kind: 'ssm', parameter: '/trust', region: 'us-east-1' }, 'ssm:/trust (region us-east-1)'],
  [
    { kind: 'secretsmanager', secret: 'trust', endpointUrl: 'http://127.0.0.1:4566' },
    'secretsmanager:trust (endpoint http://127.0.0.1:4566)',
  ],
  [{ kind: 'command', add: ['a', 'b'], remove: 'x' }, 'command:a b'],
])('%j is named %s', (config, name) => {
  expect(nameOf(config)).toBe(name);
});

test('commands that differ behind what a message shows are told apart', () => {
  const long = 'x'.repeat(130);
  const names = [
    `ssh ${long} one`,
    `ssh ${long} two`,
    ['ssh', `${long} one`],
    ['ssh', long, 'one'],
    ['ssh a', 'b'],
    ['ssh', 'a b'],
  ].map((add) => nameOf({ kind: 'command', add, remove: 'x' }));
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name.length).toBeLessThan(170);
});

test('a journal of an earlier version knows a store by its former name', () => {
  const store = createTrustStore({ ...map, namespace: 'shop', context: 'prod' }, noContext);
  expect(store.formerName).toBe('kubernetes:shop/configmap/trust');
  expect(underJournalName(store, ['kubernetes:shop/configmap/trust']).name).toBe(
    'kubernetes:shop/configmap/trust',
  );
  expect(underJournalName(store, [])).toBe(store);
  expect(underJournalName(store, [store.name, 'kubernetes:shop/configmap/trust'])).toBe(store);
});
