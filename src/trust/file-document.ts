import { realpath, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../platform/errors.js';
import { readRegularFile, UnsuitableFile } from '../platform/read-regular-file.js';
import { changedMeanwhile } from './failures.js';
import { STOPPED, type TextDocument, type UnfinishedMark } from './document.js';
import { exclusively } from '../platform/exclusively.js';
import { notWritable, replaceFile } from '../platform/replace-file.js';

/** One octet a character, so that a comment in any encoding comes through unchanged. All that we write is ASCII. */
const ENCODING = 'latin1';

function unreadable(path: string, cause: unknown): AppError {
  if (cause instanceof UnsuitableFile) {
    return new AppError('TrustStoreUnreadable', `${path} cannot be read: ${cause.message}`, {
      cause,
      hint: 'specify a file with a list of certificates',
      details: { file: path },
    });
  }
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const [what, hint] =
    code === 'ENOENT'
      ? ['does not exist', `check the path; if it is to be new, make it empty first: touch ${path}`]
      : code === 'EISDIR'
        ? ['is a folder, not a file', 'name a file in it']
        : [`cannot be read (${code || String(cause)})`, 'run as a user who may read it'];
  return new AppError('TrustStoreUnreadable', `${path} ${what}`, { cause, hint, details: { file: path } });
}

/** Follows symbolic links, so that the link stays and what it points to is replaced. */
async function target(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function readText(path: string): Promise<string> {
  try {
    return (await readRegularFile(path)).toString(ENCODING);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** A hidden file beside it, for what this tool has to remember about it. @throws AppError `TrustStoreUnreadable` */
export async function sidecar(path: string, suffix: string): Promise<string> {
  const file = await target(path);
  return join(dirname(file), `.${basename(file)}.apigw-cert-${suffix}`);
}

const NOTE = 'apigw-cert changed the file of this name, and its server may not have loaded it.';

/** A mark in a hidden file beside the document: a line for whoever finds it, and a line with time and reason. */
function unfinishedMark(path: string): UnfinishedMark {
  const marker = (): Promise<string> => sidecar(path, 'unfinished');
  return {
    async read() {
      const file = await marker();
      const bytes = await readRegularFile(file).catch((error: unknown) =>
        (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : Buffer.alloc(0),
      );
      if (bytes === undefined) return undefined;
      const text = bytes.toString('utf8');
      const [, since, reason] = /^[^\n]*\n(\d{4}-\S+Z) ([^\n]+)\n$/.exec(text) ?? [];
      return since === undefined || reason === undefined ? { reason: STOPPED } : { since, reason };
    },
    async mark(reason) {
      const text = `${NOTE}\n${new Date().toISOString()} ${reason.replaceAll(/\s+/g, ' ')}\n`;
      // What a command complained of may be for its user alone.
      await writeFile(await marker(), text, { mode: 0o600 }).catch((cause: unknown) => {
        throw notWritable(path, cause);
      });
    },
    async clear() {
      await rm(await marker(), { force: true }).catch((cause: unknown) => {
        throw notWritable(path, cause);
      });
    },
  };
}

/** A file as a document: replaced atomically, with mode, owner and symbolic links kept. */
export function fileDocument(path: string): TextDocument {
  return {
    read: async () => ({ text: await readText(await target(path)) }),

    async write(text, expected, beforeEffect) {
      const file = await target(path);
      await replaceFile(file, Buffer.from(text, ENCODING), async () => {
        // First, since it may take minutes in which others write.
        await beforeEffect();
        if ((await readText(file)) === expected.text) return;
        throw changedMeanwhile({ file });
      });
      return { text };
    },

    exclusively: async (work) => exclusively(await target(path), await sidecar(path, 'lock'), work),

    unfinished: unfinishedMark(path),
  };
}
