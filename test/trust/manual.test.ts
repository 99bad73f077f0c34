import { describe, expect, test } from '@jest/globals';
import { createTrustStore } from '../../src/trust/kinds/index.js';
import { appError } from '../contract/trust-store.contract.js';
import { mintIdentity } from '../support/certificates.js';

describe('manual', () => {
  test('says what to do, then waits for the answer', async () => {
    const { certificate } = await mintIdentity('a1b2c3');
    const said: string[] = [];
    let answer = (): void => undefined;
    const store = createTrustStore(
      { kind: 'manual', instructions: 'call the orders team' },
      {
        announce: (text) => said.push(text),
        ask: (question) => {
          said.push(question);
          return new Promise((resolve) => {
            answer = resolve;
          });
        },
      },
    );
    await expect(store.observe()).resolves.toBeUndefined();
    expect(await store.describe()).toEqual({ state: 'unknown', reason: expect.stringContaining('a person') });
    let done = false;
    const adding = store.add(certificate).then(() => {
      done = true;
    });
    await new Promise(setImmediate);
    expect(done).toBe(false);
    answer();
    await adding;
    expect(said).toHaveLength(2);
    expect(said[0]).toContain(certificate.pem);
    expect(said[0]).toContain(certificate.fingerprintSha256);
    expect(said[0]).toContain('call the orders team');
    expect(said[1]).toContain('now accept a1b2c3?');
  });

  test('names a certificate of which only the fingerprint is known', async () => {
    const said: string[] = [];
    const tell = (text: string): void => {
      said.push(text);
    };
    const store = createTrustStore(
      { kind: 'manual' },
      {
        announce: tell,
        ask: (question) => {
          tell(question);
          return Promise.resolve();
        },
      },
    );
    await store.remove({ fingerprintSha256: 'AA:BB' });
    expect(said[0]).toMatch(/^Make the backend refuse .*\n\n {2}SHA-256 {2}AA:BB$/);
    expect(said[1]).toBe('Does the backend, on every host, now refuse the certificate AA:BB?');
  });

  test.each(['add', 'remove'] as const)('%s asks nobody where it may not', async (action) => {
    const { certificate } = await mintIdentity('a1b2c3');
    const said: string[] = [];
    const store = createTrustStore({ kind: 'manual' }, { announce: (text) => said.push(text) });
    const beforeEffect = (): Promise<void> => Promise.reject(new Error('not now'));
    await expect(store[action](certificate, { beforeEffect })).rejects.toThrow('not now');
    expect(said).toEqual([]);
  });

  test('without anybody to ask it is unfinished, not failed', async () => {
    const { certificate } = await mintIdentity('a1b2c3');
    const said: string[] = [];
    const store = createTrustStore({ kind: 'manual' }, { announce: (text) => said.push(text) });
    const error = await appError(store.remove(certificate));
    expect(error.code).toBe('ConfirmationNeeded');
    expect(error.exitCode).toBe(75);
    expect(said[0]).toContain('refuse this client certificate');
    expect(said[0]).not.toContain('BEGIN CERTIFICATE');
  });
});

describe('servers that cannot hold both', () => {
  test.each(['stunnel', 'hitch', 'lighttpd'] as const)('%s is refused with the way round', (kind) => {
    expect(() => createTrustStore({ kind }, { announce: () => undefined })).toThrow(
      expect.objectContaining({ code: 'TrustStoreUnsuitable', hint: expect.stringContaining('of its own') }),
    );
  });
});
