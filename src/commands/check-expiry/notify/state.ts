import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { AppError } from '../../../platform/errors.js';
import { noticeParts, type NotificationState } from '../../../findings/notice.js';
import { makePrivateDirectory, notWritable, stateDirectory } from '../../../platform/state-directory.js';
import { readRegularFile } from '../../../platform/read-regular-file.js';
import { writeFileAtomically } from '../../../platform/write-file.js';

/** The state last notified through each channel, by the key of the channel. */
export type StateByChannel = Readonly<Record<string, NotificationState>>;

const identity = z.string().check(z.refine((key) => noticeParts(key) !== undefined));
const schema = z.strictObject({
  version: z.literal(2),
  told: z.record(z.string(), z.record(identity, z.enum(['ok', 'warning', 'critical', 'unknown']))),
});

/** Distinguishes things without showing them: a channel may contain a secret. */
export function stateKey(what: unknown): string {
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);
}

/**
 * The file that records what has been sent, unless the user specifies one. Checks of different things (two lines of a
 * crontab) have files of their own: `question` is anything that distinguishes them. The folder has a former name.
 */
export function notificationStateFile(question: unknown): string {
  return join(stateDirectory(), 'told', `${stateKey(question)}.json`);
}

/**
 * What was sent last; nothing when there is no file yet.
 * @throws AppError `FileNotReadable` for a file that is not ours
 */
export async function readNotificationState(file: string): Promise<StateByChannel> {
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
  return new AppError('FileNotReadable', `the notification state in ${file} cannot be read`, {
    hint: 'delete the file; the next check then sends all notifications again',
    cause,
    details: { file },
  });
}

/** @throws AppError `FileNotWritable`, `JournalNotWritable` for its folder */
export async function writeNotificationState(file: string, notified: StateByChannel): Promise<void> {
  try {
    await makePrivateDirectory(dirname(file));
  } catch (cause) {
    throw notWritable(dirname(file), cause);
  }
  await writeFileAtomically(file, `${JSON.stringify({ version: 2, told: notified }, null, 2)}\n`, {
    mode: 0o600,
  });
}
