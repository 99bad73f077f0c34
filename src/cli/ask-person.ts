import { createInterface } from 'node:readline/promises';
import { AppError } from '../core/errors.js';
import type { TrustContext } from '../trust/context.js';
import type { Output } from './output.js';

/** Asks on the terminal; anything but yes is no. */
export async function answersYes(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

async function askPerson(question: string): Promise<void> {
  if (await answersYes(question)) return;
  throw new AppError('ConfirmationNeeded', 'not confirmed', {
    hint: 'do it, then run the same command again',
  });
}

/** What a trust store needs of this terminal; nobody can be asked where stdin is none. */
export function trustContext(out: Pick<Output, 'note'>): TrustContext {
  return {
    announce: (text) => {
      out.note(text);
    },
    ask: process.stdin.isTTY ? askPerson : undefined,
  };
}
