import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { AppError } from '../../../platform/errors.js';
import { noticeParts, type NotificationState } from '../../../findings/notice.js';
import type { Memo } from '../../../rotation/journal/state.js';

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
 * What was sent last; nothing when nothing has been written yet.
 * @throws AppError `FileNotReadable` for what is not ours, and for a file that cannot be read
 */
export async function readNotificationState(memo: Memo): Promise<StateByChannel> {
  let text: string | undefined;
  try {
    text = await memo.read();
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw unreadable(memo, cause);
  }
  if (text === undefined) return {};
  try {
    return schema.parse(JSON.parse(text)).told;
  } catch (cause) {
    throw unreadable(memo, cause);
  }
}

function unreadable({ name, remedy }: Memo, cause: unknown): AppError {
  return new AppError('FileNotReadable', `the notification state in ${name} cannot be read`, {
    hint: `${remedy}; the next check then sends all notifications again`,
    cause,
    details: { file: name },
  });
}

/** @throws AppError `FileNotWritable`, `JournalNotWritable` for a folder, and what a shared state throws */
export function writeNotificationState(memo: Memo, notified: StateByChannel): Promise<void> {
  return memo.write(`${JSON.stringify({ version: 2, told: notified }, null, 2)}\n`);
}
