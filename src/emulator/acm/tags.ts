import * as z from 'zod/mini';
import { addTags } from '../tags.js';
import { ServiceError } from '../errors.js';
import { acmError } from './operation.js';

/** A list of keys with values, some without, as ACM has them. */
export const tagList = z.pipe(
  z.array(
    z.object({
      Key: z.string().check(z.minLength(1), z.maxLength(128)),
      Value: z.nullish(z.string().check(z.maxLength(256))),
    }),
  ),
  z.transform((tags) => new Map(tags.map(({ Key, Value }) => [Key, Value ?? undefined]))),
);

type Given = ReadonlyMap<string, string | undefined>;

/** @throws ServiceError 400 for reserved keys or more than 50 tags */
export function addAcmTags(target: Map<string, string>, tags: Given): void {
  try {
    addTags(target, new Map([...tags].map(([key, value]) => [key, value ?? ''])));
  } catch (error) {
    throw error instanceof ServiceError ? acmError('InvalidTagException', error.message) : error;
  }
}

/** Removes tags by their keys; one that is given with a value, only where that is its value. */
export function removeAcmTags(target: Map<string, string>, tags: Given): void {
  for (const [key, value] of tags) if (value === undefined || target.get(key) === value) target.delete(key);
}

export const tagOutput = (tags: ReadonlyMap<string, string>): { Key: string; Value: string }[] =>
  [...tags].map(([Key, Value]) => ({ Key, Value }));
