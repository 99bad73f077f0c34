import { mkdir, open, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { AppError } from './errors.js';

/**
 * Where this user's state is kept: `$XDG_STATE_HOME/apigw-cert`, by default `~/.local/state/apigw-cert`. A relative
 * `XDG_STATE_HOME` is ignored, as the XDG base directory specification demands.
 */
export function stateDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_STATE_HOME'];
  return join(base && isAbsolute(base) ? base : join(homedir(), '.local', 'state'), 'apigw-cert');
}

/** Makes new or removed entries of a directory survive a power cut. Windows cannot open directories, nor needs to. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a directory and its parents for this user alone (0700), durably. */
export async function makePrivateDirectory(directory: string): Promise<void> {
  try {
    // Not recursive: below /proc, and wherever else mkdir answers ENOENT for good, Node would try for ever.
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const parent = dirname(directory);
    if (code === 'EEXIST' && (await stat(directory)).isDirectory()) return;
    if (code !== 'ENOENT' || parent === directory || (await isThere(parent))) throw error;
    await makePrivateDirectory(parent);
    await makePrivateDirectory(directory);
    return;
  }
  await syncDirectory(dirname(directory));
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The error for a state directory that does not take what must be written, named by the file it happened at. */
export function notWritable(file: string, cause: unknown): AppError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  return new AppError('JournalNotWritable', `${file} cannot be written (${code})`, {
    hint:
      code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
        ? 'free some space and run the same command again, or set XDG_STATE_HOME to another directory'
        : 'make the directory writable for this user, or set XDG_STATE_HOME to one that is',
    cause,
    details: { file },
  });
}
