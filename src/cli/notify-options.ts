import type { Command } from 'commander';
import type { ExpiryReport } from '../app/check-expiry.js';
import type { LoadedConfiguration } from '../app/config/load.js';
import type { Notification } from '../app/config/schema.js';
import { AppError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import type { CommonOptions } from './context.js';
import { collect } from './command.js';
import { counted, summaryLine } from './formats/summary.js';
import type { Output } from './output.js';

/** Options of telling people about changes. */
export interface NotifyOptions {
  notify?: string[];
  notifyState?: string;
  notifyDryRun?: boolean;
}

export function addNotifyOptions(command: Command): Command {
  return command
    .option(
      '--notify <way>',
      'tell of each change once: sns:ARN, webhook:URL or command:LINE; may be repeated',
      collect,
    )
    .option('--notify-state <file>', 'where it is kept what was told (default: in the state directory)')
    .option('--notify-dry-run', 'show what would be told, and to whom');
}

/**
 * Who is to be told, by the flags, or by the configuration when there are none.
 * @throws AppError `Usage`
 */
export async function waysOf(
  { notify }: NotifyOptions,
  configuration: LoadedConfiguration | undefined,
): Promise<Notification[]> {
  if (notify === undefined) return configuration?.notify ?? [];
  const { parseNotification } = await import('../app/notify/notifier.js');
  return notify.map(parseNotification);
}

/**
 * Tells of what has changed since the last time.
 * @param question what tells this check apart from others, so that each remembers its own
 * @returns whether everybody was told who had to be; what went wrong is said on stderr
 */
export async function tellChanges(
  report: ExpiryReport,
  question: unknown,
  ways: readonly Notification[],
  options: NotifyOptions & CommonOptions,
  out: Output,
): Promise<boolean> {
  const { notifyState, notifyDryRun: dryRun = false, profile } = options;
  if (ways.length === 0) return true;
  const { notifierFor } = await import('../app/notify/notifier.js');
  const { tell } = await import('../app/notify/tell.js');
  const { toldStateFile } = await import('../app/notify/told-state.js');
  // Several profiles name accounts to look into; none of them is the one that may tell.
  const single = profile === undefined || profile.includes(',') ? {} : { profile };
  const notifiers = ways.map((way) => notifierFor(way, single));
  try {
    const { changes, notice, failures } = await tell(report, {
      notifiers,
      stateFile: notifyState ?? toldStateFile([question, ways]),
      dryRun,
      summary: `${report.level.toUpperCase()}: ${summaryLine(report)}`,
    });
    if (dryRun) {
      const names = notifiers.map(({ name }) => name).join(', ');
      const words = notice && `would tell ${names}:\n${notice.text}`;
      out.note(words ?? 'nothing has changed: nobody would be told');
    } else if (changes.length > 0 && failures.length === 0) {
      out.note(`told of ${counted(changes.length, 'change')}`);
    }
    failures.forEach(warnOf);
    return failures.length === 0;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    warnOf(error);
    return false;
  }

  function warnOf({ message, hint }: AppError): void {
    out.warn(`${printable(message)}${hint === undefined ? '' : `; ${hint}`}`);
  }
}
