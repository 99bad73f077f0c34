import { spawn, type ChildProcess } from 'node:child_process';
import { resolve as resolvePath } from 'node:path';
import { text } from 'node:stream/consumers';
import { AppError } from '../../platform/errors.js';
import type { CommonOptions } from '../../terminal/context.js';
import type { Output } from '../../terminal/output.js';

export interface CommandResult {
  code: number;
  stdout: string;
}

/** Runs this very command line in processes of its own, as the reader would, and shows what was typed. */
export interface Shell {
  /** Shows the command and its result. */
  run(words: readonly string[], options?: { expected?: number }): Promise<CommandResult>;
  /** The same with `--output json`, and nothing shown. */
  json<T>(words: readonly string[]): Promise<T>;
  /** Interrupts the command under way, and waits for its end. */
  stop(): Promise<void>;
}

/**
 * @param surroundings.env added to the environment, from which everything of AWS is taken away
 * @param surroundings.cwd where the commands find and leave files
 */
export function createShell(
  { env, cwd }: { env: Readonly<Record<string, string>>; cwd: string },
  { quiet = false }: CommonOptions,
  out: Output,
): Shell {
  const cli = resolvePath(process.argv[1] ?? '');
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  const colour = out.noteStyle.level > 0 ? { FORCE_COLOR: '1' } : {};

  let underWay: { child: ChildProcess; ended: Promise<number> } | undefined;

  async function execute(words: readonly string[], stderr: 'inherit' | 'ignore'): Promise<CommandResult> {
    const child = spawn(process.execPath, [cli, ...words], {
      cwd,
      env: { ...Object.fromEntries(inherited), ...colour, ...env },
      stdio: ['ignore', 'pipe', stderr],
    });
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject).once('close', (code) => {
        resolve(code ?? 1);
      });
    });
    underWay = { child, ended };
    const [stdout, code] = await Promise.all([text(child.stdout), ended]);
    return { code, stdout };
  }

  function assertCode(words: readonly string[], code: number, expected: number): void {
    if (code === expected) return;
    throw new AppError('Internal', `\`apigw-cert ${words.join(' ')}\` exited with ${code}, not ${expected}`);
  }

  return {
    async run(words, { expected = 0 } = {}) {
      out.note(out.noteStyle.bold(`\n$ apigw-cert ${words.map(quoted).join(' ')}`));
      const result = await execute(words, quiet ? 'ignore' : 'inherit');
      out.note(result.stdout.trimEnd());
      assertCode(words, result.code, expected);
      return result;
    },
    async stop() {
      underWay?.child.kill('SIGINT');
      await underWay?.ended;
    },
    async json<T>(words: readonly string[]) {
      const { code, stdout } = await execute([...words, '--output', 'json'], 'ignore');
      assertCode(words, code, 0);
      return JSON.parse(stdout) as T;
    },
  };
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`;
}
