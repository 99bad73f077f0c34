/** Work that is done later, unless the emulator ends before. */
export interface Timers {
  start(ms: number, work: () => Promise<void>): void;
  /** Forgets what has not begun, and waits for what has. */
  stop(): Promise<void>;
}

export function createTimers(): Timers {
  const waiting = new Set<NodeJS.Timeout>();
  const running = new Set<Promise<void>>();
  return {
    start(ms, work) {
      const timer = setTimeout(() => {
        waiting.delete(timer);
        const run = work().finally(() => running.delete(run));
        running.add(run);
      }, ms);
      waiting.add(timer);
    },
    async stop() {
      for (const timer of waiting) clearTimeout(timer);
      waiting.clear();
      await Promise.all(running);
    },
  };
}
