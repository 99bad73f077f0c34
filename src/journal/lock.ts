/**
 * One run at a time on this machine. The lock is a directory that its holder touches every few seconds
 * (proper-lockfile); beside it lies a file that says who the holder is, so that a refusal can name it and a holder
 * that was killed is noticed at once instead of when its lock has gone stale.
 */
import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import { AppError } from '../core/errors.js';
import { makePrivateDirectory, notWritable, stateDirectory } from './state-directory.js';

/** A lock untouched for so long is anybody's: its holder's machine stopped or lost the disk. */
const STALE_MS = 15_000;
const TOUCH_MS = 5_000;
const RETRY_MS = 250;

interface Holder {
  /** Tells two holders apart. */
  token: string;
  pid: number;
  /** Where `pid` means anything: the host and, on Linux, its process namespace. */
  host: string;
  namespace: string;
  /** ISO 8601, UTC. */
  since: string;
}

/** What the holder of a lock can ask of it. */
export interface HeldLock {
  /** Aborted, with an AppError `LockLost` as its reason, once another run has taken the lock over. */
  readonly signal: AbortSignal;
  /**
   * To be called before each effect: a machine that slept finds out here, before its signal tells.
   * @throws AppError `LockLost`
   */
  assertHeld(): Promise<void>;
}

export interface LockOptions {
  /** Where locks are kept; by default `locks` in the user's state directory. */
  directory?: string;
  /** How long to wait for another run to end, in milliseconds; by default not at all. */
  wait?: number;
  now?: () => Date;
}

/** Two containers on one host can share a state directory but not process ids. */
function processNamespace(): string {
  try {
    return fs.readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** By hand: zod takes longer to load than a run with nothing to do needs for all the rest. */
function isHolder(value: unknown): value is Holder {
  const { token, pid, host, namespace, since } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof pid === 'number' &&
    [token, host, namespace, since].every((text) => typeof text === 'string') &&
    /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(String(since))
  );
}

function parseHolder(json: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isHolder(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function readHolder(file: string): Promise<Holder | undefined> {
  return parseHolder(await readFile(file, 'utf8').catch(() => ''));
}

/**
 * When the process ends while it holds locks, proper-lockfile removes them without asking whose they are by then.
 * This file system for it does ask.
 */
function removingOnlyOwn(file: string, token: string): typeof fs {
  return {
    ...fs,
    rmdirSync(path) {
      if (parseHolder(fs.readFileSync(file, 'utf8'))?.token !== token) return;
      fs.rmSync(file);
      fs.rmdirSync(path);
    },
  };
}

/**
 * Frees a lock whose holder is known to be dead. Only the one that creates the claim on that very holder may, and
 * only while the holder's file still names it, so a lock that was taken meanwhile is left alone.
 */
async function freeDeadLock(file: string): Promise<void> {
  const holder = await readHolder(file);
  if (holder?.host !== hostname() || holder.namespace !== processNamespace() || isRunning(holder.pid)) return;
  const claim = `${file}.${holder.token}.claim`;
  try {
    await writeFile(claim, '', { flag: 'wx', mode: 0o600 });
  } catch {
    return; // claimed by another run; should that one die now, the lock still goes stale
  }
  try {
    if ((await readHolder(file))?.token !== holder.token) return;
    await rm(file, { force: true });
    await rmdir(`${file}.lock`);
  } catch {
    return;
  } finally {
    await rm(claim, { force: true });
  }
}

/** Answers how to let go, or `undefined` when the lock is held already. */
async function acquire(
  file: string,
  token: string,
  onCompromised: () => void,
): Promise<(() => Promise<void>) | undefined> {
  try {
    return await lockfile.lock(file, {
      stale: STALE_MS,
      update: TOUCH_MS,
      realpath: false,
      fs: removingOnlyOwn(file, token),
      onCompromised,
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ELOCKED') return undefined;
    throw notWritable(`${file}.lock`, cause);
  }
}

async function locked(key: string, file: string): Promise<AppError> {
  const holder = await readHolder(file);
  const who = holder ? `process ${holder.pid} on ${holder.host}, since ${holder.since},` : 'another run';
  return new AppError('Locked', `${who} is at work on ${key}`, {
    hint: 'let it finish and run the same command again; the lock of a run that was killed frees itself within 15 seconds',
    details: { key, file, ...(holder && { pid: holder.pid, host: holder.host, since: holder.since }) },
  });
}

/**
 * Runs `work` while holding the lock that `key` names (free text: account, Region, certificate).
 * @throws AppError `Locked` when another run holds it for longer than `wait`, `JournalNotWritable` when the state
 * directory cannot be written to, and whatever `work` throws
 */
export async function withLock<T>(
  key: string,
  work: (lock: HeldLock) => Promise<T>,
  { directory = join(stateDirectory(), 'locks'), wait = 0, now = () => new Date() }: LockOptions = {},
): Promise<T> {
  const file = join(directory, createHash('sha256').update(key).digest('hex').slice(0, 32));
  try {
    await makePrivateDirectory(directory);
  } catch (cause) {
    throw notWritable(directory, cause);
  }

  const lost = new AbortController();
  const loss = (): AppError =>
    new AppError('LockLost', `another run has taken over the work on ${key}`, {
      hint: 'run the same command again: it goes on from what it finds',
    });
  const onLost = (): void => {
    lost.abort(loss());
  };

  const token = randomUUID();
  const deadline = performance.now() + wait;
  let release = await acquire(file, token, onLost);
  while (!release) {
    await freeDeadLock(file);
    release = await acquire(file, token, onLost);
    if (release) break;
    if (performance.now() >= deadline) throw await locked(key, file);
    await delay(Math.min(RETRY_MS, deadline - performance.now()));
  }

  const holder: Holder = {
    token,
    pid: process.pid,
    host: hostname(),
    namespace: processNamespace(),
    since: now().toISOString(),
  };
  const isOurs = async (): Promise<boolean> => (await readHolder(file))?.token === token;
  try {
    await writeFile(file, JSON.stringify(holder), { mode: 0o600 });
  } catch (cause) {
    await release();
    throw notWritable(file, cause);
  }
  try {
    return await work({
      signal: lost.signal,
      async assertHeld() {
        if (!lost.signal.aborted && !(await isOurs())) onLost();
        lost.signal.throwIfAborted();
      },
    });
  } finally {
    if (!lost.signal.aborted && (await isOurs())) {
      await rm(file, { force: true });
      await release();
    }
  }
}
