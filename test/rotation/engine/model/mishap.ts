import fc from 'fast-check';
import { LATEST_EFFECT, STALEST_READ } from './world.js';

/** What can befall a call of a process to the world. Times are virtual milliseconds. */
export type Mishap =
  /** No answer, and nothing was done. */
  | { kind: 'lostBefore' }
  /** Done, but no answer. */
  | { kind: 'lostAfter' }
  /** No answer, and done so much later, if it can still be done then. */
  | { kind: 'late'; by: number }
  | { kind: 'throttled' }
  | { kind: 'denied' }
  /** Another run is changing the same store. */
  | { kind: 'locked' }
  /** 409: `concurrent modification`, with or without effect. */
  | { kind: 'conflict'; isDone: boolean }
  | { kind: 'killBefore' }
  | { kind: 'killAfter' }
  | { kind: 'killLate'; by: number }
  /** The process stands still after it: SIGSTOP, or a laptop that sleeps. */
  | { kind: 'stop'; for: number }
  /** This read and the following ones show what was so long ago. */
  | { kind: 'stale'; age: number; times: number }
  /** A listing answers nothing. */
  | { kind: 'empty'; times: number }
  /** A listing leaves one out. */
  | { kind: 'shrunken'; times: number }
  /** The wall clock of the machine jumps. */
  | { kind: 'clock'; by: number };

/** A mishap befalls the first call that it can befall after so many others; with `on`, only calls named so count. */
export interface Fate {
  after?: number;
  on?: string;
  mishap: Mishap;
}

/** What a call does, as far as it decides what can befall it. */
export type CallKind = 'list' | 'read' | 'write' | 'invoke' | 'journal' | 'observe' | 'store' | 'shared';

const BEFALLS: Readonly<Record<Mishap['kind'], readonly CallKind[]>> = {
  lostBefore: ['list', 'read', 'write', 'invoke', 'journal', 'observe', 'store', 'shared'],
  lostAfter: ['write', 'journal', 'store', 'shared'],
  late: ['write', 'shared'],
  throttled: ['list', 'read', 'write', 'invoke', 'shared'],
  denied: ['list', 'read', 'write', 'invoke'],
  locked: ['store'],
  conflict: ['write'],
  killBefore: ['list', 'read', 'write', 'invoke', 'journal', 'observe', 'store', 'shared'],
  killAfter: ['list', 'read', 'write', 'invoke', 'journal', 'observe', 'store', 'shared'],
  killLate: ['write', 'shared'],
  stop: ['list', 'read', 'write', 'invoke', 'journal', 'observe', 'store', 'shared'],
  stale: ['list', 'read'],
  empty: ['list'],
  shrunken: ['list'],
  clock: ['list', 'read', 'write', 'invoke', 'journal', 'observe', 'store', 'shared'],
};

const isMeant = ({ on, mishap }: Fate, kind: CallKind, what: string): boolean =>
  BEFALLS[mishap.kind].includes(kind) && (on === undefined || what.includes(on));

/** The mishaps that befall the calls of one process, in order. */
export class Fates {
  readonly #left: Fate[];
  #calls = 0;
  #lasting: { fate: Fate; left: number } | undefined;

  constructor(fates: readonly Fate[]) {
    this.#left = [...fates];
  }

  /** What befalls the next call. */
  next(kind: CallKind, what: string): Mishap | undefined {
    const lasting = this.#lasting;
    if (lasting && isMeant(lasting.fate, kind, what)) {
      lasting.left -= 1;
      if (lasting.left === 0) this.#lasting = undefined;
      return lasting.fate.mishap;
    }
    const [first] = this.#left;
    if (!first || (first.on !== undefined && !what.includes(first.on))) return undefined;
    const { after = 0 } = first;
    if (this.#calls++ < after || !isMeant(first, kind, what)) return undefined;
    this.#left.shift();
    this.#calls = 0;
    const { mishap } = first;
    if ('times' in mishap && mishap.times > 1) this.#lasting = { fate: first, left: mishap.times - 1 };
    return mishap;
  }
}

export type Trouble = Mishap['kind'];

const seconds = (most: number): fc.Arbitrary<number> =>
  fc.integer({ min: 1, max: most / 1000 }).map((s) => s * 1000);

const MISHAPS: Readonly<Record<Trouble, fc.Arbitrary<Mishap>>> = {
  lostBefore: fc.constant({ kind: 'lostBefore' }),
  lostAfter: fc.constant({ kind: 'lostAfter' }),
  late: seconds(LATEST_EFFECT).map((by) => ({ kind: 'late', by })),
  throttled: fc.constant({ kind: 'throttled' }),
  denied: fc.constant({ kind: 'denied' }),
  locked: fc.constant({ kind: 'locked' }),
  conflict: fc.boolean().map((isDone) => ({ kind: 'conflict', isDone })),
  killBefore: fc.constant({ kind: 'killBefore' }),
  killAfter: fc.constant({ kind: 'killAfter' }),
  killLate: seconds(LATEST_EFFECT).map((by) => ({ kind: 'killLate', by })),
  // Now and then for longer than any lock, spread or soak.
  stop: fc.oneof(seconds(40_000), seconds(600_000)).map((ms) => ({ kind: 'stop', for: ms })),
  stale: fc
    .tuple(seconds(STALEST_READ), fc.integer({ min: 1, max: 6 }))
    .map(([age, times]) => ({ kind: 'stale', age, times })),
  empty: fc.integer({ min: 1, max: 6 }).map((times) => ({ kind: 'empty', times })),
  shrunken: fc.integer({ min: 1, max: 6 }).map((times) => ({ kind: 'shrunken', times })),
  clock: fc.constantFrom(-3_600_000, 3_600_000).map((by) => ({ kind: 'clock', by })),
};

/** Mishaps of these kinds at any calls of a run. @param calls most runs make so many, and twice as many with a shared state */
export function fates(troubles: readonly Trouble[], most = 5, calls = 70): fc.Arbitrary<Fate[]> {
  return fc.array(
    fc.record({
      after: fc.oneof({ weight: 3, arbitrary: fc.nat(calls) }, { weight: 2, arbitrary: fc.nat(12) }),
      mishap: fc.oneof(...troubles.map((trouble) => MISHAPS[trouble])),
    }),
    { maxLength: most },
  );
}

export const ANY_TROUBLE = Object.keys(MISHAPS) as Trouble[];
