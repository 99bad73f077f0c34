/**
 * One at a time, over a file system. A lock is a directory that holds one file, named by its holder's token. Each step
 * is one call that succeeds for one process alone:
 *
 * - to take it, a directory with the file already in it is renamed to the lock's path, which works where nothing or an
 *   empty directory is (rename(2)), so that a lock never stands there without its holder's name;
 * - to free it, the holder's own or a dead one's, the file of that very token is removed: nobody can free a lock that
 *   another has taken meanwhile.
 *
 * Within one host a holder is asked for by its process; from elsewhere, by whether it still touches its file.
 */
import { randomUUID } from 'node:crypto';
import { rmdirSync, unlinkSync } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, rmdir, unlink, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ProcessIdentity, type ProcessState, stateOf, thisProcess } from './process.js';

/** A holder elsewhere whose file nobody has touched for so long, by the observer's clock, holds nothing any more. */
export const STALE_MS = 15_000;
const TOUCH_MS = 5_000;
const RETRY_MS = 250;

/** A clock that only goes forward, in milliseconds, and that can be waited on. */
export interface Monotonic {
  now(): number;
  sleep(ms: number): Promise<void>;
}

const REAL_TIME: Monotonic = {
  now: () => performance.now(),
  sleep: (ms) => delay(ms),
};

/** Who holds a lock, as far as its file says. */
export interface Holder extends ProcessIdentity {
  /** ISO 8601, UTC. */
  since: string;
}

/** A lock that this process holds. */
export interface HeldLock {
  /** Aborted once it is known that another has taken the lock over. */
  readonly lost: AbortSignal;
  /** Looks at the disk, at this moment. */
  isHeld(): Promise<boolean>;
  /** Lets go; harmless when the lock is another's by now. */
  release(): Promise<void>;
}

/** Why a lock could not be taken. */
export interface Refusal {
  /** Absent when its file does not say. */
  holder?: Holder;
  /** Of the holder's process. */
  state: Exclude<ProcessState, 'ended'>;
}

