/** Reading what a journal holds, whichever way it is kept. */
import { AppError } from '../../platform/errors.js';
import { JOURNAL_VERSION, rotationOutcomeIn, type RotationRecord } from '../rules/record.js';
import type { JournalEnd } from './journal.js';

/** The characters of a rotation's id. Ids come from tags in AWS too, where anybody may have written them. */
export const ROTATION_ID = /^[A-Za-z0-9_-]{1,128}$/;

/** @throws AppError `Usage` for what is no id of a rotation */
export function assertRotationId(rotationId: string): void {
  if (ROTATION_ID.test(rotationId)) return;
  throw new AppError('Usage', `${JSON.stringify(rotationId.slice(0, 60))} is not a rotation ID`, {
    hint: 'list the rotations with `apigw-cert status`',
  });
}

/** The value of a JSON text; nothing for what is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The journal that records are read from, for errors. */
export interface RecordSource {
  rotationId: string;
  /** As messages name it: a file, or a store with the rotation. */
  where: string;
  /** Of the errors; `file` for a file. */
  details: Readonly<Record<string, unknown>>;
  /** What to do with a journal that is broken. */
  hint: string;
}

/**
 * The records of a journal, checked, from its values in order.
 * @throws AppError `JournalBroken`, `JournalTooNew`
 */
export async function readRecords(
  values: readonly unknown[],
  { rotationId, where, details, hint }: RecordSource,
): Promise<RotationRecord[]> {
  // Zod takes longer to load than a run with nothing to do needs for all the rest.
  const { rotationRecordSchema, versionedSchema } = await import('./record-schema.js');
  const broken = (line: number, why: string): AppError =>
    new AppError('JournalBroken', `${where}, line ${line}: ${why}`, { hint, details: { ...details, line } });
  return values.map((value, index) => {
    const { data: header } = index === 0 ? versionedSchema.safeParse(value) : {};
    if (header && header.version > JOURNAL_VERSION) {
      throw new AppError(
        'JournalTooNew',
        `${where} has version ${header.version}; this apigw-cert supports up to version ${JOURNAL_VERSION}`,
        { hint: 'install the newer version of apigw-cert that started this rotation', details },
      );
    }
    const record = rotationRecordSchema.safeParse(value);
    if (!record.success) throw broken(index + 1, 'this is not a rotation record');
    const isHeader = record.data.type === 'started';
    if (isHeader !== (index === 0)) throw broken(index + 1, 'only the first line may be the start');
    if (record.data.type === 'started' && record.data.rotationId !== rotationId) {
      throw broken(index + 1, 'this is the start of another rotation');
    }
    return record.data;
  });
}

/** The end of a rotation, where the value is one. */
export function endIn(value: unknown): JournalEnd['ended'] {
  const { type, at, outcome: written } = (value ?? {}) as Record<string, unknown>;
  const outcome = rotationOutcomeIn(written);
  if (type !== 'ended' || outcome === undefined || typeof at !== 'string' || Number.isNaN(Date.parse(at)))
    return undefined;
  return { at, outcome };
}
