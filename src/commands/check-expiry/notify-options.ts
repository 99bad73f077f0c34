import type { Command } from 'commander';
import type { ExpiryReport } from '../../findings/check-expiry.js';
import type { Configuration, Notification } from '../../settings/schema.js';
import { AppError } from '../../platform/errors.js';
import { printable } from '../../platform/printable.js';
import type { CommonOptions } from '../../terminal/context.js';
import { STATE_SETTINGS } from '../../settings/table.js';
import { collect, settingOption } from '../../terminal/command.js';
import { counted } from '../../platform/counted.js';
import { summaryLine } from '../../findings/formats/summary.js';
import { asAppError, type Output } from '../../terminal/output.js';
import type { State } from '../../rotation/journal/state.js';
import type { StateOptions } from '../../terminal/state.js';

/** Options for notifications of changes. */
export interface NotifyOptions extends StateOptions {
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
    .option('--notify-state <file>', 'file that records what has been sent (default: in the state)')
    .addOption(settingOption(STATE_SETTINGS.state))
    .option('--notify-dry-run', 'show the notifications that would be sent');
}

/**
 * The channels that the flags specify, or the configuration if there are none.
 * @throws AppError `Usage`
 */
export async function channelsOf(
  { notify }: NotifyOptions,
  configuration: Pick<Configuration, 'notify'> | undefined,
): Promise<Notification[]> {
  if (notify === undefined) return configuration?.notify ?? [];
  const { parseNotification } = await import('./notify/notifier.js');
  return notify.map(parseNotification);
}

/**
 * Sends notifications of what has changed since the last time. Failures are warnings on stderr and never change the result.
 * @param question what distinguishes this check from others, so that each has its own state
 * @param openState where it is recorded what was sent
 * @returns the notifications that could not be delivered
 */
export async function notifyChanges(
  report: ExpiryReport,
  question: unknown,
  channels: readonly Notification[],
  options: NotifyOptions & CommonOptions,
  openState: () => Promise<State>,
  out: Output,
): Promise<AppError[]> {
  const { notifyState, notifyDryRun: dryRun = false, profile } = options;
  if (channels.length === 0) {
    if (!dryRun) return [];
    throw new AppError('Usage', '--notify-dry-run requires a notification target', {
      hint: 'add --notify, or `notify:` in apigw-cert.yaml',
    });
  }
  const { notifierFor } = await import('./notify/notifier.js');
  const { notify } = await import('./notify/notify.js');
  const { stateKey } = await import('./notify/state.js');
  // Several profiles name accounts to look into; none of them is the one that may notify.
  const single = profile === undefined || profile.includes(',') ? {} : { profile };
  const { fileMemo } = await import('../../rotation/journal/state.js');
  const notifiers = channels.map((channel) => notifierFor(channel, single));
  try {
    const state = await openState();
    const results = await notify(report, {
      notifiers,
      memo: notifyState === undefined ? state.memo(stateKey([question, channels])) : fileMemo(notifyState),
      lease: state.lease,
      dryRun,
      summary: `${report.level.toUpperCase()}: ${summaryLine(report)}`,
    });
    for (const { channel, changes, notice, failure } of results) {
      if (failure) warnOf(failure);
      else if (dryRun && notice) out.note(`would notify ${channel}:\n${notice.text}`);
      else if (notice) out.note(`notified ${channel} of ${counted(changes.length, 'change')}`);
    }
    if (dryRun && results.every(({ notice }) => notice === undefined)) {
      out.note('nothing has changed: no notification would be sent');
    }
    return results.flatMap(({ failure }) => failure ?? []);
  } catch (thrown) {
    const error = asAppError(thrown);
    warnOf(error);
    return [error];
  }

  function warnOf({ message, hint }: AppError): void {
    out.warn(`${printable(message)}${hint === undefined ? '' : `; ${hint}`}`);
  }
}
