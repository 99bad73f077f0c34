import {
  type Beginnings,
  inRegion,
  prunableJournals,
  pruneJournals,
  readBeginnings,
  type PrunableJournal,
  type PrunedJournals,
} from '../../rotation/journal/prune-journals.js';
import { parseDuration } from '../../platform/duration.js';
import { AppError, EXIT } from '../../platform/errors.js';
import { printable } from '../../platform/printable.js';
import type { State } from '../../rotation/journal/state.js';
import type { CommonOptions } from '../../terminal/context.js';
import { counted } from '../../platform/counted.js';
import type { Output } from '../../terminal/output.js';
import { timeText } from '../../findings/formats/time-text.js';

type Options = Pick<CommonOptions, 'region'> & { all?: boolean; dryRun?: boolean };

/** So many of those that stay are named one by one. */
const NAMED = 5;

/**
 * Deletes what the state has of rotations that ended longer ago than that.
 * @throws AppError `Usage`, `FileNotReadable`
 */
export async function pruneStatus(
  age: string,
  options: Options,
  { journal, lease }: State,
  out: Output,
  now: Date,
): Promise<void> {
  const { all = false, dryRun = false, region } = options;
  if (all)
    throw new AppError('Usage', '--all and --prune cannot be used together', { hint: 'specify one of them' });
  const before = new Date(now.getTime() - parseDuration(age));
  const old = await prunableJournals(journal, before);
  // How they began is read only where that decides: all of it takes seconds for thousands of rotations.
  const beginnings: Beginnings =
    dryRun && region === undefined ? new Map() : await readBeginnings(journal, old);
  const candidates = region === undefined ? old : inRegion(old, beginnings, region);
  const pruned: PrunedJournals = dryRun
    ? { deleted: [], failed: [] }
    : await pruneJournals(journal, lease, candidates, beginnings);
  const { deleted, failed } = pruned;
  const where = region === undefined ? '' : ` in ${printable(region)}`;
  const when = `${where} that finished before ${timeText(before)}`;
  for (const { rotationId, error } of failed.slice(0, NAMED))
    out.warn(`the record of ${printable(rotationId)} could not be deleted: ${printable(error.message)}`);
  if (failed.length > NAMED) out.warn(`and ${failed.length - NAMED} more`);
  out.result({ items: candidates, ...pruned }, () =>
    dryRun || candidates.length === 0
      ? candidatesText(candidates, when)
      : `deleted the records of ${counted(deleted.length, 'rotation')}${when}`,
  );
  if (dryRun && candidates.length > 0) out.note('nothing was deleted; omit --dry-run to delete them');
  if (failed.length > 0) out.exitWith(EXIT.failed);
}

const candidatesText = ({ length }: readonly PrunableJournal[], when: string): string =>
  length === 0 ? `no rotation is recorded${when}` : `the records of ${counted(length, 'rotation')}${when}`;
