import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { parseDuration } from '../platform/duration.js';
import { AppError } from '../platform/errors.js';
import { after } from '../platform/timer.js';
import type { BeforeEffect } from './trust-store.js';

/** A command as users write it: an array is run as it is, a string is a line for the shell. */
export const commandSchema = z
  .union([z.array(z.string()).check(z.minLength(1)), z.string().check(z.minLength(1))])
  .check(z.describe('a command: an array of arguments, run without a shell, or a line for the shell'));

export type Command = z.infer<typeof commandSchema>;

/** How long a command may take, as a duration with its unit. */
export const timeoutSchema = z.string().check(
  z.refine((text) => {
    try {
      return parseDuration(text) > 0;
    } catch {
      return false;
    }
  }, 'must be a duration such as "60s" or "5m"'),
  z.describe('how long each command may take (default 60s)'),
);

const DEFAULT_TIMEOUT = '60s';
/** Between being asked to end and being ended. */
const KILL_AFTER_MS = 2_000;
/** Output that a process left behind in the background may still write after the command itself has ended. */
const DRAIN_MS = 100;
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
/** How much of the output an error report carries. */
const REPORT_CHARS = 4_000;

/** How a command line reads in a message. */
export function wordCommand(command: Command): string {
  const text = typeof command === 'string' ? command : command.join(' ');
  return withoutControls(text.length > 120 ? `${text.slice(0, 119)}…` : text);
}

/** Text from outside without what could move a cursor, colour a terminal or turn reading direction. */
export function withoutControls(text: string): string {
  return text
    .replaceAll(/\u001b\[[0-?]*[ -/]*[@-~]/g, '')
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '');
}

interface Ended {
  stdout: string;
  /** stdout and stderr in the order in which they came. */
  output: string;
  code: number | null;
  signal: NodeJS.Signals | null;
  stoppedFor?: string;
}

/**
 * A descriptor to read `input` from. A file without a name, since the socket that Node makes for a child's standard
 * input cannot be opened as /dev/stdin, which scripts do.
 */
function inputOf(input: string): number {
  const folder = mkdtempSync(join(tmpdir(), 'apigw-cert-input-'));
  try {
    const file = join(folder, 'input');
    writeFileSync(file, input);
    return openSync(file, 'r');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function start(command: Command, { env = {}, input = '' }: RunOptions): ChildProcess {
  const stdin = inputOf(input);
  // A group of its own: a timeout ends all that the command started, and Ctrl-C on our terminal does not cut it off.
  const options: SpawnOptions = {
    detached: true,
    env: { ...process.env, ...env },
    stdio: [stdin, 'pipe', 'pipe'],
  };
  try {
    if (typeof command === 'string') return spawn(command, { ...options, shell: true });
    const [file = '', ...args] = command;
    return spawn(file, args, options);
  } finally {
    closeSync(stdin);
  }
}

/** Runs to the end of the command itself, not of what it left in the background (execa waits for that as well). */
async function runToEnd(command: Command, options: RunOptions): Promise<Ended> {
  const timeout = options.timeout ?? DEFAULT_TIMEOUT;
  return new Promise((resolve, reject) => {
    const child = start(command, options);
    const stdout: Buffer[] = [];
    const all: Buffer[] = [];
    let bytes = 0;
    let stoppedFor: string | undefined;
    const timers: (() => void)[] = [];
    const signalGroup = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // All of the group have ended.
      }
    };
    const stop = (why: string): void => {
      if (stoppedFor !== undefined) return;
      stoppedFor = why;
      signalGroup('SIGTERM');
      timers.push(
        after(KILL_AFTER_MS, () => {
          signalGroup('SIGKILL');
        }),
      );
    };
    timers.push(
      after(parseDuration(timeout), () => {
        stop(`did not end within ${timeout}`);
      }),
    );
    const keep = (chunks: readonly Buffer[][]) => (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT_BYTES) stop('printed more than 32 MiB');
      else for (const list of chunks) list.push(chunk);
    };
    child.stdout?.on('data', keep([stdout, all]));
    child.stderr?.on('data', keep([all]));

    const settle = (code: number | null, signal: NodeJS.Signals | null): void => {
      for (const cancel of timers) cancel();
      child.stdout?.destroy();
      child.stderr?.destroy();
      const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8');
      resolve({
        stdout: text(stdout),
        output: text(all),
        code,
        signal,
        ...(stoppedFor === undefined ? {} : { stoppedFor }),
      });
    };
    child.on('error', (cause) => {
      for (const cancel of timers) cancel();
      reject(cause);
    });
    child.on('exit', (code, signal) => {
      if (stoppedFor !== undefined) signalGroup('SIGKILL');
      timers.push(
        after(DRAIN_MS, () => {
          settle(code, signal);
        }),
      );
    });
    child.on('close', settle);
  });
}

export interface RunOptions {
  /** Added to this process's own environment. */
  env?: Readonly<Record<string, string>>;
  /** Written to its standard input. */
  input?: string;
  /** A duration such as `60s`, which is the default. */
  timeout?: string | undefined;
}

/**
 * Runs a command to its end and returns what it printed on stdout.
 *
 * @throws AppError `TrustStoreFailed` when it cannot be started, does not exit with 0, or has to be stopped; its
 * output's end is in `details.output`, control characters stripped
 */
export async function runCommand(command: Command, options: RunOptions = {}): Promise<string> {
  const words = wordCommand(command);
  let ended: Ended;
  try {
    ended = await runToEnd(command, options);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'no such program' : code === 'EACCES' ? 'permission denied' : String(code);
    throw new AppError('TrustStoreFailed', `"${words}" could not be started: ${why}`, {
      cause,
      hint: 'check the command, and the PATH of the user who runs it',
      details: { command: words },
    });
  }
  if (ended.code === 0 && ended.stoppedFor === undefined) return ended.stdout;
  const output = withoutControls(ended.output).trim().slice(-REPORT_CHARS);
  const lines = output.split('\n').flatMap((line) => line.trim() || []);
  // Servers name the line of the mistake before they say that there is one.
  const telling = lines.filter((line) => /\[(emerg|alert|crit|ALERT)\]|error/i.test(line)).slice(-2);
  const said = [...new Set([...telling, ...lines.slice(-1)])].map((line) => line.slice(0, 300)).join('; ');
  const how =
    ended.stoppedFor ??
    (ended.code === null ? `was ended by ${ended.signal ?? 'a signal'}` : `exited with ${ended.code}`);
  throw new AppError('TrustStoreFailed', `"${words}" ${how}${said === '' ? '' : `: ${said}`}`, {
    details: { command: words, output },
  });
}

/** A look at what is in place by a command of the user, where there is one. */
export function checkCommand(
  command: Command | undefined,
  timeout: string | undefined,
): (() => Promise<void>) | undefined {
  if (command === undefined) return undefined;
  return async () => {
    await runCommand(command, { timeout });
  };
}

/** Makes what is in place live by a command of the user, where there is one. */
export function reloadCommand(
  command: Command | undefined,
  timeout: string | undefined,
): ((text: string, beforeEffect: BeforeEffect) => Promise<void>) | undefined {
  if (command === undefined) return undefined;
  return async (_text, beforeEffect) => {
    await beforeEffect();
    await runCommand(command, { timeout });
  };
}
