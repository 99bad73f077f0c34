import { createHash } from 'node:crypto';
import { badRequest } from './errors.js';

const DEFAULT_LIMIT = 25;
const MAX_LIMIT = 500;

const checksum = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** A token that names the last item of a page, and that only this collection takes back. */
function encode(collection: string, last: string): string {
  const text = `${collection}\n${last}`;
  return Buffer.from(`${checksum(text)}${text}`).toString('base64url');
}

function decode(collection: string, position: string): string {
  const last = Buffer.from(position, 'base64url').toString().split('\n')[1] ?? '';
  // Only the very text that was given out: base64 has several spellings of the same octets.
  if (encode(collection, last) !== position) throw badRequest('Invalid position parameter specified');
  return last;
}

function limitOf(query: URLSearchParams): number {
  const text = query.get('limit');
  if (text === null) return DEFAULT_LIMIT;
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > MAX_LIMIT) {
    throw badRequest(`Invalid limit parameter specified. Must be between 1 and ${MAX_LIMIT}`);
  }
  return limit;
}

/**
 * One page of a collection, ordered by key, so that items that come and go between two pages are neither skipped
 * nor repeated. `query` holds `limit` (default 25, at most 500) and `position`.
 * @throws ServiceError 400 for a limit out of range, or a position that was not given out for this collection
 */
export function page<Item>(
  collection: string,
  items: ReadonlyMap<string, Item>,
  query: URLSearchParams,
  output: (item: Item) => object,
): { item: object[]; position?: string } {
  const limit = limitOf(query);
  const position = query.get('position');
  const after = position === null ? '' : decode(collection, position);
  const rest = [...items].filter(([key]) => key > after).sort(([a], [b]) => (a < b ? -1 : 1));
  const found = rest.slice(0, limit);
  const last = found.at(-1);
  return {
    item: found.map(([, item]) => output(item)),
    ...(rest.length > limit && last !== undefined ? { position: encode(collection, last[0]) } : {}),
  };
}
