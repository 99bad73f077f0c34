import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

interface Ownership {
  mode: number;
  uid?: number;
  gid?: number;
}

/** Whose the file is; a new one is its maker's, where one may be made. */
async function ownership(path: string, newFileMode: number | undefined): Promise<Ownership> {
  try {
    return await stat(path);
  } catch (cause) {
    if (newFileMode === undefined || (cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    return { mode: newFileMode };
  }
}

export interface Replacement {
  /** Runs at the last moment, and may throw to leave everything as it was. */
  beforeRename?: () => Promise<void>;
  /** The mode of a file that does not exist yet; without it, such a file is an error (`ENOENT`). */
  newFileMode?: number | undefined;
}

/**
 * Replaces a file in one step: whoever opens it sees the old or the new octets, never a part. Mode and owner stay.
 *
 * Our own, since write-file-atomic 7 ignores a short write: on a disk with 12 KiB left it puts the first 12 KiB of
 * 20 in place and reports success.
 *
 * @param path no symbolic link: resolve it first
 * @throws the system's error, or what `beforeRename` throws
 */
export async function replaceAtomically(
  path: string,
  content: string | Uint8Array,
  { beforeRename, newFileMode }: Replacement = {},
): Promise<void> {
  // Hidden, so that a server's `include *.conf` or a folder of certificates does not pick it up.
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    const { mode, uid, gid } = await ownership(path, newFileMode);
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      const own = await file.stat();
      if (uid !== undefined && gid !== undefined && (own.uid !== uid || own.gid !== gid)) {
        await file.chown(uid, gid);
      }
      await file.chmod(mode & 0o7777);
      await file.sync();
    } finally {
      await file.close();
    }
    await beforeRename?.();
    await rename(temporary, path);
    const folder = await open(dirname(path));
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } finally {
    // Gone where it took the file's place; and what could not be made must not hide why.
    await rm(temporary).catch(() => undefined);
  }
}
