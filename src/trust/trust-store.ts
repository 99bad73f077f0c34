import type { TrustedCertificate } from '../certificates/certificate.js';
import {
  entryKey,
  type RemovableEntry,
  type TrustedAuthority,
  type TrustEntry,
} from '../certificates/trust-entry.js';

/** How a trust store is changed. */
export interface ChangeOptions {
  /**
   * Called at the last moment before each effect: before a file is renamed, a request that writes is sent, a command is
   * run that changes something. When it throws, that effect does not take place, and what it threw is what the change
   * throws. Everything is then as it was. One exception: an addition that others can see already, in a store that
   * cannot be marked as unfinished (a service of AWS, Kubernetes, your own commands), stays when a later effect is
   * refused, since taking it back would end trust that they may rely on by now.
   */
  beforeEffect?: BeforeEffect;
}

export type BeforeEffect = () => Promise<void>;

/**
 * What a backend trusts: the one thing that a rotation changes outside AWS. Its entries are of two sorts, exact certificates,
 * and roots with the name that certificates of that CA must have; `entryKey` tells them apart. Adapters are idempotent (adding what is
 * there and removing what is not are successes that touch nothing) and atomic (when a method throws, the former
 * content is back and live; see {@link ChangeOptions}).
 */
export interface TrustStore {
  /** What the user wrote to name it, for messages: `pem-bundle:/etc/orders/apigw.pem`. */
  readonly name: string;

  /**
   * What earlier versions called it, under which their journals know it. Absent where that was the same, or may also
   * have meant another store.
   */
  readonly formerName?: string;

  /**
   * The keys of the entries that it trusts now (of a certificate its SHA-256 fingerprint, see `entryKey`), or `undefined` when it cannot tell: a human, a command without an
   * observe step, a change that a killed run left written but not live. Whoever gets `undefined` calls `add` or
   * `remove` again, which finishes it. Throws `TrustStoreUnreadable`.
   */
  observe(): Promise<readonly string[] | undefined>;

  /**
   * Why it cannot hold this entry, as a clause, with what to do instead; nothing where it can. Nothing is read for that: ask
   * before anything is changed.
   */
  objection(entry: TrustEntry): string | undefined;

  /**
   * Trusts the entry beside those already there, and makes that live. Throws `TrustStoreUnsuitable` for what it cannot hold,
   * before anything is written; `TrustStoreFailed`, `FileNotWritable`, `TrustStoreNotRestored` when even the way back
   * failed, `Locked` when another run changes the same store, and whatever `beforeEffect` throws.
   */
  add(entry: TrustEntry, options?: ChangeOptions): Promise<void>;

  /**
   * Stops trusting the entry, of whose certificate only the fingerprint need be known, and makes that live. Refuses to leave
   * nothing trusted at all, since an empty list means "everybody" to some servers. Throws as `add` does.
   */
  remove(entry: RemovableEntry, options?: ChangeOptions): Promise<void>;
}

/** What a trust store holds, in its own order. */
export interface StoreContent {
  /** Exact certificates, by their SHA-256. */
  fingerprints: readonly string[];
  /** Of these the ones of CAs, where there are any and its notation has whole certificates. */
  cas?: readonly TrustedCertificate[];
  /** Roots with a name, where there are any. */
  authorities?: readonly TrustedAuthority[];
}

/** What is known of a trust store. */
export type StoreState =
  /** It holds these, and nothing says that its server does not use them. */
  | ({ state: 'known' } & StoreContent)
  /** It holds these, but its server may not have loaded them. */
  | ({
      state: 'unfinished';
      /** What happened, for a person. */
      reason: string;
      /** ISO 8601, UTC; absent where the mark does not say. */
      since?: string;
    } & StoreContent)
  /** Nobody can tell. */
  | { state: 'unknown'; reason: string };

/** A trust store that can also be shown to a person. */
export interface DescribedTrustStore extends TrustStore {
  /** What `observe` answers, with what it leaves out. Throws `TrustStoreUnreadable`. */
  describe(): Promise<StoreState>;

  /**
   * Trusts exactly these entries, of which there is at least one, and makes that live: one change, which is whole or
   * not at all. Absent where a store only knows how to add and remove. Throws as `add` does.
   * @param options.keepOthers those that are there stay
   * @returns whether anything was written or loaded; `false` when all was so already
   */
  readonly replace?: (entries: readonly TrustEntry[], options?: { keepOthers?: boolean }) => Promise<boolean>;
}

/** Completes a trust store by the answer to `observe`: only what is known for certain. */
export function described(store: Omit<DescribedTrustStore, 'observe'>): DescribedTrustStore {
  return {
    ...store,
    async observe() {
      const seen = await store.describe();
      if (seen.state !== 'known') return undefined;
      return [...seen.fingerprints, ...(seen.authorities ?? []).map(entryKey)];
    },
  };
}

/**
 * The store as a rotation's journal calls it: one begun by an earlier version goes on under the former name, so that
 * what it put there is found again.
 * @param names of the stores that the journal says were changed
 */
export function underJournalName(store: TrustStore, names: readonly string[]): TrustStore {
  const { name, formerName } = store;
  if (formerName === undefined || names.includes(name) || !names.includes(formerName)) return store;
  return { ...store, name: formerName };
}
