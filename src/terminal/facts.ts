import { printableCell } from '../platform/printable.js';

/** Names and values, one a line, values aligned; a value that has line ends shows them as escapes. */
export function facts(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, value]) => `${name.padEnd(width)}${printableCell(value)}`).join('\n');
}
