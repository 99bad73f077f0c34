import { AppError } from '../core/errors.js';
import type { TrustContext } from '../trust/context.js';
import { askYes } from './ask.js';
import type { Output } from './output.js';

async function askPerson(question: string): Promise<void> {
  if (await askYes(question)) return;
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
