import { AppError } from '../platform/errors.js';
import type { TrustContext } from '../trust/context.js';
import { askYes } from './ask.js';
import { printable } from '../platform/printable.js';

async function askPerson(question: string): Promise<void> {
  if (await askYes(question)) return;
  throw new AppError('ConfirmationNeeded', 'not confirmed', {
    hint: 'make the change, then run the same command again',
  });
}

/**
 * What a trust store needs of this terminal; nobody can be asked where stdin is none. What a person has to do is told
 * with --quiet as well: without it nothing goes on.
 * @param clear makes room on the terminal, before anything is told or asked
 */
export function trustContext(clear: () => void = () => undefined): TrustContext {
  return {
    announce: (text) => {
      clear();
      process.stderr.write(`${text.split('\n').map(printable).join('\n')}\n`);
    },
    ask: process.stdin.isTTY
      ? (question) => {
          clear();
          return askPerson(question);
        }
      : undefined,
  };
}
