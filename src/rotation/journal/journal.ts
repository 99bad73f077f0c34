import type { AppError } from '../../platform/errors.js';
import type { RotationOutcome, RotationRecord } from '../rules/record.js';

/** What is known of one rotation: its records, or why they cannot be read. */
export interface JournalledRotation {
  rotationId: string;
  /** Begins with `started`. Empty when there is a problem, and then alone. */
  records: RotationRecord[];
  /** `JournalBroken` (also of a file that no record came into), `JournalTooNew` or `FileNotReadable`. */
  problem?: AppError;
}

/** What the last line of a journal says. */
export interface JournalEnd {
  rotationId: string;
  /** Absent where the last line is no end, or cannot be read: as far as anybody knows the rotation is in progress. */
  ended?: { at: string; outcome: RotationOutcome };
}

/**
 * The memory of rotations: what each was about to do and what it has done. It makes a resumption quick and its
 * report exact; a rotation must converge without it too. Callers hold the rotation's lock.
 */
export interface Journal {
  /**
   * The records of a rotation in the order they were written, none when it is unknown. Changes nothing.
   * Throws `JournalBroken`, `JournalTooNew`, `FileNotReadable`.
   */
  open(rotationId: string): Promise<RotationRecord[]>;

  /**
   * Whether the rotation is known and has not come to its end. Reads no more than that takes; a journal that cannot
   * be read tells nothing, and is reported by whoever opens it.
   */
  isUnended(rotationId: string): Promise<boolean>;

  /**
   * Adds a record; when this returns, the record survives a power cut. Throws `JournalNotWritable`: then the effect
   * that was to follow must not happen. A journal that machines share throws `LockLost` where a run with a later lease
   * has written to it.
   * @param fence of the lease under which it is written; see `HeldLease`
   */
  append(rotationId: string, record: RotationRecord, fence?: number): Promise<void>;

  /**
   * Every rotation there is a journal of, by its last line alone, in the order of their ids, which begin with the time
   * at which the rotation began. Throws `FileNotReadable` for the whole directory alone.
   */
  ends(): Promise<JournalEnd[]>;

  /** One of them with its records, or why they cannot be read; nothing where its journal has gone meanwhile. */
  read(rotationId: string): Promise<JournalledRotation | undefined>;

  /**
   * Deletes the journal of a rotation that has ended. Does nothing where its last line is no end, or where a record was
   * torn after it.
   * @returns whether the journal is gone
   * @throws AppError `JournalNotWritable`
   */
  remove(rotationId: string): Promise<boolean>;
}

/** The journal as a run writes it that has the lease of that fence. */
export const fencedBy = (journal: Journal, fence: number | undefined): Journal =>
  fence === undefined
    ? journal
    : { ...journal, append: (rotationId, record) => journal.append(rotationId, record, fence) };
