/** What every trust store promises, whatever it is made of. Kinds that can be observed run it. */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/platform/errors.js';
import type { TrustStore } from '../../src/trust/trust-store.js';
import { entryKey, type TrustedAuthority } from '../../src/certificates/trust-entry.js';
import { mintAuthority, type TestAuthority } from '../support/authority.js';
import { manyLike, mintIdentity, type TestIdentity } from '../support/certificates.js';
import type { ContractName } from './subjects.js';

/** What a kind has to bring: an empty store for each test. */
export interface Subject {
  store: TrustStore;
  /** All that is kept, as it is kept; compared before and after. */
  content(): Promise<unknown>;
  /** From now on, nothing can be written or made live. */
  breakIt(): Promise<void>;
  /**
   * From which of its effects on an addition stays when that effect is refused: others see it by then, and no mark warns
   * them, so what they may rely on is not taken back. By default it never stays.
   */
  additionsStayFrom?: number;
}

/** Thrown by a `beforeEffect`; a change has to throw this very object. */
class Refusal extends Error {}

/** Refuses the call of that number, the first being 1, and lets all others through. */
export function refusingCall(number: number): { beforeEffect: () => Promise<void>; calls: () => number } {
  let calls = 0;
  return {
    calls: () => calls,
    beforeEffect: () =>
      ++calls === number ? Promise.reject(new Refusal(`call ${number}`)) : Promise.resolve(),
  };
}

/** What `work` ends with. */
export const outcomeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => error,
  );

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
const authorities = mintAuthority();
const identities = Promise.all([mintIdentity('a1b2c3', 340), mintIdentity('d4e5f6')]);

/** @param many how many certificates the last test adds; fewer where each takes a second */
export function trustStoreContract(kind: ContractName, open: () => Promise<Subject>, many = 10): void {
  describe(`${kind}: the contract of trust stores`, () => {
    let subject: Subject;
    let store: TrustStore;
    let old: TestIdentity;
    let next: TestIdentity;
    let authority: TestAuthority;

    beforeAll(async () => {
      [old, next] = await identities;
      authority = await authorities;
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

    test('holds a root with a name, or refuses it before anything is written', async () => {
      const [gateway, other] = ['CN=gateway,O=Example', 'CN=other,O=Example'].map((subject) =>
        authority.entry({ subject }),
      ) as [TrustedAuthority, TrustedAuthority];
      await store.add(old.certificate);
      const before = await subject.content();
      if (store.objection(gateway) !== undefined) {
        const error = await appError(store.add(gateway));
        expect(error.code).toBe('TrustStoreUnsuitable');
        expect(error.message).toContain(store.objection(gateway));
        expect(await subject.content()).toEqual(before);
        return;
      }
      await store.add(gateway);
      expect(await store.observe()).toEqual([old.certificate.fingerprintSha256, entryKey(gateway)]);
      const added = await subject.content();
      await store.add(gateway);
      expect(await subject.content()).toEqual(added);
      // Another name of the same root is another entry.
      await store.add(other);
      await store.remove(old.certificate);
      await store.remove({
        subject: 'CN=gateway,O=Example',
        ca: { fingerprintSha256: gateway.ca.fingerprintSha256 },
      });
      expect(await store.observe()).toEqual([entryKey(other)]);
      expect(await appError(store.remove(other))).toMatchObject({ code: 'TrustStoreFailed' });
      // Each of two names would count for each of two roots.
      await store.add(gateway);
      const two = await subject.content();
      const stranger = await mintAuthority();
      expect(await appError(store.add(stranger.entry({ subject: 'CN=gateway,O=Example' })))).toMatchObject({
        code: 'TrustStoreUnsuitable',
        message: expect.stringContaining('2 roots with 2 names'),
      });
      expect(await subject.content()).toEqual(two);
    });

    test('a change that fails is told and leaves what was there', async () => {
      await store.add(old.certificate);
      const before = await trusted();
      await subject.breakIt();
      const error = await appError(store.add(next.certificate));
      expect(error.message.startsWith(`${store.name}: `)).toBe(true);
      expect((await trusted()) ?? before).toEqual(before);
    });

    test('ends the trust in a certificate of which only the fingerprint is known', async () => {
      await store.add(old.certificate);
      await store.add(next.certificate);
      await store.remove({ fingerprintSha256: old.certificate.fingerprintSha256 });
      await expect(trusted()).resolves.toEqual(['d4e5f6']);
    });

    test.each(['add', 'remove'] as const)(
      '%s asks before the first effect, and a refusal leaves everything as it was',
      async (action) => {
        await store.add(old.certificate);
        if (action === 'remove') await store.add(next.certificate);
        const before = await subject.content();
        const atTheFirstCall: unknown[] = [];
        const refusal = new Refusal('no');
        const beforeEffect = async (): Promise<void> => {
          atTheFirstCall.push(await subject.content());
          throw refusal;
        };
        const outcome = await outcomeOf(store[action](next.certificate, { beforeEffect }));
        expect(outcome).toBe(refusal);
        expect(atTheFirstCall).toEqual([before]);
        expect(await subject.content()).toEqual(before);
        expect((await trusted())?.toSorted()).toEqual(
          action === 'remove' ? ['a1b2c3', 'd4e5f6'] : ['a1b2c3'],
        );
      },
    );

    test.each(['add', 'remove'] as const)(
      '%s that is refused before a later effect is taken back where that harms nobody',
      async (action) => {
        await store.add(old.certificate);
        if (action === 'remove') await store.add(next.certificate);
        const before = (await trusted())?.toSorted();
        for (let number = 1; ; number++) {
          const { beforeEffect, calls } = refusingCall(number);
          const outcome = await outcomeOf(store[action](next.certificate, { beforeEffect }));
          if (outcome === 'done') {
            expect(calls()).toBe(number - 1);
            expect(number).toBeGreaterThan(1);
            break;
          }
          expect(outcome).toBeInstanceOf(Refusal);
          expect(calls()).toBe(number);
          if (action === 'add' && number >= (subject.additionsStayFrom ?? Infinity)) {
            expect(await trusted()).toContain('d4e5f6');
            await store.remove(next.certificate);
          }
          expect((await trusted())?.toSorted()).toEqual(before);
        }
        const after = action === 'remove' ? ['a1b2c3'] : ['a1b2c3', 'd4e5f6'];
        expect((await trusted())?.toSorted()).toEqual(after);
      },
    );

    test(`${many} certificates of one subject`, async () => {
      const certificates = manyLike(old.certificate, many);
      for (const certificate of certificates) await store.add(certificate);
      const expected = certificates.map(({ fingerprintSha256 }) => fingerprintSha256);
      expect((await store.observe())?.toSorted()).toEqual(expected.toSorted());
    });
  });
}
