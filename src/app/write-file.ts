import { readlink, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { notWritable, replaceFile } from '../trust/replace-file.js';

const code = (cause: unknown): string | undefined => (cause as NodeJS.ErrnoException).code;

/** The file that a path means: symbolic links are followed, also to a file that does not exist yet. */
async function target(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    if (code(cause) !== 'ENOENT') throw cause;
  }
  try {
    return await target(resolve(dirname(path), await readlink(path)));
  } catch (cause) {
    // EINVAL: not a link.
    if (code(cause) === 'ENOENT' || code(cause) === 'EINVAL') return resolve(path);
    throw cause;
  }
}

/** A pipe or a device (`/dev/stdout`, `/dev/null`), which is written to and must never be replaced. */
async function isSpecial(path: string): Promise<boolean> {
  try {
    const file = await stat(path);
    return !file.isFile() && !file.isDirectory();
  } catch (cause) {
    if (code(cause) === 'ENOENT') return false;
    throw cause;
  }
}

/**
 * Writes a whole file: whoever opens it sees the old content or the new, never a part, and an error leaves the old.
 * An existing file keeps its mode and owner, a symbolic link stays a link.
 *
 * @param content text is written as UTF-8
 * @param options.mode of a file that is new, 0644 by default whatever the umask: a certificate is public
 * @throws AppError `FileNotWritable`
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  { mode = 0o644 }: { mode?: number } = {},
): Promise<void> {
  const octets = typeof content === 'string' ? Buffer.from(content) : content;
  let file: string;
  try {
    file = await target(path);
    if (await isSpecial(file)) {
      await writeFile(file, octets);
      return;
    }
  } catch (cause) {
    throw notWritable(path, cause);
  }
  await replaceFile(file, octets, () => Promise.resolve(), mode);
}
