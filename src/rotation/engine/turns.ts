/** Rotations of one process in one account and Region: they act in turns, and look at the account together. */
import type { AccountLook, AskedLook, ObservedAccount } from './observed-account.js';

/** What takes turns. */
export interface Turns {
  /** Does the work once it is its turn; nothing else that was handed in does anything meanwhile. */
  take<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Lets others have the turn while something is waited for; called by the work whose turn it is.
   * @param ms how long that takes, in milliseconds
   */
  aside<T>(ms: number, wait: () => Promise<T>): Promise<T>;
  /**
   * The account for all of the work. A look that must be new begins when nobody has anything else to do before it, so
   * that it serves all who need one; who is away for long is not waited for. One that is urgent begins at once, and the
   * turn stays where it is.
   *
   * Whoever has the turn calls `look` and `aside` one after another, and does nothing else meanwhile.
   */
  readonly account: ObservedAccount;
}

/** So long, in milliseconds, or as long as a look took, a look waits for who is away: soaks end one after another. */
const LONGEST_AWAY = 300_000;

interface Asker {
  resolve: (look: AccountLook) => void;
  reject: (reason: unknown) => void;
}

/** Has the users of an account take turns. @param now the clock that the account's looks are dated by */
export function takingTurns(account: ObservedAccount, now: () => Date): Turns {
  const beginning: (() => void)[] = [];
  const returning: (() => void)[] = [];
  const sleepers = new Set<{ until: number }>();
  let askers: Asker[] = [];
  let isTaken = false;
  let isLooking = false;
  let last: AccountLook | undefined;

  const release = (): void => {
    isTaken = false;
    goOn();
  };
  const claim = (queue: (() => void)[]): Promise<void> =>
    new Promise((go) => {
      queue.push(go);
      goOn();
    });

  function goOn(): void {
    if (isTaken) return;
    // What has begun goes first: it may have something in use to look after.
    const go = returning.shift() ?? beginning.shift();
    if (go) {
      isTaken = true;
      go();
    } else if (askers.length > 0 && !isLooking && !isAnyoneBackSoon()) void lookForAll();
  }

  function isAnyoneBackSoon(): boolean {
    const took = last ? last.ended.getTime() - last.begun.getTime() : 0;
    const soon = now().getTime() + Math.max(took, LONGEST_AWAY);
    return [...sleepers].some(({ until }) => until <= soon);
  }

  async function lookForAll(): Promise<void> {
    isLooking = true;
    const served = askers;
    askers = [];
    try {
      const look = await account.look({ known: false });
      last = look;
      for (const { resolve } of served) resolve(look);
    } catch (error) {
      for (const { reject } of served) reject(error);
    } finally {
      isLooking = false;
      goOn();
    }
  }

  async function away<T>(wait: () => Promise<T>): Promise<T> {
    const waiting = wait();
    release();
    try {
      return await waiting;
    } finally {
      await claim(returning);
    }
  }

  return {
    async take(work) {
      await claim(beginning);
      try {
        return await work();
      } finally {
        release();
      }
    },
    async aside(ms, wait) {
      const sleeper = { until: now().getTime() + ms };
      sleepers.add(sleeper);
      return away(() => wait().finally(() => sleepers.delete(sleeper)));
    },
    account: {
      sightings: account.sightings,
      async look({ known, isUrgent = false }: AskedLook) {
        if (!known && isUrgent) return (last = await account.look({ known }));
        if (!known) {
          return away(
            () =>
              new Promise((resolve, reject) => {
                askers.push({ resolve, reject });
              }),
          );
        }
        last ??= await account.look({ known });
        return last;
      },
    },
  };
}
