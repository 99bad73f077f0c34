import { randomInt } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** An id of lower-case letters and digits that is not taken yet: 6 characters for most things, 10 for APIs. */
export function newId(length: 6 | 10, taken: (id: string) => boolean): string {
  for (;;) {
    const id = Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
    if (!taken(id)) return id;
  }
}
