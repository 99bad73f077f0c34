/**
 * The port of state that machines share: small texts by key, each replaced only as it was last seen. A store has a few
 * calls (`DocumentAdapter`); what an unclear answer means is settled here, once for all of them.
 */
import { randomUUID } from 'node:crypto';
import { AppError } from '../platform/errors.js';

/** Where a document is: groups are listed as a whole, in the order of names. */
export interface DocumentKey {
  /** Letters, digits, `.`, `_`, `-` and `/`. */
  group: string;
  /** Letters, digits, `.`, `_` and `-`. */
  name: string;
}

/** A document as it is at the moment of a read, which sees every write that was answered before. */
export interface StateDocument {
  name: string;
  text: string;
  /** Another at every write, also of the same text. */
  version: string;
}

/** A store of documents, shared by machines. All of its methods throw AppErrors that name the store and what helps. */
export interface DocumentStore {
  /** As messages name it: `the DynamoDB table apigw-cert`. */
  readonly name: string;
  /** The most that the text of a document may have, in octets. */
  readonly maxOctets: number;
  read(key: DocumentKey): Promise<StateDocument | undefined>;
  /** All documents of a group, by name. */
  list(group: string): Promise<StateDocument[]>;
  /** The document of a group whose name is the last one. */
  last(group: string): Promise<StateDocument | undefined>;
  /**
   * Writes a document if its version is still `expected`; without one, if there is none.
   * @returns its new version; nothing when another version is there, and then nothing was written
   * @throws AppError `ServiceUnreachable` or `Throttled` when it is not known whether it was, or will be, written
   */
  write(key: DocumentKey, text: string, expected: string | undefined): Promise<string | undefined>;
  /** Deletes a document; does nothing where there is none. */
  remove(key: DocumentKey): Promise<void>;
}

/** What a kind of store does by itself. */
export interface DocumentAdapter extends Omit<DocumentStore, 'write' | 'read' | 'list' | 'last'> {
  read(key: DocumentKey): Promise<WrittenDocument | undefined>;
  list(group: string): Promise<WrittenDocument[]>;
  last(group: string): Promise<WrittenDocument | undefined>;
  /**
   * One attempt, under the condition of {@link DocumentStore.write}.
   * @param nonce is written with the text, and tells a later read whose write it was
   * @throws an error that `isUnclear` judges
   */
  put(key: DocumentKey, text: string, nonce: string, expected: string | undefined): Promise<PutAnswer>;
  /** Whether a put that failed so may have been done, or is worth another attempt. */
  isUnclear(error: unknown): boolean;
  /** The error of `put` in words. */
  errorOf(error: unknown): AppError;
}

/** A document with the mark of the write that made it. */
export interface WrittenDocument extends StateDocument {
  nonce: string;
}

/** `refused`: the condition does not hold, or somebody else is just writing. */
export type PutAnswer = { version: string } | 'refused';

/** So often a write is attempted, each time after a look at what is there. */
const ATTEMPTS = 6;
/** Before the second attempt, in milliseconds; twice as long before each one after it. */
const FIRST_DELAY = 50;

const plain = ({ name, text, version }: WrittenDocument): StateDocument => ({ name, text, version });

/**
 * Makes a store of what a kind of store does. A condition that does not hold may be the effect of the write's own first
 * attempt, and an answer that is lost says nothing: both are settled by reading whose write is there.
 * @param sleep waits before another attempt
 */
export function settledStore(adapter: DocumentAdapter, sleep: (ms: number) => Promise<void>): DocumentStore {
  const { name, maxOctets } = adapter;
  return {
    name,
    maxOctets,
    async read(key) {
      const found = await adapter.read(key);
      return found && plain(found);
    },
    async list(group) {
      return (await adapter.list(group)).map(plain);
    },
    async last(group) {
      const found = await adapter.last(group);
      return found && plain(found);
    },
    remove: (key) => adapter.remove(key),
    async write(key, text, expected) {
      const octets = Buffer.byteLength(text);
      if (octets > maxOctets) throw tooLarge(name, key, octets, maxOctets);
      const nonce = randomUUID();
      let unclear: unknown;
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        if (attempt > 0) await sleep(FIRST_DELAY * 2 ** (attempt - 1));
        try {
          const answer = await adapter.put(key, text, nonce, expected);
          if (answer !== 'refused') return answer.version;
        } catch (error) {
          if (!adapter.isUnclear(error)) throw adapter.errorOf(error);
          unclear = error;
        }
        let now: WrittenDocument | undefined;
        try {
          now = await adapter.read(key);
        } catch (error) {
          unclear ??= error;
          continue;
        }
        if (now?.nonce === nonce) return now.version;
        if (now?.version !== expected) return undefined;
      }
      throw unclear === undefined ? busy(name, key) : adapter.errorOf(unclear);
    },
  };
}

function tooLarge(name: string, { group }: DocumentKey, octets: number, most: number): AppError {
  return new AppError('StateUnavailable', `${name} cannot hold a document of ${octets} bytes in ${group}`, {
    hint: `at most ${most} bytes fit; rotate fewer stages together (--only-stage), or use a folder or S3 for the state`,
    details: { group, octets },
  });
}

function busy(name: string, { group, name: document }: DocumentKey): AppError {
  return new AppError('ServiceUnreachable', `${name} kept refusing to write ${group}/${document}`, {
    hint: 'run the same command again',
  });
}
