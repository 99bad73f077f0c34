import Table from 'cli-table3';

/** Rows under a heading, without frames: easy on the eye, on copying and on grep. Cells must be printable. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const layout = new Table({
    head: [...head],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2, compact: true },
    chars: Object.fromEntries(
      [
        'top',
        'top-mid',
        'top-left',
        'top-right',
        'bottom',
        'bottom-mid',
        'bottom-left',
        'bottom-right',
        'left',
        'left-mid',
        'mid',
        'mid-mid',
        'right',
        'right-mid',
        'middle',
      ].map((place) => [place, '']),
    ),
  });
  layout.push(...rows.map((row) => [...row]));
  return trimLines(layout.toString());
}

/** Names and values, one a line, values aligned. */
export function facts(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, value]) => `${name.padEnd(width)}${value}`).join('\n');
}

function trimLines(text: string): string {
  return text
    .split('\n')
    .map((row) => row.trimEnd())
    .join('\n');
}
