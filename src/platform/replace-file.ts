import { AppError } from './errors.js';
import { replaceAtomically } from './replace-atomically.js';

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

/**
 * Replaces a file as {@link replaceAtomically} does, and words what the system says against it.
 * @param beforeRename runs at the last moment; what it throws is thrown as it is
 * @throws AppError `FileNotWritable`
 */
export async function replaceFile(
  path: string,
  content: Uint8Array,
  beforeRename: () => Promise<void>,
  newFileMode?: number,
): Promise<void> {
  let refusal: { error: unknown } | undefined;
  try {
    await replaceAtomically(path, content, {
      newFileMode,
      beforeRename: () =>
        beforeRename().catch((error: unknown) => {
          refusal = { error };
          throw error;
        }),
    });
  } catch (cause) {
    throw refusal ? refusal.error : notWritable(path, cause);
  }
}
