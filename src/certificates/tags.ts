import { AppError } from '../platform/errors.js';

/**
 * Reads `key=value` words into tags; the value may be empty and may hold further `=`.
 * @throws AppError `Usage` when the key is missing or belongs to AWS
 */
export function parseTags(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const cut = word.indexOf('=');
      const key = word.slice(0, cut);
      if (cut < 1) {
        throw new AppError('Usage', `"${word}" is not a tag`, { hint: 'write it as key=value' });
      }
      if (key.toLowerCase().startsWith('aws:')) {
        throw new AppError('Usage', `the tag key "${key}" belongs to AWS`, {
          hint: 'choose one without "aws:"',
        });
      }
      return [key, word.slice(cut + 1)];
    }),
  );
}
