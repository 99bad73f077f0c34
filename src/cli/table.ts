import { stripVTControlCharacters } from 'node:util';
import { eastAsianWidth } from 'get-east-asian-width';

/** Rows under a heading, without frames: easy on the eye, on copying and on grep. Cells must be printable. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map((cell) => ({ cell, width: columns(cell) })));
  const widths = head.map((_, i) => Math.max(...lines.map((cells) => cells[i]?.width ?? 0)));
  return lines
    .map((cells) =>
      cells
        .map(({ cell, width }, i) => cell + ' '.repeat((widths[i] ?? 0) - width))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** How many columns of a terminal a printable text takes; colours take none. */
function columns(text: string): number {
  const seen = stripVTControlCharacters(text);
  if (/^[ -~]*$/.test(seen)) return seen.length;
  return Array.from(seen).reduce((sum, character) => {
    const isMark = /^[\p{Mn}\p{Me}]$/u.test(character);
    return isMark ? sum : sum + eastAsianWidth(character.codePointAt(0) ?? 0);
  }, 0);
}
