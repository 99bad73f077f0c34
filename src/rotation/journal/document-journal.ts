/**
 * The journal in a store that machines share. A record is a document of its own, numbered, and written only where its
 * number is free: to append is atomic, and no record has to fit beside the others of its rotation. Beside them each
 * rotation has a head, by which rotations are listed; it tells the end of those that have one.
 */
import { AppError } from '../../platform/errors.js';
import type { RotationRecord } from '../rules/record.js';
import type { DocumentStore, StateDocument } from '../../state/documents.js';
import type { Journal, JournalEnd } from './journal.js';
import { assertRotationId, endIn, parseJson, readRecords, ROTATION_ID } from './read-records.js';

/** Heads, by the rotations' ids. */
const HEADS = 'rotations';

const groupOf = (rotationId: string): string => `journal/${rotationId}`;

/** Numbers in the order of their texts. */
const nameOf = (number: number): string => String(number).padStart(8, '0');

/** So many rotations are looked at in a row. */
const AT_A_TIME = 16;

/** A record as it is written, with the number of the lease that its run had. */
interface Entry {
  fence: number;
  record: unknown;
}

function entryOf({ text }: StateDocument): Entry {
  const { fence, record } = (parseJson(text) ?? {}) as Record<string, unknown>;
  return { fence: typeof fence === 'number' ? fence : 0, record };
}

/** What a head says. */
const endOfHead = ({ text }: StateDocument): JournalEnd['ended'] =>
  endIn({ type: 'ended', ...((parseJson(text) as { ended?: object } | undefined)?.ended ?? {}) });

const headText = (ended?: JournalEnd['ended']): string =>
  JSON.stringify({ version: 1, ...(ended ? { ended } : {}) });

const overtaken = (rotationId: string): AppError =>
  new AppError('LockLost', `another run has taken over the rotation ${rotationId}`, {
    hint: 'run the same command again: it resumes from the current state',
  });

