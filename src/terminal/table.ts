import { stripVTControlCharacters } from 'node:util';
import { eastAsianWidth } from 'get-east-asian-width';
import { printableCell } from '../platform/printable.js';

const GAP = '  ';

/**
 * Rows under a heading, without frames: easy on the eye, on copying and on grep. Cells are made printable.
 * @param width columns to fit into where words allow: cells are wrapped between words, the widest first
 */
export function table(
  head: readonly string[],
  given: readonly (readonly string[])[],
  width = Infinity,
): string {
  const rows = given.map((cells) => cells.map(printableCell));
  const natural = head.map((title, i) =>
    Math.max(columns(title), ...rows.map((cells) => columns(cells[i] ?? ''))),
  );
  const least = head.map((title, i) =>
    Math.max(...[title, ...rows.map((cells) => cells[i] ?? '')].flatMap(words).map(columns)),
  );
  const widths = fitted(natural, least, width - GAP.length * (head.length - 1));
  return [head, ...rows]
    .flatMap((cells) => {
      const wrapped = cells.map((cell, i) => wrap(cell, widths[i] ?? 0));
      const height = Math.max(...wrapped.map((lines) => lines.length));
      return Array.from({ length: height }, (_, line) =>
        wrapped
          .map((lines, i) => {
            const text = lines[line] ?? '';
            return text + ' '.repeat(Math.max(0, (widths[i] ?? 0) - columns(text)));
          })
          .join(GAP)
          .trimEnd(),
      );
    })
    .join('\n');
}

const words = (cell: string): string[] => cell.split(' ');

/** Takes from the widest that can give, until all fit or none can give more. */
function fitted(natural: readonly number[], least: readonly number[], room: number): number[] {
  const widths = [...natural];
  for (let over = widths.reduce((sum, each) => sum + each, 0) - room; over > 0; over--) {
    const giving = widths.flatMap((each, i) => (each > (least[i] ?? 0) ? [i] : []));
    const [first, ...others] = giving;
    if (first === undefined) break;
    const widest = others.reduce((best, i) => ((widths[i] ?? 0) > (widths[best] ?? 0) ? i : best), first);
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function wrap(cell: string, width: number): string[] {
  if (columns(cell) <= width) return [cell];
  const lines: string[] = [];
  for (const word of words(cell)) {
    const last = lines.at(-1);
    if (last !== undefined && columns(`${last} ${word}`) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
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
