import type { Command } from 'commander';
import { parseDuration } from '../../platform/duration.js';
import { AppError, EXIT } from '../../platform/errors.js';
import { sourceName } from '../../settings/accounts.js';
import { printable } from '../../platform/printable.js';
import { action, command } from '../../terminal/command.js';
import type { KeptUnused } from './run.js';
import type { KeptReason } from './rules.js';
import { listText } from '../../platform/list-text.js';
import { askYes } from '../../terminal/ask.js';
import { addFleetOptions, fleetFor, type FleetOptions } from '../../terminal/fleet-options.js';
import { counted } from '../../platform/counted.js';
import { withProgress } from '../../terminal/progress.js';
import { timeText } from '../../findings/formats/time-text.js';
import { reportUnknown } from '../../terminal/unknown-sources.js';

interface Options extends FleetOptions {
  olderThan: string;
  dryRun?: boolean;
  yes?: boolean;
}

const REASONS = { expired: 'expired', abortedRotation: 'aborted rotation' } as const;

export function pruneCommand(): Command {
  const made = command('prune', 'Delete unused certificates that have expired or that a rotation left behind')
    .option('--older-than <duration>', 'time since they expired, or since the rotation created them', '30d')
    .option('--dry-run', 'only show them; the default without a terminal')
    .option('--yes', 'delete them without a prompt; required without a terminal');
  return addFleetOptions(made).action(
    action<Options>(async ({ options, out, now }) => {
      const olderThan = parseDuration(options.olderThan);
      const { dryRun = false, yes = false } = options;
      if (dryRun && yes) {
        throw new AppError('Usage', '--dry-run and --yes cannot be used together', {
          hint: 'specify one of them',
        });
      }
      const { fleet, accounts } = await fleetFor(options);
      const { list } = await import('../../control-plane/list.js');
      const { prunable, prune } = await import('./run.js');
      const { items, sources } = await withProgress(options, (progress) =>
        list(fleet, accounts, { usage: true }, now, progress),
      );
      await reportUnknown(sources, fleet, out);
      const { candidates, kept } = prunable(items, olderThan, now());
      const { table } = await import('../../terminal/table.js');
      const shown = table(
        ['ID', 'WHY', 'CREATED', 'EXPIRES', 'WHERE', 'DESCRIPTION'],
        candidates.map((each) => [
          printable(each.clientCertificateId),
          REASONS[each.reason],
          timeText(each.createdDate),
          timeText(each.notAfter),
          printable(sourceName(each)),
          printable(each.description ?? ''),
        ]),
      );
      const nobodyToAsk = !yes && !process.stdin.isTTY;
      if (candidates.length === 0 || dryRun || nobodyToAsk) {
        out.result({ items: candidates, deleted: [], failed: [] }, () =>
          candidates.length === 0
            ? ['nothing to prune', ...keptLines(kept, options.olderThan)].join('\n')
            : shown,
        );
        if (candidates.length > 0) {
          out.note(`nothing was deleted; ${dryRun ? 'omit --dry-run' : 'add --yes'} to delete them`);
        }
        return;
      }
      if (!yes) {
        process.stderr.write(`${shown}\n`);
        if (!(await askYes(`Delete ${counted(candidates.length, 'certificate')}?`))) {
          throw new AppError('NotConfirmed', 'nothing was deleted', { hint: 'answer yes to delete them' });
        }
      }
      const pruned = await prune(fleet, accounts, candidates, now);
      const failed = pruned.filter(({ error }) => error !== undefined);
      const deleted = pruned.filter(({ error }) => error === undefined);
      for (const { clientCertificateId, error } of failed) {
        out.warn(
          `${printable(clientCertificateId)} could not be deleted: ${printable(error?.message ?? '')}`,
        );
      }
      out.result({ items: candidates, deleted, failed }, () =>
        [
          ...deleted.map(
            (each) => `deleted ${printable(each.clientCertificateId)} in ${printable(sourceName(each))}`,
          ),
        ].join('\n'),
      );
      if (failed.length > 0) out.exitWith(EXIT.failed);
    }),
  );
}

/** What else nothing presents, and why that is not deleted: whoever counts unused certificates in a list asks. */
function keptLines(kept: readonly KeptUnused[], olderThan: string): string[] {
  const why: Readonly<Record<KeptReason, string>> = {
    valid: 'unused but still valid; delete those that are not needed with `apigw-cert delete`',
    expiredRecently: `unused and expired less than ${printable(olderThan)} ago`,
    rotationInProgress: 'unused but part of a rotation in progress',
  };
  return (['valid', 'expiredRecently', 'rotationInProgress'] as const).flatMap((reason) => {
    const ids = kept
      .filter((one) => one.kept === reason)
      .map(({ clientCertificateId }) => clientCertificateId);
    return ids.length === 0
      ? []
      : [`  ${counted(ids.length, 'certificate')} ${why[reason]}: ${listText(ids.map(printable))}`];
  });
}
