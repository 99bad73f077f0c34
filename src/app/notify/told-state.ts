import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { AppError } from '../../core/errors.js';
import { noticeParts, type ToldState } from '../../core/notice.js';
import { makePrivateDirectory, notWritable, stateDirectory } from '../../journal/state-directory.js';
import { readRegularFile } from '../../platform/read-regular-file.js';
import { writeFileAtomically } from '../write-file.js';

/** What was told last by each way, by the way's key. */
export type ToldByWay = Readonly<Record<string, ToldState>>;

const identity = z.string().check(z.refine((key) => noticeParts(key) !== undefined));
const schema = z.strictObject({
  version: z.literal(2),
  told: z.record(z.string(), z.record(identity, z.enum(['ok', 'warning', 'critical', 'unknown']))),
});

/** Tells things apart without showing them: a way to tell people may hold a secret. */
export function toldKey(what: unknown): string {
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);
}

/**
 * Where it is kept what was told, unless the user says where. Checks that look at different things (two lines of a
 * crontab) have files of their own: `question` is anything that tells them apart.
 */
export function toldStateFile(question: unknown): string {
  return join(stateDirectory(), 'told', `${toldKey(question)}.json`);
}

/**
 * What was told last; nothing when there is no file yet.
 * @throws AppError `FileNotReadable` for a file that is not ours
 */
export async function readToldState(file: string): Promise<ToldByWay> {
  let text: string;
  try {
    text = (await readRegularFile(file)).toString('utf8');
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

/** @throws AppError `FileNotWritable`, `JournalNotWritable` for its folder */
export async function writeToldState(file: string, told: ToldByWay): Promise<void> {
  try {
    await makePrivateDirectory(dirname(file));
  } catch (cause) {
    throw notWritable(dirname(file), cause);
  }
  await writeFileAtomically(file, `${JSON.stringify({ version: 2, told }, null, 2)}\n`, { mode: 0o600 });
}
