/**
 * Makes text from outside fit for one line of a terminal: control characters, line ends, escape sequences and the
 * marks that reorder text (Unicode TR 36) are shown as escapes instead of obeyed.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** What this program itself colours with: bold, dim, and the eight colours of a terminal. */
const OWN_COLOUR = /(\u001b\[(?:1|2|22|3[0-79])m)/;

/** The same for a part of a line that this program may have coloured: only its own colours stay. */
export const printableCell = (text: string): string =>
  text
    .split(OWN_COLOUR)
    .map((piece, index) => (index % 2 === 1 ? piece : printable(piece)))
    .join('');

/**
 * The same for a whole text of this program's, as the last safeguard: its line ends stay, the tabs that indent a line of a
 * server's configuration, and its own colours where there are any.
 */
export function printableText(text: string, hasColour: boolean): string {
  const shown = hasColour ? printableCell : printable;
  return text
    .split('\n')
    .map((line) => {
      const [indent = ''] = /^\t*/.exec(line) ?? [];
      return `${indent}${shown(line.slice(indent.length))}`;
    })
    .join('\n');
}