function notAppended(store: DocumentStore, rotationId: string, cause: unknown): AppError {
  const { message, hint } =
    cause instanceof AppError ? cause : { message: String(cause), hint: 'run the same command again' };
  return new AppError('JournalNotWritable', `the journal of ${rotationId} cannot be written: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    cause,
    details: { store: store.name },
  });
}

/** Not a rotation: the run that began to write was stopped before it had recorded, and so done, anything. */
const remains = ({ name }: DocumentStore, rotationId: string): AppError =>
  new AppError('JournalBroken', `the journal of ${rotationId} in ${name} has no record`, {
    hint: `delete ${HEADS}/${rotationId}; if a rotation is in progress, the next run finds it from the state of AWS and the backend`,
    details: { store: name, rotationId },
  });

/** Opens the journal of a store. Nothing is asked yet. */
export function documentJournal(store: DocumentStore): Journal {
  /** What this process knows of the rotations that it writes to. */
  const tails = new Map<string, { next: number; isEnded: boolean }>();

  const readHead = (rotationId: string): Promise<StateDocument | undefined> =>
    store.read({ group: HEADS, name: rotationId });

  /** Makes the head say that. Whoever else writes it writes what the journal's last record says, too. */
  async function writeHead(rotationId: string, ended?: JournalEnd['ended']): Promise<void> {
    const key = { group: HEADS, name: rotationId };
    for (;;) {
      const there = await store.read(key);
      if (there?.text === headText(ended)) return;
      if ((await store.write(key, headText(ended), there?.version)) !== undefined) return;
    }
  }

  async function tailOf(rotationId: string, fence: number): Promise<{ next: number; isEnded: boolean }> {
    const known = tails.get(rotationId);
    if (known) return known;
    const last = await store.last(groupOf(rotationId));
    if (last && entryOf(last).fence > fence) throw overtaken(rotationId);
    const head = await readHead(rotationId);
    return {
      next: last ? Number(last.name) + 1 : 1,
      // One without a head is written one, and one whose end is in doubt becomes one in progress first.
      isEnded: head === undefined || endOfHead(head) !== undefined,
    };
  }

  async function append(rotationId: string, record: RotationRecord, fence: number): Promise<void> {
    const tail = await tailOf(rotationId, fence);
    if (tail.isEnded) await writeHead(rotationId);
    let { next } = tail;
    const text = JSON.stringify({ fence, record } satisfies Entry);
    for (;;) {
      const key = { group: groupOf(rotationId), name: nameOf(next) };
      if ((await store.write(key, text, undefined)) !== undefined) break;
      // Of a run that has lost its lease meanwhile, or of one that has it by now.
      const theirs = await store.read(key);
      if (theirs && entryOf(theirs).fence > fence) throw overtaken(rotationId);
      next += 1;
    }
    const ended = endIn(record);
    if (ended) await writeHead(rotationId, ended);
    tails.set(rotationId, { next: next + 1, isEnded: ended !== undefined });
  }

  async function records(rotationId: string): Promise<RotationRecord[]> {
    const documents = await store.list(groupOf(rotationId));
    const values = documents.map((document) => entryOf(document).record);
    return readRecords(values, {
      rotationId,
      where: `the journal of ${rotationId} in ${store.name}`,
      details: { store: store.name, rotationId },
      hint: `remove ${HEADS}/${rotationId} and ${groupOf(rotationId)} from it and run the same command again: the rotation is reconstructed from the state of AWS and the backend`,
    });
  }

  /** What the last record of a rotation says that has a head without an end. */
  async function lastEnd(rotationId: string): Promise<JournalEnd['ended']> {
    const last = await store.last(groupOf(rotationId));
    return last && endIn(entryOf(last).record);
  }

  return {
    async open(rotationId) {
      assertRotationId(rotationId);
      return records(rotationId);
    },

    async isUnended(rotationId) {
      if (!ROTATION_ID.test(rotationId)) return false;
      const head = await readHead(rotationId);
      if (head === undefined || endOfHead(head) !== undefined) return false;
      const last = await store.last(groupOf(rotationId));
      return last !== undefined && endIn(entryOf(last).record) === undefined;
    },

    async append(rotationId, record, fence = 0) {
      assertRotationId(rotationId);
      try {
        await append(rotationId, record, fence);
      } catch (error) {
        // What is there is looked at again before the next record.
        tails.delete(rotationId);
        if (error instanceof AppError && error.code === 'LockLost') throw error;
        throw notAppended(store, rotationId, error);
      }
    },

    async ends() {
      const heads = (await store.list(HEADS)).filter(({ name }) => ROTATION_ID.test(name));
      const ends: JournalEnd[] = [];
      for (let i = 0; i < heads.length; i += AT_A_TIME) {
        ends.push(
          ...(await Promise.all(
            heads.slice(i, i + AT_A_TIME).map(async (head): Promise<JournalEnd> => {
              const ended = endOfHead(head) ?? (await lastEnd(head.name));
              return { rotationId: head.name, ...(ended ? { ended } : {}) };
            }),
          )),
        );
      }
      return ends;
    },

    async read(rotationId) {
      assertRotationId(rotationId);
      try {
        const head = await readHead(rotationId);
        if (head === undefined) return undefined;
        const read = await records(rotationId);
        if (read.length === 0) throw remains(store, rotationId);
        const ended = endOfHead(head);
        // A deletion that was interrupted has begun with the last records.
        if (ended && read.at(-1)?.type !== 'ended') read.push({ type: 'ended', ...ended });
        return { rotationId, records: read };
      } catch (error) {
        if (error instanceof AppError) return { rotationId, records: [], problem: error };
        throw error;
      }
    },

    async remove(rotationId) {
      assertRotationId(rotationId);
      const head = await readHead(rotationId);
      if (head === undefined) return false;
      const ended = endOfHead(head) ?? (await lastEnd(rotationId));
      if (ended === undefined) return false;
      try {
        // The head tells the end as long as any of the records is there.
        await writeHead(rotationId, ended);
        for (const { name } of (await store.list(groupOf(rotationId))).toReversed())
          await store.remove({ group: groupOf(rotationId), name });
        await store.remove({ group: HEADS, name: rotationId });
      } catch (error) {
        throw notAppended(store, rotationId, error);
      }
      tails.delete(rotationId);
      return true;
    },
  };
}
