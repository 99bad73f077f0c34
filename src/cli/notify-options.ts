import type { Command } from 'commander';
import type { ExpiryReport } from '../app/check-expiry.js';
import type { Configuration, Notification } from '../settings/schema.js';
import { AppError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import type { CommonOptions } from './context.js';
import { collect } from './command.js';
import { counted } from './counted.js';
import { summaryLine } from './formats/summary.js';
import { asAppError, type Output } from './output.js';

/** Options of telling people about changes. */
export interface NotifyOptions {
  notify?: string[];
  notifyState?: string;
  notifyDryRun?: boolean;
}

export function addNotifyOptions(command: Command): Command {
  return command
    .option(
      '--notify <channel>',
      'send a notification when the state of a certificate changes: sns:ARN, webhook:URL or command:LINE; may be repeated',
      collect,
    )
    .option('--notify-state <file>', 'file that records what has been sent (default: in the state directory)')
    .option('--notify-dry-run', 'show the notifications that would be sent');
}

/**
 * Who is to be told, by the flags, or by the configuration when there are none.
 * @throws AppError `Usage`
 */
export async function waysOf(
  { notify }: NotifyOptions,
  configuration: Pick<Configuration, 'notify'> | undefined,
): Promise<Notification[]> {
  if (notify === undefined) return configuration?.notify ?? [];
  const { parseNotification } = await import('../app/notify/notifier.js');
  return notify.map(parseNotification);
}

/**
 * Tells of what has changed since the last time. What goes wrong is said on stderr, and never disturbs the result.
 * @param question what tells this check apart from others, so that each remembers its own
 * @returns why somebody was not told who had to be
 */
export async function tellChanges(
  report: ExpiryReport,
  question: unknown,
  ways: readonly Notification[],
  options: NotifyOptions & CommonOptions,
  out: Output,
): Promise<AppError[]> {
  const { notifyState, notifyDryRun: dryRun = false, profile } = options;
  if (ways.length === 0) {
    if (!dryRun) return [];
    throw new AppError('Usage', '--notify-dry-run requires a notification target', {
      hint: 'add --notify, or `notify:` in apigw-cert.yaml',
    });
  }
  const { notifierFor } = await import('../app/notify/notifier.js');
  const { tell } = await import('../app/notify/tell.js');
  const { toldStateFile } = await import('../app/notify/told-state.js');
  // Several profiles name accounts to look into; none of them is the one that may tell.
  const single = profile === undefined || profile.includes(',') ? {} : { profile };
  const notifiers = ways.map((way) => notifierFor(way, single));
  try {
    const told = await tell(report, {
      notifiers,
      stateFile: notifyState ?? toldStateFile([question, ways]),
      dryRun,
      summary: `${report.level.toUpperCase()}: ${summaryLine(report)}`,
    });
    for (const { way, changes, notice, failure } of told) {
      if (failure) warnOf(failure);
      else if (dryRun && notice) out.note(`would notify ${way}:\n${notice.text}`);
      else if (notice) out.note(`notified ${way} of ${counted(changes.length, 'change')}`);
    }
    if (dryRun && told.every(({ notice }) => notice === undefined)) {
      out.note('nothing has changed: no notification would be sent');
    }
    return told.flatMap(({ failure }) => failure ?? []);
  } catch (thrown) {
    const error = asAppError(thrown);
    warnOf(error);
    return [error];
  }

  function warnOf({ message, hint }: AppError): void {
    out.warn(`${printable(message)}${hint === undefined ? '' : `; ${hint}`}`);
  }
}
