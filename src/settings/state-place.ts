/** Where the state of rotations is kept, as `state:` and `--state` write it. */
import { AppError } from '../platform/errors.js';

/** A folder of this machine, or a store of AWS that machines share. */
export type StatePlace =
  | { kind: 'folder'; directory: string }
  /** @param table a name or an ARN */
  | { kind: 'dynamodb'; table: string }
  /** @param prefix without slashes around it; may be empty */
  | { kind: 's3'; bucket: string; prefix: string };

/** DynamoDB's rule for names. */
const TABLE = /^[A-Za-z0-9_.-]{3,255}$/;
const TABLE_ARN = /^arn:aws[a-z-]*:dynamodb:([a-z0-9-]+):\d{12}:table\/[A-Za-z0-9_.-]{3,255}$/;
/** The rule for names of general purpose buckets, as far as it matters here. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Characters that S3 calls safe, so that an IAM policy can have the prefix as it is. */
const PREFIX = /^[A-Za-z0-9!_.*'()/-]{0,512}$/;

const refuse = (text: string, what: string): AppError =>
  new AppError('Usage', `state "${text}" ${what}`, {
    hint: 'specify a folder, dynamodb:TABLE (a name or an ARN), or s3://BUCKET/PREFIX',
  });

/** Reads a place as it is written. A folder's path is left as it is. @throws AppError `Usage` */
export function parseStatePlace(text: string): StatePlace {
  if (text.startsWith('dynamodb:')) {
    const table = text.slice('dynamodb:'.length);
    if (TABLE.test(table) || TABLE_ARN.test(table)) return { kind: 'dynamodb', table };
    throw refuse(text, 'contains no name or ARN of a DynamoDB table');
  }
  if (text.startsWith('s3:')) {
    const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/s.exec(text) ?? [];
    const prefix = path.replace(/^\/+|\/+$/g, '');
    const isPlain = !prefix.split('/').some((part) => part === '.' || part === '..');
    if (BUCKET.test(bucket) && PREFIX.test(prefix) && isPlain && !prefix.includes('//'))
      return { kind: 's3', bucket, prefix };
    throw refuse(text, "is not an S3 bucket with a prefix of letters, digits and !_.*'()/-");
  }
  // `dynamo:x`, `file:x`: a folder with such a name is more likely a mistake.
  if (text === '' || /^[a-z][a-z0-9+.-]+:/.test(text)) throw refuse(text, 'is not a place for state');
  return { kind: 'folder', directory: text };
}

/** The Region that a table's ARN names. */
export const regionOfTable = (table: string): string | undefined => TABLE_ARN.exec(table)?.[1];
