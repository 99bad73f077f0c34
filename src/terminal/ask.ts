import { AppError } from '../platform/errors.js';
import { printable } from '../platform/printable.js';

const INTERRUPTED = 'Ctrl-C';

/**
 * Asks the person at the terminal; anything but yes is no, the end of the input (Ctrl-D) included.
 * @throws AppError `Interrupted` at Ctrl-C
 */
export async function askYes(question: string): Promise<boolean> {
  const answer = await ask(`${printable(question)} [y/N] `);
  return answer !== undefined && /^y(es)?$/i.test(answer.trim());
}

/** One question after another: several accounts may want to know something at once. */
let asked: Promise<unknown> = Promise.resolve();

/**
 * Asks the person at the terminal for a word.
 * @throws AppError `Interrupted` at Ctrl-C, `NotConfirmed` where the input ends
 */
export async function askText(question: string): Promise<string> {
  const turn = asked.then(() => ask(`${printable(question)} `));
  asked = turn.catch(() => undefined);
  const answer = await turn;
  if (answer !== undefined) return answer.trim();
  throw new AppError('NotConfirmed', `not answered: ${question}`, { hint: 'run the same command again' });
}

/** @returns `undefined` at the end of the input (Ctrl-D) */
async function ask(prompt: string): Promise<string | undefined> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  lines.on('SIGINT', () => {
    ended.abort(INTERRUPTED);
  });
  lines.on('close', () => {
    ended.abort();
  });
  try {
    return await lines.question(prompt, { signal: ended.signal });
  } catch (error) {
    if (ended.signal.reason === INTERRUPTED) {
      throw new AppError('Interrupted', 'interrupted at the prompt', { hint: 'run the same command again' });
    }
    if (ended.signal.aborted) return undefined;
    throw error;
  } finally {
    lines.close();
  }
}

/**
 * Has the switch of a target with `approve: before-switch` approved: by `--yes`, or by the person at the terminal.
 * @throws AppError `ConfirmationNeeded`, after which everything stays as it is, `Interrupted`
 */
export async function approved(question: string, yes: boolean): Promise<void> {
  if (yes || (process.stdin.isTTY && (await askYes(question)))) return;
  throw new AppError('ConfirmationNeeded', `not approved: ${question}`, {
    hint: 'run the same command again on a terminal, or with --yes; or abort the rotation with --abort',
  });
}

/**
 * Has what cannot be taken back confirmed: by `--yes`, or by the person at the terminal.
 * @throws AppError `NotConfirmed`, `Interrupted`
 */
export async function confirmed(question: string, yes: boolean): Promise<void> {
  if (yes || (process.stdin.isTTY && (await askYes(question)))) return;
  throw new AppError('NotConfirmed', `not confirmed: ${question}`, {
    hint: 'add --yes to proceed without a prompt; nothing was changed',
  });
}
