import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../core/errors.js';

const WHY: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  ENOENT: ['its folder does not exist', 'make the folder first'],
  ENOTDIR: ['a part of its path is a file, not a folder', 'check the path'],
  EISDIR: ['it is a folder, not a file', 'name a file in it'],
  EACCES: ['permission is denied', 'run as a user who may write to its folder'],
  EPERM: ['its owner or mode may not be kept', 'run as its owner, or as root'],
  EROFS: ['the disk is read-only', 'remount it, or name a file on another one'],
  ENOSPC: ['the disk is full', 'make room'],
  EDQUOT: ['the disk quota is used up', 'make room'],
  EBUSY: ['it cannot be replaced', 'if it is mounted into a container as a single file, mount its folder'],
};

/** The sentence for a system error on a file that was to be written. */
export function notWritable(path: string, cause: unknown): AppError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const [what, hint] = WHY[code] ?? [`it cannot be written (${code || String(cause)})`, undefined];
  return new AppError('FileNotWritable', `${path}: ${what}`, {
    cause,
    details: { file: path },
    ...(hint === undefined ? {} : { hint }),
  });
}

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

/**
 * Replaces a file in one step: whoever opens it sees the old or the new octets, never a part. Mode and owner stay.
 * `beforeRename` runs at the last moment and may throw to leave everything as it was. A file that does not exist is
 * an error unless `newFileMode` says with which mode to make it.
 *
 * Our own, since write-file-atomic 7 ignores a short write: on a disk with 12 KiB left it puts the first 12 KiB of
 * 20 in place and reports success.
 *
 * @param path no symbolic link: resolve it first
 * @throws AppError `FileNotWritable`
 */
export async function replaceFile(
  path: string,
  content: Uint8Array,
  beforeRename: () => Promise<void>,
  newFileMode?: number,
): Promise<void> {
  // Hidden, so that a server's `include *.conf` or a folder of certificates does not pick it up.
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  const system = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw notWritable(path, cause);
    }
  };
  try {
    await system(async () => {
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
    });
    await beforeRename();
    await system(async () => {
      await rename(temporary, path);
      const folder = await open(dirname(path));
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    });
  } finally {
    // Gone where it took the file's place; and what could not be made must not hide why.
    await rm(temporary).catch(() => undefined);
  }
}
