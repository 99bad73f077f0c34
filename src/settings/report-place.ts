/** Where hosts report what they trust, as `--report` and `acknowledge:` write it. */
import { AppError } from '../platform/errors.js';
import { parseStatePlace, type StatePlace } from './state-place.js';

/** A place for the reports of the hosts of one list. */
export type ReportPlace =
  | Exclude<StatePlace, { kind: 'dynamodb' }>
  /** @param group tells the hosts of one list from those of others in the same table */
  | { kind: 'dynamodb'; table: string; group: string };

/** The hosts whose word a rotation waits for, as `acknowledge:` of a target says it. */
export interface AcknowledgeSettings {
  /** At least so many; `all`: those that report, at least one. */
  hosts: number | 'all';
  /** See {@link parseReportPlace}. */
  reports: string;
  /** How long a run waits, in milliseconds. */
  timeout?: number;
}

/** Reads a place as it is written. A folder's path is left as it is. @throws AppError `Usage` */
export function parseReportPlace(text: string): ReportPlace {
  const [, table, group] = /^(dynamodb:.+)\/([A-Za-z0-9._-]{1,64})$/s.exec(text) ?? [];
  try {
    if (table !== undefined && group !== undefined) {
      const place = parseStatePlace(table);
      if (place.kind === 'dynamodb') return { ...place, group };
    } else if (!text.startsWith('dynamodb:')) {
      const place = parseStatePlace(text);
      if (place.kind !== 'dynamodb') return place;
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
  throw new AppError('Usage', `"${text.slice(0, 200)}" is not a place for reports`, {
    hint: 'specify a folder, s3://BUCKET/PREFIX, or dynamodb:TABLE/NAME, where NAME is the same for all hosts of one list',
  });
}
