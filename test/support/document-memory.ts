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
  /**
   * The store as one process reaches it.
   * @param network time itself, in which requests travel
   * @param hear waits as the process does, which may stand still, before it hears an answer
   * @param fate what befalls each of its calls
   */
  adapter(network: Network, hear: (ms: number) => Promise<void>, fate: () => Fate): DocumentAdapter;
}

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
  return {
    documents,
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
        name: 'the memory',
        maxOctets: 100_000,
        read: (key) => call(() => documents.get(pathOf(key))),
        list: (group) => call(() => inGroup(group)),
        last: (group) => call(() => inGroup(group).at(-1)),
        remove: (key) =>
          call(() => {
            documents.delete(pathOf(key));
          }),
        put: (key, text, nonce, expected) =>
          call((): PutAnswer => {
            if (documents.get(pathOf(key))?.version !== expected) return 'refused';
            const version = String(++versions);
            documents.set(pathOf(key), { name: key.name, text, nonce, version });
            return { version };
          }),
        isUnclear: (error) => error instanceof AppError && error.code === 'ServiceUnreachable',
        errorOf: (error) => error as AppError,
      };
    },
  };
}
