/** A store of documents in memory, whose calls take time and whose answers can be lost, for schedules of any kind. */
import type { DocumentAdapter, DocumentKey, PutAnswer, WrittenDocument } from '../../src/state/documents.js';
import { AppError } from '../../src/platform/errors.js';

/** What befalls one call, in milliseconds of the caller's clock. */
export interface Fate {
  /** Until the request takes effect, and from then until its answer is there. */
  before?: number;
  after?: number;
  /** The answer never comes; an error comes instead, after `after`. With `late`, the effect comes so much later. */
  lost?: 'request' | 'answer' | 'late';
  late?: number;
}

export interface Memory {
  documents: Map<string, WrittenDocument>;
  /** What each call of an adapter does to it, at once. */
  effects: Effects;
  /**
   * The store as one process reaches it.
   * @param network time itself, in which requests travel
   * @param hear waits as the process does, which may stand still, before it hears an answer
   * @param fate what befalls each of its calls
   */
  adapter(network: Network, hear: (ms: number) => Promise<void>, fate: () => Fate): DocumentAdapter;
}

/** The calls of an adapter, without the way to it and back. */
export interface Effects {
  read(key: DocumentKey): WrittenDocument | undefined;
  list(group: string): WrittenDocument[];
  last(group: string): WrittenDocument | undefined;
  remove(key: DocumentKey): void;
  put(key: DocumentKey, text: string, nonce: string, expected: string | undefined): PutAnswer;
}

/** What an adapter is apart from its calls. */
export const MEMORY_ADAPTER = {
  name: 'the memory',
  maxOctets: 100_000,
  isUnclear: (error: unknown) => error instanceof AppError && error.code === 'ServiceUnreachable',
  errorOf: (error: unknown) => error as AppError,
};

/** Where requests travel. */
export interface Network {
  sleep(ms: number): Promise<void>;
  after(ms: number, happen: () => void): void;
}

const NO_ANSWER = (): AppError => new AppError('ServiceUnreachable', 'the memory did not answer');

export function documentMemory(): Memory {
  const documents = new Map<string, WrittenDocument>();
  let versions = 0;
  const pathOf = ({ group, name }: DocumentKey): string => `${group}/${name}`;
  const inGroup = (group: string): WrittenDocument[] =>
    [...documents]
      .filter(([path]) => path.startsWith(`${group}/`))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, document]) => document);
  const effects: Effects = {
    read: (key) => documents.get(pathOf(key)),
    list: inGroup,
    last: (group) => inGroup(group).at(-1),
    remove: (key) => {
      documents.delete(pathOf(key));
    },
    put: (key, text, nonce, expected) => {
      if (documents.get(pathOf(key))?.version !== expected) return 'refused';
      const version = String(++versions);
      documents.set(pathOf(key), { name: key.name, text, nonce, version });
      return { version };
    },
  };
  return {
    documents,
    effects,
    adapter(network, hear, fate) {
      const call = async <T>(effect: () => T): Promise<T> => {
        const { before = 0, after = 0, lost, late = 0 } = fate();
        await network.sleep(before);
        if (lost === 'late') network.after(late, effect);
        const result = lost === undefined || lost === 'answer' ? effect() : undefined;
        await hear(after);
        if (lost !== undefined) throw NO_ANSWER();
        return result as T;
      };
      return {
        ...MEMORY_ADAPTER,
        read: (key) => call(() => effects.read(key)),
        list: (group) => call(() => effects.list(group)),
        last: (group) => call(() => effects.last(group)),
        remove: (key) =>
          call(() => {
            effects.remove(key);
          }),
        put: (...put) => call(() => effects.put(...put)),
      };
    },
  };
}
