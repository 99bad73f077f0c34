/** Journals of rotations that have ended are history: after a while they go. */
import { callerText, type Caller } from '../../control-plane/caller.js';
import { AppError, type ErrorCode } from '../../platform/errors.js';
import type { RotationOutcome, RotationRecord } from '../rules/record.js';
import type { Journal } from './journal.js';
import type { Lease } from './lease.js';
import { callerOf, sameCaller } from './same-caller.js';

/** A journal that may go. */
export interface PrunableJournal {
  rotationId: string;
  /** ISO 8601, UTC. */
  endedAt: string;
  outcome: RotationOutcome;
}

/** What became of them. */
export interface PrunedJournals {
  deleted: PrunableJournal[];
  /** Those that are still there, and why. */
  failed: (PrunableJournal & { error: { code: ErrorCode; message: string; hint?: string } })[];
}

/** The rotations of the journal that ended before that instant, by their last line. */
export async function prunableJournals(
  journal: Pick<Journal, 'ends'>,
  before: Date,
): Promise<PrunableJournal[]> {
  return (await journal.ends()).flatMap(({ rotationId, ended }) =>
    ended && Date.parse(ended.at) < before.getTime()
      ? [{ rotationId, endedAt: ended.at, outcome: ended.outcome }]
      : [],
  );
}

/** The first record of each, or why it cannot be read, by the rotation's id; nothing for one that has gone meanwhile. */
export type Beginnings = ReadonlyMap<string, Started | AppError>;

type Started = Extract<RotationRecord, { type: 'started' }>;

/** Reads how each of them began, once: a journal is read as a whole, and there can be thousands. */
export async function readBeginnings(
  journal: Pick<Journal, 'read'>,
  candidates: readonly PrunableJournal[],
): Promise<Beginnings> {
  const beginnings = new Map<string, Started | AppError>();
  for (const { rotationId } of candidates) {
    const { records: [first] = [], problem } = (await journal.read(rotationId)) ?? {};
    if (problem) beginnings.set(rotationId, problem);
    else if (first?.type === 'started') beginnings.set(rotationId, first);
    else if (first) beginnings.set(rotationId, ownerless(rotationId));
  }
  return beginnings;
}

const ownerless = (rotationId: string): AppError =>
  new AppError('JournalBroken', `the journal of ${rotationId} does not say whose rotation it is`, {
    hint: 'delete its file by hand if it is no longer needed',
  });

/** Those of them that are rotations in a Region, for all that can be read of them. */
export function inRegion(
  candidates: readonly PrunableJournal[],
  beginnings: Beginnings,
  region: string,
): PrunableJournal[] {
  return candidates.filter(({ rotationId }) => {
    const first = beginnings.get(rotationId);
    return first !== undefined && !(first instanceof AppError) && first.region === region;
  });
}

/** Whose rotation it is. @throws AppError where the journal does not tell, or cannot be read */
function ownerOf(beginnings: Beginnings, rotationId: string): Caller | undefined {
  const first = beginnings.get(rotationId);
  if (first instanceof AppError) throw first;
  if (first === undefined) return undefined;
  const owner = callerOf(first);
  if (owner) return owner;
  throw ownerless(rotationId);
}

/**
 * Deletes journals, each while its account and Region are held, as a run of `rotate` holds them: none is taken away from
 * a run that goes on with it. What cannot be held or read stays, and the others go all the same.
 */
export async function pruneJournals(
  journal: Pick<Journal, 'remove'>,
  lease: Lease,
  candidates: readonly PrunableJournal[],
  beginnings: Beginnings,
): Promise<PrunedJournals> {
  const pruned: PrunedJournals = { deleted: [], failed: [] };
  const keep = (one: PrunableJournal, error: unknown): void => {
    if (!(error instanceof AppError)) throw error;
    const { code, message, hint } = error;
    pruned.failed.push({ ...one, error: { code, message, ...(hint === undefined ? {} : { hint }) } });
  };
  const byOwner = new Map<string, PrunableJournal[]>();
  for (const one of candidates) {
    try {
      const owner = ownerOf(beginnings, one.rotationId);
      if (owner === undefined) continue;
      const key = callerText(owner);
      byOwner.set(key, [...(byOwner.get(key) ?? []), one]);
    } catch (error) {
      keep(one, error);
    }
  }
  for (const [key, ones] of byOwner) {
    const held = await lease.hold(key).catch((error: unknown) => {
      for (const one of ones) keep(one, error);
    });
    if (!held) continue;
    try {
      for (const one of ones) {
        try {
          await held.assertHeld();
          if (!(await journal.remove(one.rotationId))) throw goneOn();
          pruned.deleted.push(one);
        } catch (error) {
          keep(one, error);
        }
      }
    } finally {
      await held.release();
    }
  }
  return pruned;
}

/** Between the look at its last line and now, or right before: a record that was not finished says that more was to come. */
const goneOn = (): AppError =>
  new AppError('JournalBroken', 'a record was torn after its end', {
    hint: 'delete its file by hand if it is no longer needed',
  });

/** So long, in milliseconds, a run of `rotate` leaves the journals of rotations that have ended. */
export const KEPT_MS = 365 * 86_400_000;

/**
 * Deletes what has ended long ago in the caller's own account and Region, whose lease the run holds. History is not worth
 * a rotation: whatever fails is left for the next run, and for `status --prune`, which reports it.
 * @param current the rotation that the run is at work on
 */
export async function pruneOwnJournals(
  journal: Journal,
  caller: Caller,
  { current, now }: { current: string; now: Date },
): Promise<void> {
  try {
    for (const { rotationId } of await prunableJournals(journal, new Date(now.getTime() - KEPT_MS))) {
      if (rotationId === current) continue;
      const [first] = (await journal.read(rotationId))?.records ?? [];
      if (first?.type === 'started' && sameCaller(first, caller)) await journal.remove(rotationId);
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}
