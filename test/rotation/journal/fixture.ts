import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..', '..');

export const temporaryDirectory = (): string => mkdtempSync(join(tmpdir(), 'apigw-cert-journal-'));

/** Bundles a program of fixtures/ so that plain Node can run it, and tells where it lies. */
export function bundleFixture(name: string): string {
  const outfile = join(temporaryDirectory(), `${name}.mjs`);
  execFileSync(join(root, 'node_modules', '.bin', 'esbuild'), [
    join(here, 'fixtures', `${name}.ts`),
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--log-level=error',
    `--outfile=${outfile}`,
    "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  ]);
  return outfile;
}

export interface Child {
  process: ChildProcessByStdio<Writable, Readable, null>;
  /** The next line of its stdout; undefined at its end. */
  nextLine(): Promise<string | undefined>;
  /** Resolves once it has ended, with what it had still printed. */
  remainingLines(): Promise<string[]>;
}

export function start(command: string, args: readonly string[]): Child {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string | undefined> => {
    const next = await lines.next();
    return next.done === true ? undefined : next.value;
  };
  return {
    process: child,
    nextLine,
    async remainingLines() {
      const rest: string[] = [];
      for (let line = await nextLine(); line !== undefined; line = await nextLine()) rest.push(line);
      return rest;
    },
  };
}
