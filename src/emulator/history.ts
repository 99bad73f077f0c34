import { createStore, type Store } from './store.js';

/** The worlds as they were, so that reads can be late. */
export interface History {
  /** To be called after each change of the worlds. Remembers nothing before the first `from`. */
  record(): void;
  /** Begins to remember, for readers that are so many milliseconds late. */
  from(lateMs: number): void;
  /** The worlds of so many milliseconds ago, or the oldest that are remembered. */
  ago(lateMs: number): Store;
}

/** @param now milliseconds of any steady clock */
export function createHistory(store: Store, now: () => number = () => performance.now()): History {
  let longest = 0;
  let states: { at: number; store: Store }[] = [];

  /** What the oldest reader can still see: all that is younger than he is late, and one more. */
  function forget(): void {
    const until = now() - longest;
    const shown = states.findLastIndex(({ at }) => at <= until);
    if (shown > 0) states = states.slice(shown);
  }

  function record(): void {
    states.push({ at: now(), store: createStore(structuredClone(store.worlds())) });
    forget();
  }

  return {
    record() {
      if (states.length > 0) record();
    },
    from(lateMs) {
      longest = Math.max(longest, lateMs);
      if (states.length === 0) record();
    },
    ago(lateMs) {
      const until = now() - lateMs;
      return (states.findLast(({ at }) => at <= until) ?? states[0])?.store ?? store;
    },
  };
}
