import type { Readable } from 'node:stream';
import { AppError } from '../platform/errors.js';
import { MAX_FILE_BYTES, readFileOrStream } from '../platform/read-regular-file.js';

/** What the user named, and how to call it in a message. */
export interface Input {
  bytes: Uint8Array;
  name: string;
}

/** A name that has to be a path: an id has neither separators nor an extension. */
const PATH_LIKE = /[/\\.]/;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'cannot be read by this user',
  EISDIR: 'is a directory, not a file',
  ENOWRITER: 'is a pipe, and nothing has been written to it',
};

/**
 * Reads `-` as stdin, and anything else as a file.
 * @param hint what to specify instead of a file that cannot be read
 * @param kind what the file is meant to be
 * @throws AppError `FileNotReadable`
 */
export async function readInput(target: string, hint: string, kind = 'a certificate file'): Promise<Input> {
  if (target === '-') return { bytes: await readAll(process.stdin, kind), name: 'stdin' };
  try {
    return { bytes: await readFileOrStream(target), name: target };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    if (code === 'EFBIG') throw tooLarge(target, kind);
    throw new AppError('FileNotReadable', `${target} ${REASONS[code] ?? `cannot be read (${code})`}`, {
      cause,
      hint,
      details: { file: target },
    });
  }
}

/**
 * As {@link readInput}, with `undefined` for what is no file and could be an id.
 * @throws AppError `FileNotReadable`
 */
export async function readUnlessId(target: string): Promise<Input | undefined> {
  const hint = 'specify a certificate file, an id as `apigw-cert list` shows it, or - for stdin';
  try {
    return await readInput(target, hint);
  } catch (thrown) {
    const isMissing = ((thrown as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
    if (isMissing && (!PATH_LIKE.test(target) || target.startsWith('arn:'))) return undefined;
    throw thrown;
  }
}

function tooLarge(name: string, kind: string): AppError {
  return new AppError('FileNotReadable', `${name} is too large for ${kind}`, {
    hint: `specify the right file; at most ${MAX_FILE_BYTES / 1024 / 1024} MiB are read`,
  });
}

/** A stream tells no size beforehand, and may never end. */
async function readAll(stream: Readable, kind: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_FILE_BYTES) throw tooLarge('stdin', kind);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
