import { after } from '../platform/timer.js';

/** Work that is done later, unless the emulator ends before. */
export interface Timers {
  start(ms: number, work: () => Promise<void>): void;
  /** Forgets what has not begun, and waits for what has. */
  stop(): Promise<void>;
}

export function createTimers(): Timers {
  const waiting = new Set<() => void>();
  const running = new Set<Promise<void>>();
  return {
    start(ms, work) {
      const cancel = after(ms, () => {
        waiting.delete(cancel);
        const run = work().finally(() => running.delete(run));
        running.add(run);
      });
      waiting.add(cancel);
    },
    async stop() {
      for (const cancel of waiting) cancel();
      waiting.clear();
      await Promise.all(running);
    },
  };
}