export interface LockOptions {
  /**
   * How long to wait for the holder to let go, in milliseconds. A holder elsewhere is watched for up to
   * {@link STALE_MS} even so, until it is seen to be alive or has gone stale.
   */
  wait: number;
  clock?: Monotonic;
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** By hand: zod takes longer to load than a run with nothing to do needs for all the rest. */
function parseHolder(json: string): Holder | undefined {
  try {
    const { pid, start, host, scope, since } = JSON.parse(json) as Record<string, unknown>;
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return undefined;
    if (typeof host !== 'string' || typeof scope !== 'string' || typeof since !== 'string') return undefined;
    if (!/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(since)) return undefined;
    return { pid, host, scope, since, ...(typeof start === 'string' ? { start } : {}) };
  } catch {
    return undefined;
  }
}

/** A holder's file as it is now. */
interface Sighting {
  token: string;
  holder?: Holder;
  /** Changes as long as the holder touches its file. */
  beat: string;
}

/** Looks by opening the file, since network file systems answer for its attributes from memory otherwise. */
async function look(path: string): Promise<Sighting | undefined> {
  try {
    const [token] = await readdir(path);
    if (token === undefined) return undefined;
    const file = await open(join(path, token), 'r');
    try {
      const { mtimeNs } = await file.stat({ bigint: true });
      const holder = parseHolder(await file.readFile('utf8'));
      return { token, beat: String(mtimeNs), ...(holder ? { holder } : {}) };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Locks that are held, so that an exit leaves none behind. */
const held = new Map<string, string>();

function freeAll(): void {
  for (const [token, path] of held) {
    try {
      unlinkSync(join(path, token));
      rmdirSync(path);
    } catch {
      // Another's by now, or the disk is gone.
    }
  }
}

async function free(path: string, token: string): Promise<void> {
  await unlink(join(path, token)).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
  // Whoever has taken it in between keeps it.
  await rmdir(path).catch(() => undefined);
}

/** @returns whether the lock is this token's now; if not, it is worth another look */
async function tryToTake(path: string, token: string): Promise<boolean> {
  const prepared = `${path}.${token}`;
  await mkdir(prepared, { mode: 0o700 });
  try {
    const holder: Holder = { ...thisProcess(), since: new Date().toISOString() };
    await writeFile(join(prepared, token), JSON.stringify(holder), { mode: 0o600 });
    // Where a rename does not replace an empty directory (Windows).
    await rmdir(path).catch(() => undefined);
    await rename(prepared, path);
    return true;
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    // Another was quicker, or has swept away what was prepared before it could be told whose it is.
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(codeOf(error) ?? '')) return false;
    if ((await readdir(path).catch(() => [])).length > 0) return false;
    throw error;
  }
}

/** Removes what processes prepared that were killed before they could take the lock or give up. */
async function sweep(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(prefix) || !/^[0-9a-f-]{36}$/.test(name.slice(prefix.length))) continue;
    const seen = await look(join(folder, name)).catch(() => undefined);
    if (seen?.holder && stateOf(seen.holder) !== 'ended') continue;
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function keep(path: string, token: string): HeldLock {
  const lost = new AbortController();
  const file = join(path, token);
  if (held.size === 0) process.on('exit', freeAll);
  held.set(token, path);
  const forget = (): void => {
    clearInterval(timer);
    held.delete(token);
    if (held.size === 0) process.off('exit', freeAll);
  };
  const lose = (): void => {
    forget();
    lost.abort();
  };
  const timer = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch((error: unknown) => {
      // A disk that does not answer says nothing about whose the lock is.
      if (codeOf(error) === 'ENOENT') lose();
    });
  }, TOUCH_MS).unref();
  return {
    lost: lost.signal,
    async isHeld() {
      if (lost.signal.aborted) return false;
      try {
        await access(file);
        return true;
      } catch {
        lose();
        return false;
      }
    },
    async release() {
      forget();
      await free(path, token).catch(() => undefined);
    },
  };
}

/**
 * Takes the lock at `path`, whose folder must exist. A lock whose holder's process has ended is taken at once; one whose
 * process lives is not taken, however long it is stopped for; one of a holder elsewhere is taken once it was seen
 * untouched for {@link STALE_MS}.
 * @throws the system's error where the folder cannot be written to
 */
export async function takeLock(
  path: string,
  { wait, clock = REAL_TIME }: LockOptions,
): Promise<HeldLock | Refusal> {
  const token = randomUUID();
  const deadline = clock.now() + wait;
  let watched: (Sighting & { since: number; isAlive: boolean }) | undefined;
  for (;;) {
    const seen = await look(path);
    if (!seen) {
      if (!(await tryToTake(path, token))) continue;
      await sweep(path);
      return keep(path, token);
    }
    const state = seen.holder ? stateOf(seen.holder) : 'elsewhere';
    const now = clock.now();
    if (watched?.token !== seen.token) watched = { ...seen, since: now, isAlive: false };
    else if (watched.beat !== seen.beat) watched = { ...seen, since: now, isAlive: true };
    const isStale = state === 'elsewhere' && now - watched.since >= STALE_MS;
    if (state === 'ended' || isStale) {
      await free(path, seen.token);
      continue;
    }
    const isUncertain = state === 'elsewhere' && !watched.isAlive;
    if (now >= deadline && !isUncertain) return { state, ...(seen.holder ? { holder: seen.holder } : {}) };
    const left = isUncertain ? STALE_MS : deadline - now;
    await clock.sleep(Math.max(1, Math.min(RETRY_MS, left)));
  }
}

/** What to throw where a lock cannot be taken. */
export interface LockFailures {
  /** For the system's error on a folder that cannot be written to. */
  system: (cause: unknown) => Error;
  /** @param text who holds it; @param hint what a person can do about it */
  refused: (text: string, hint: string, refusal: Refusal) => Error;
}

/** Takes a lock as {@link takeLock} does, or throws what `failures` make of the reason. */
export async function holdLock(
  path: string,
  options: LockOptions,
  { system, refused }: LockFailures,
): Promise<HeldLock> {
  const outcome = await takeLock(path, options).catch((cause: unknown) => {
    throw system(cause);
  });
  if ('lost' in outcome) return outcome;
  throw refused(holderText(outcome), holderHint(outcome), outcome);
}

/** Who holds a lock: `process 7 on host, since 2026-11-26T09:30:00.000Z, which is stopped,`. */
function holderText({ holder, state }: Refusal): string {
  if (!holder) return 'another run';
  const stopped = state === 'stopped' ? ' which is stopped,' : '';
  return `process ${holder.pid} on ${holder.host}, since ${holder.since},${stopped}`;
}

/** What a person can do about it. */
function holderHint({ holder, state }: Refusal): string {
  if (state === 'stopped' && holder) {
    return `resume it (fg, or kill -CONT ${holder.pid}) or terminate it, then run the same command again`;
  }
  return 'wait until it has finished, then run the same command again; the lock is released when the process exits';
}
