import { AppError } from '../../../platform/errors.js';
import type { Notice } from '../../../findings/notice.js';
import { runCommand, type Command } from '../../../trust/run-command.js';

/**
 * Runs the user's command with the notice as JSON on its standard input.
 * @throws AppError `NotificationFailed`
 */
export async function run(command: Command, notice: Notice, timeoutMs: number): Promise<void> {
  try {
    await runCommand(command, {
      input: `${JSON.stringify(notice)}\n`,
      env: { APIGW_CERT_LEVEL: notice.level, APIGW_CERT_SUMMARY: notice.summary },
      timeout: `${timeoutMs}ms`,
    });
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw new AppError('NotificationFailed', `the notification failed: ${cause.message}`, {
      hint: 'the next check retries the notification',
      cause,
      details: cause.details,
    });
  }
}
