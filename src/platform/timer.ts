import { setTimeout as delay } from 'node:timers/promises';

/** Beyond this, Node's timers fire at once: 2^31 − 1 ms, 24.8 days. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Does something once, after a length of time that a user chose: it may be longer than a timer of Node's can be.
 * @returns cancels it
 */
export function after(ms: number, work: () => void): () => void {
  let left = ms;
  let timer: NodeJS.Timeout;
  const next = (): void => {
    const part = Math.min(left, LONGEST_TIMER_MS);
    left -= part;
    timer = setTimeout(() => {
      if (left > 0) next();
      else work();
    }, part);
  };
  next();
  return () => {
    clearTimeout(timer);
  };
}

/**
 * Waits for a length of time that a user chose.
 * @throws Error `AbortError` once the signal is aborted
 */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; ; left -= LONGEST_TIMER_MS) {
    await delay(Math.min(left, LONGEST_TIMER_MS), undefined, signal === undefined ? {} : { signal });
    if (left <= LONGEST_TIMER_MS) return;
  }
}
