import type { CommonOptions } from './context.js';
import type { Output } from './output.js';

/** Shows what takes a while: a spinner on a terminal, and in any case a line when it is done. */
export type Spin = <T>(text: string, run: () => Promise<T>, done: (value: T) => string) => Promise<T>;

export function createSpin({ quiet = false }: CommonOptions, out: Output): Spin {
  return async (text, run, done) => {
    const { default: ora } = await import('ora');
    const shown = !quiet && process.stderr.isTTY;
    const spinner = shown ? ora({ text, stream: process.stderr, discardStdin: false }).start() : undefined;
    try {
      const value = await run();
      spinner?.stop();
      out.note(`${out.noteStyle.green('✓')} ${done(value)}`);
      return value;
    } finally {
      spinner?.stop();
    }
  };
}
