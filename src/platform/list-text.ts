/** So many are named in full. */
export const NAMED_IN_FULL = 5;
/** Of more, so many are named as examples. */
const EXAMPLES = 2;

/**
 * Names in a line that stays short however many there are: `a, b, c`, or `a, b and 198 more`.
 * @param most so many are named in full
 * @param examples of more, so many are named
 * @param separator for names that contain commas
 */
export function listText(
  names: readonly string[],
  most = NAMED_IN_FULL,
  examples = EXAMPLES,
  separator = ', ',
): string {
  if (names.length <= most) return names.join(separator);
  return `${names.slice(0, examples).join(separator)} and ${names.length - examples} more`;
}

/** The verb of a sentence about some stages or backends: `presents`, `present`. */
export const verbOf = (subjects: readonly unknown[], verb: string): string =>
  subjects.length === 1 ? `${verb}s` : verb;
