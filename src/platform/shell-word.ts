/** A word for a POSIX shell; only what needs quotes gets them. */
export function shellWord(word: string): string {
  // zsh takes a `=` at the beginning for the path of a command.
  return /^(?!=)[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
