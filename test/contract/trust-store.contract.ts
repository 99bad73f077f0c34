/** What every trust store promises, whatever it is made of. Kinds that can be observed run it. */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/core/errors.js';
import type { TrustStore } from '../../src/trust/trust-store.js';
import { manyLike, mintIdentity, type TestIdentity } from '../support/certificates.js';

/** What a kind has to bring: an empty store for each test. */
export interface Subject {
  store: TrustStore;
  /** All that is kept, as it is kept; compared before and after. */
  content(): Promise<unknown>;
  /** From now on, nothing can be written or made live. */
  breakIt(): Promise<void>;
}

export const noContext = { announce: (): void => undefined };

/** The AppError that `work` ends with; anything else fails the test. */
export async function appError(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => new Error('did not throw'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw error;
  return error;
}

/** Minted once for all kinds of a test file. */
const identities = Promise.all([mintIdentity('a1b2c3', 340), mintIdentity('d4e5f6')]);

/** @param many how many certificates the last test adds; fewer where each takes a second */
export function trustStoreContract(kind: string, open: () => Promise<Subject>, many = 10): void {
  describe(`${kind}: the contract of trust stores`, () => {
    let subject: Subject;
    let store: TrustStore;
    let old: TestIdentity;
    let next: TestIdentity;

    beforeAll(async () => {
      [old, next] = await identities;
    });

    beforeEach(async () => {
      subject = await open();
      ({ store } = subject);
    });

    const trusted = async (): Promise<(string | undefined)[] | undefined> =>
      (await store.observe())?.map(
        (fingerprint) =>
          [old, next].find(({ certificate }) => certificate.fingerprintSha256 === fingerprint)?.certificate
            .clientCertificateId,
      );

    test('adds to nothing, adds beside another, removes the first', async () => {
      await expect(trusted()).resolves.toEqual([]);
      await store.add(old.certificate);
      await expect(trusted()).resolves.toEqual(['a1b2c3']);
      await store.add(next.certificate);
      expect((await trusted())?.toSorted()).toEqual(['a1b2c3', 'd4e5f6']);
      await store.remove(old.certificate);
      await expect(trusted()).resolves.toEqual(['d4e5f6']);
    });

    test('what is so already is not done again', async () => {
      await store.add(old.certificate);
      const before = await subject.content();
      await store.add(old.certificate);
      await store.remove(next.certificate);
      expect(await subject.content()).toEqual(before);
    });

    test('refuses to remove the last certificate', async () => {
      await store.add(old.certificate);
      const before = await subject.content();
      const error = await appError(store.remove(old.certificate));
      expect(error.code).toBe('TrustStoreFailed');
      expect(error.message).toContain('last certificate');
      expect(error.message.startsWith(`${store.name}: `)).toBe(true);
      expect(await subject.content()).toEqual(before);
    });

    test('a change that fails is told and leaves what was there', async () => {
      await store.add(old.certificate);
      const before = await trusted();
      await subject.breakIt();
      const error = await appError(store.add(next.certificate));
      expect(error.message.startsWith(`${store.name}: `)).toBe(true);
      expect((await trusted()) ?? before).toEqual(before);
    });

    test(`${many} certificates of one subject`, async () => {
      const certificates = manyLike(old.certificate, many);
      for (const certificate of certificates) await store.add(certificate);
      const expected = certificates.map(({ fingerprintSha256 }) => fingerprintSha256);
      expect((await store.observe())?.toSorted()).toEqual(expected.toSorted());
    });
  });
}
