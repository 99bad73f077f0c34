import { setTimeout } from 'node:timers/promises';

/** What is to happen at a time, in virtual milliseconds since the epoch. */
interface Happening {
  at: number;
  /** Of those at the same time, what was asked for first comes first. */
  nth: number;
  happen: () => void;
}

/** More than the longest of histories has. */
const MOST_HAPPENINGS = 40_000;
/** How often, and after how many real milliseconds, a process that a run has started is waited for. */
const MOST_WAITS = 4_000;
const WAIT = 5;

/** A discrete simulation's clock: it goes on only when everybody waits, and then to what comes next. */
export class Time {
  /** Milliseconds since the epoch, as they truly are; what a machine's clock shows may be something else. */
  now: number;
  #nth = 0;
  #happened = 0;
  /** By time; the next is the last. */
  readonly #agenda: Happening[] = [];

  constructor(start: number) {
    this.now = start;
  }

  /** Has something happen after so many milliseconds. */
  after(ms: number, happen: () => void): void {
    const happening: Happening = { at: this.now + Math.max(0, ms), nth: this.#nth++, happen };
    let index = this.#agenda.length;
    while (index > 0) {
      const earlier = this.#agenda[index - 1];
      if (!earlier || earlier.at > happening.at) break;
      index -= 1;
    }
    this.#agenda.splice(index, 0, happening);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /** Lets time pass until that has come about. */
  async until<T>(outcome: Promise<T>): Promise<T> {
    const state = { isSettled: false };
    const marked = outcome.finally(() => {
      state.isSettled = true;
    });
    marked.catch(() => undefined);
    let waits = 0;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (state.isSettled) return marked;
      const next = this.#agenda.pop();
      if (!next) {
        if (++waits > MOST_WAITS) throw new Error('nothing is left that could happen: a run hangs');
        await setTimeout(WAIT);
        continue;
      }
      waits = 0;
      if (++this.#happened > MOST_HAPPENINGS) throw new Error('a run does not come to an end');
      this.now = Math.max(this.now, next.at);
      next.happen();
    }
  }
}
