import * as z from 'zod/mini';
import { badRequest } from './errors.js';

const MAX_TAGS = 50;

export const tagsBody = z.pipe(
  z.record(z.string().check(z.minLength(1), z.maxLength(128)), z.string().check(z.maxLength(256))),
  z.transform((record) => new Map(Object.entries(record))),
);

/**
 * Adds tags to those there are, all or none.
 * @throws ServiceError 400 for reserved keys or more than 50 tags
 */
export function addTags(target: Map<string, string>, tags: ReadonlyMap<string, string>): void {
  const reserved = [...tags.keys()].find((key) => key.toLowerCase().startsWith('aws:'));
  if (reserved !== undefined) {
    throw badRequest(`Invalid tag key ${reserved}: keys that start with aws: are reserved`);
  }
  if (new Set([...target.keys(), ...tags.keys()]).size > MAX_TAGS) {
    throw badRequest(`A resource can have at most ${MAX_TAGS} tags`);
  }
  for (const [key, value] of tags) target.set(key, value);
}
