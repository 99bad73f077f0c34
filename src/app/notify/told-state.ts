import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { AppError } from '../../core/errors.js';
import type { ToldState } from '../../core/notice.js';
import { makePrivateDirectory, stateDirectory } from '../../journal/state-directory.js';
import { writeFileAtomically } from '../write-file.js';

const schema = z.strictObject({
  version: z.literal(1),
  told: z.record(z.string(), z.enum(['ok', 'warning', 'critical', 'unknown'])),
});

/**
 * Where it is kept what was told, unless the user says where. Checks that look at different things (two lines of a
 * crontab) have files of their own: `question` is anything that tells them apart.
 */
export function toldStateFile(question: unknown): string {
  const name = createHash('sha256').update(JSON.stringify(question)).digest('hex').slice(0, 16);
  return join(stateDirectory(), 'told', `${name}.json`);
}

/**
 * What was told last; nothing when there is no file yet.
 * @throws AppError `FileNotReadable` for a file that is not ours
 */
export async function readToldState(file: string): Promise<ToldState> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw unreadable(file, cause);
  }
  try {
    return schema.parse(JSON.parse(text)).told;
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(file: string, cause: unknown): AppError {
  return new AppError('FileNotReadable', `what was told before cannot be read from ${file}`, {
    hint: 'take the file away to be told of everything anew',
    cause,
    details: { file },
  });
}

/** @throws AppError `FileNotWritable` */
export async function writeToldState(file: string, told: ToldState): Promise<void> {
  await makePrivateDirectory(dirname(file));
  await writeFileAtomically(file, `${JSON.stringify({ version: 1, told }, null, 2)}\n`, { mode: 0o600 });
}
