/**
 * A remedy with what is known where it has only names for it, such as `apigw-cert rotate --stage API/STAGE`: what it
 * says can then be pasted.
 * @param known the values by their placeholders; those that are not known stay
 */
export function filledIn(remedy: string, known: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(known).reduce(
    (text, [placeholder, value]) =>
      value === undefined
        ? text
        : text.replaceAll(new RegExp(`(?<![\\w/])${placeholder}(?![\\w/])`, 'g'), () => value),
    remedy,
  );
}
