import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { AppError } from '../core/errors.js';

/** What the user named, and how to call it in a message. */
export interface Input {
  bytes: Uint8Array;
  name: string;
}

/** 50 times the largest bundle there is reason to expect: whatever is larger is the wrong file. */
const MOST_BYTES = 64 * 1024 * 1024;

/** A name that has to be a path: an id has neither separators nor an extension. */
const PATH_LIKE = /[/\\.]/;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder, not a file',
};

/**
 * Reads `-` as stdin, and a file where there is one. `undefined` for what is no file and could be an id.
 * @param hint what to specify instead of a file that cannot be read
 * @throws AppError `FileNotReadable`
 */
export async function readInput(
  target: string,
  hint = 'specify a certificate file, an id as `apigw-cert list` shows it, or - for stdin',
): Promise<Input | undefined> {
  if (target === '-') return { bytes: await readAll(process.stdin, 'stdin'), name: 'stdin' };
  try {
    return { bytes: await readAll(createReadStream(target), target), name: target };
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    if (code === 'ENOENT' && (!PATH_LIKE.test(target) || target.startsWith('arn:'))) return undefined;
    throw new AppError('FileNotReadable', `${target} ${REASONS[code] ?? `cannot be read (${code})`}`, {
      cause,
      hint,
      details: { file: target },
    });
  }
}

/** A pipe or a device tells no size beforehand, and may never end. */
async function readAll(stream: Readable, name: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) {
      throw new AppError('FileNotReadable', `${name} is too large for a file of certificates`, {
        hint: 'name the file that the certificate is in: it has a few thousand characters',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
