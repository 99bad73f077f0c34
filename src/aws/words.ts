/**
 * Splits a command line into words as a POSIX shell does, and as the AWS CLI does for `credential_process`: quotes and
 * backslashes count, variables and operators do not.
 * @returns `undefined` where a quote is not closed
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? '';
    if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word ??= '';
    if (character === '\\') {
      word += line[++at] ?? '';
    } else if (character === "'") {
      const end = line.indexOf("'", at + 1);
      if (end < 0) return undefined;
      word += line.slice(at + 1, end);
      at = end;
    } else if (character === '"') {
      const [quoted] = /^"(?:[^"\\]|\\.)*"/s.exec(line.slice(at)) ?? [];
      if (quoted === undefined) return undefined;
      word += quoted.slice(1, -1).replace(/\\(["\\])/g, '$1');
      at += quoted.length - 1;
    } else {
      word += character;
    }
  }
  return word === undefined ? words : [...words, word];
}
