import { type FSWatcher, statSync, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Events of one change come in bursts, and a file that is written in place needs a moment to be whole. */
const SETTLE_MS = 50;
/** For what the events miss: a network file system, a symlink's target in another directory, no inotify watch left. */
const POLL_MS = 2_000;

/**
 * Calls `changed` whenever `path` leads to another file, or a file with other content, than at the last look; also when
 * it vanishes and when it comes back. The first look is taken before this returns. Never keeps the process alive.
 *
 * The directory is watched and not the file: an atomic write puts a new inode in the file's place, and Kubernetes
 * swaps the symlink `..data` beside it.
 *
 * @returns A function that stops the watching.
 */
export function watchFile(path: string, changed: () => Promise<void>): () => void {
  let seen = identity(statSync(path, { bigint: true, throwIfNoEntry: false }));
  let settling: NodeJS.Timeout | undefined;
  let looking = false;
  let stopped = false;

  // The first event starts the timer and later ones do not put it off: a busy directory must not starve it.
  const lookSoon = (): void => {
    if (!stopped) settling ??= setTimeout(() => void look(), SETTLE_MS).unref();
  };

  const look = async (): Promise<void> => {
    settling = undefined;
    if (looking) {
      lookSoon();
      return;
    }
    looking = true;
    try {
      // Before the reading: a write in between then shows as a difference at the next look.
      const current = identity(await stat(path, { bigint: true }).catch(() => undefined));
      if (stopped || current === seen) return;
      seen = current;
      await changed();
    } finally {
      looking = false;
    }
  };

  const watcher = watchDirectory(dirname(path), lookSoon);
  const poll = setInterval(lookSoon, POLL_MS).unref();
  return () => {
    stopped = true;
    watcher?.close();
    clearInterval(poll);
    clearTimeout(settling);
  };
}

function watchDirectory(directory: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, changed);
    watcher.on('error', () => {
      watcher.close(); // the poll goes on
    });
    return watcher;
  } catch {
    return undefined; // no watches on this file system, or none left: the poll does it alone
  }
}

interface FileStat {
  dev: bigint;
  ino: bigint;
  size: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
}

function identity(file: FileStat | undefined): string {
  return file ? [file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join(':') : 'missing';
}
