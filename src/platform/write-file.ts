import { access, constants, readFile, readlink, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AppError } from './errors.js';
import { notWritable, replaceFile } from './replace-file.js';

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
 * Finds out whether a file may be written, before anything is done whose result it is to hold. What is there already,
 * also behind a link, may be what a backend trusts: it is replaced only when that was asked for.
 *
 * @param options.replace whether a file that exists may be replaced
 * @param options.content what is to be written, where it is known: a file that holds just that is as good as written
 * @throws AppError `FileNotWritable`
 */
export async function assertWritable(
  path: string,
  { replace, content }: { replace: boolean; content?: Uint8Array },
): Promise<void> {
  const { W_OK, X_OK } = constants;
  try {
    const file = await target(path);
    const found = await stat(file).catch((cause: unknown) => {
      if (code(cause) !== 'ENOENT') throw cause;
    });
    if (found?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    if (found !== undefined && !found.isFile()) {
      await access(file, W_OK);
      return;
    }
    if (found !== undefined && found.size > 0 && !replace) await assertSame(path, found.size, content);
    await access(dirname(file), W_OK | X_OK);
  } catch (cause) {
    throw cause instanceof AppError ? cause : notWritable(path, cause);
  }
}

async function assertSame(path: string, size: number, content: Uint8Array | undefined): Promise<void> {
  if (content?.length === size && Buffer.compare(await readFile(path), content) === 0) return;
  throw new AppError('FileNotWritable', `${path} exists already`, {
    hint: 'specify another file, or add --force to replace it; to add to a trust store, see apigw-cert backend add',
    details: { file: path },
  });
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
