import { createHash } from 'node:crypto';
import { byText } from '../platform/order.js';
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

function limitOf(text: string | null, most: number): number {
  if (text === null) return DEFAULT_LIMIT;
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > most) {
    throw badRequest(`Invalid limit parameter specified. Must be between 1 and ${most}`);
  }
  return limit;
}

/**
 * One page of a collection, ordered by key, so that items that come and go between two pages are neither skipped
 * nor repeated, and the position of the next page, if there is one.
 * @throws ServiceError 400 for a limit out of range, or a position that was not given out for this collection
 */
export function pageOf<Item>(
  collection: string,
  items: ReadonlyMap<string, Item>,
  asked: { limit: string | null; position: string | null },
  most = MAX_LIMIT,
): { found: Item[]; next?: string } {
  const limit = limitOf(asked.limit, most);
  const after = asked.position === null ? '' : decode(collection, asked.position);
  const rest = [...items].filter(([key]) => key > after).sort(([a], [b]) => byText(a, b));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    found: page.map(([, item]) => item),
    ...(rest.length > limit && last !== undefined ? { next: encode(collection, last[0]) } : {}),
  };
}

/** A page as `apigateway` answers it; `query` holds `limit` (default 25, at most 500) and `position`. */
export function page<Item>(
  collection: string,
  items: ReadonlyMap<string, Item>,
  query: URLSearchParams,
  output: (item: Item) => object,
): { item: object[]; position?: string } {
  const { found, next } = pageOf(collection, items, {
    limit: query.get('limit'),
    position: query.get('position'),
  });
  return { item: found.map(output), ...(next === undefined ? {} : { position: next }) };
}
