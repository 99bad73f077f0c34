import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BINARY } from './cli.js';

/** A question on the screen, and what a person types, perhaps after having done something. */
export type Answer = readonly [
  question: string | RegExp,
  answer: string | ((screen: string) => string | Promise<string>),
];

/**
 * Runs the built command line on a terminal, answering each question when it is asked.
 * @throws Error where a question is not asked within the patience, in milliseconds
 */
export async function onTerminal(
  words: readonly string[],
  answers: readonly Answer[],
  { env = {}, patience = 30_000 }: { env?: Readonly<Record<string, string>>; patience?: number } = {},
): Promise<{ code: number; screen: string }> {
  const child = spawn(
    'script',
    ['-qec', [process.execPath, BINARY, ...words].map((word) => `'${word}'`).join(' '), '/dev/null'],
    { env: { PATH: process.env['PATH'], HOME: '/nonexistent', TERM: 'dumb', ...env } },
  );
  let screen = '';
  let from = 0;
  let failure: unknown;
  const waiting = [...answers];
  const type = async (answer: Answer[1], seen: string): Promise<void> => {
    const text = typeof answer === 'string' ? answer : await answer(seen);
    child.stdin.write(`${text}\r`);
  };
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    const [next] = waiting;
    if (next === undefined) return;
    const [question, answer] = next;
    const seen = screen.slice(from);
    if (typeof question === 'string' ? !seen.includes(question) : !question.test(seen)) return;
    from = screen.length;
    waiting.shift();
    type(answer, seen).catch((error: unknown) => {
      failure = error;
      child.kill();
    });
  });
  // Whoever waits for an answer that does not come shows how far it got.
  const impatient = setTimeout(() => child.kill(), patience);
  const [code] = (await once(child, 'close')) as [number];
  clearTimeout(impatient);
  if (failure !== undefined)
    throw new Error(`what came before an answer failed; the screen: ${screen}`, { cause: failure });
  if (waiting.length > 0) {
    throw new Error(
      `not asked: ${waiting.map(([question]) => String(question)).join(', ')}; the screen: ${screen}`,
    );
  }
  return { code, screen };
}
