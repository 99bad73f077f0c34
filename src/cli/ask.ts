import { createInterface } from 'node:readline/promises';
import { AppError } from '../core/errors.js';
import { printable } from '../core/printable.js';

const INTERRUPTED = 'Ctrl-C';

/**
 * Asks the person at the terminal; anything but yes is no, the end of the input (Ctrl-D) included.
 * @throws AppError `Interrupted` at Ctrl-C
 */
export async function askYes(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  lines.on('SIGINT', () => {
    ended.abort(INTERRUPTED);
  });
  lines.on('close', () => {
    ended.abort();
  });
  try {
    const answer = await lines.question(`${printable(question)} [y/N] `, { signal: ended.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (ended.signal.reason === INTERRUPTED) {
      throw new AppError('Interrupted', 'stopped at the question', { hint: 'run the same command again' });
    }
    if (ended.signal.aborted) return false;
    throw error;
  } finally {
    lines.close();
  }
}

/**
 * Has what cannot be taken back confirmed: by `--yes`, or by the person at the terminal.
 * @throws AppError `NotConfirmed`, `Interrupted`
 */
export async function confirmed(question: string, yes: boolean): Promise<void> {
  if (yes || (process.stdin.isTTY && (await askYes(question)))) return;
  throw new AppError('NotConfirmed', `not confirmed: ${question}`, {
    hint: 'add --yes when that is meant; nothing was changed',
  });
}
