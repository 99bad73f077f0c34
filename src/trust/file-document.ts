import { access, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../core/errors.js';
import type { TextDocument } from './document.js';
import { exclusively } from './exclusively.js';
import { notWritable, replaceFile } from './replace-file.js';

/** One octet a character, so that a comment in any encoding comes through unchanged. All that we write is ASCII. */
const ENCODING = 'latin1';

function unreadable(path: string, cause: unknown): AppError {
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
    return await readFile(path, ENCODING);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** A hidden neighbour of the file, for what this tool has to remember about it. */
async function neighbour(path: string, suffix: string): Promise<string> {
  const file = await target(path);
  return join(dirname(file), `.${basename(file)}.apigw-cert-${suffix}`);
}

const NOTE = 'apigw-cert changed the file of this name and was stopped before the server took it over.\n';

/** A file as a document: replaced atomically, with mode, owner and symbolic links kept. */
export function fileDocument(path: string): TextDocument {
  const marker = (): Promise<string> => neighbour(path, 'unfinished');
  return {
    read: async () => ({ text: await readText(await target(path)) }),

    async write(text, expected, beforeEffect) {
      const file = await target(path);
      await replaceFile(file, Buffer.from(text, ENCODING), async () => {
        // First, since it may take minutes in which others write.
        await beforeEffect();
        if ((await readText(file)) === expected.text) return;
        throw new AppError('TrustStoreFailed', 'somebody else changed it at the same moment', {
          hint: 'their change was kept; run the same command again',
          details: { file },
        });
      });
      return { text };
    },

    exclusively: async (work) => exclusively(await target(path), await neighbour(path, 'lock'), work),

    unfinished: {
      isMarked: async () =>
        access(await marker()).then(
          () => true,
          () => false,
        ),
      mark: async () => {
        await writeFile(await marker(), NOTE).catch((cause: unknown) => {
          throw notWritable(path, cause);
        });
      },
      clear: async () => {
        await rm(await marker(), { force: true });
      },
    },
  };
}
