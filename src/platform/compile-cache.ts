import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { cacheDirectory } from './cache-directory.js';
import { keepCode } from './code-cache.js';

/** Keeps compiled code in that directory. */
type KeepCode = (directory: string) => unknown;

/** Node.js has its own from 22.1 on. */
const { enableCompileCache = keepCode } = module as { enableCompileCache?: KeepCode };

/**
 * Keeps this version's compiled code, which is a third of a short command's time. What is in the cache is run,
 * so it is used only where nobody else can write: a directory of this user alone, in one that is this user's too.
 * Without such a place nothing is kept.
 *
 * @param version the directory of another version goes when that of this one is made
 */
export function useCompileCache(
  version: string,
  env: NodeJS.ProcessEnv = process.env,
  keep: KeepCode = enableCompileCache,
): void {
  const isSet = ['NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE'].some((name) => env[name] !== undefined);
  if (isSet || !process.getuid) return;
  try {
    // Throws for a user without a home, as in containers.
    const parent = join(cacheDirectory(env), 'compile');
    const directory = join(parent, version);
    const isNew = makeOwn(directory);
    if (!isOwn(directory)) return;
    if (isNew) {
      for (const other of readdirSync(parent)) {
        if (other !== version) rmSync(join(parent, other), { recursive: true, force: true });
      }
    }
    keep(directory);
  } catch {
    // It is as quick as it was.
  }
}

/**
 * Makes the directory and those above it that are missing, for this user alone; below a directory of
 * another user (such as the home of a user who calls sudo) none is made.
 * @returns whether the directory is new
 */
function makeOwn(directory: string): boolean {
  try {
    lstatSync(directory);
    return false;
  } catch {
    const parent = dirname(directory);
    if (parent === directory) return false;
    makeOwn(parent);
    if (lstatSync(parent).uid !== process.getuid?.()) return false;
    mkdirSync(directory, { mode: 0o700 });
    return true;
  }
}

function isOwn(directory: string): boolean {
  const found = lstatSync(directory);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
}
