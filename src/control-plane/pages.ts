import { AppError } from '../platform/errors.js';

/** Half a million things, where an account has some thousands: a listing that goes on longer never ends. */
const MOST_PAGES = 1_000;

/**
 * Reads a listing to its end. A page without items is an empty one: AWS has been seen to answer `{}` for an empty
 * collection (aws-sdk-js issue 1416).
 * @throws AppError `ServiceUnreachable` for a listing that has no end
 */
export async function allPages<T>(
  page: (position: string | undefined) => Promise<{ items?: T[] | undefined; position?: string | undefined }>,
) {
  const all: T[] = [];
  const seen = new Set<string>();
  let position: string | undefined;
  do {
    if (position !== undefined) seen.add(position);
    const { items = [], position: next } = await page(position);
    all.push(...items);
    position = next;
    if (position !== undefined && (seen.has(position) || seen.size === MOST_PAGES)) {
      const how = seen.has(position)
        ? 'the same position was returned twice'
        : `${MOST_PAGES} pages were returned`;
      throw new AppError('ServiceUnreachable', `the pages of a list do not end: ${how}`, {
        hint: 'check --endpoint-url (or AWS_ENDPOINT_URL)and any proxy in between',
      });
    }
  } while (position !== undefined);
  return all;
}
