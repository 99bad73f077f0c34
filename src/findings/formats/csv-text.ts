import { printable } from '../../platform/printable.js';

/** A column: its heading, and its value for a row. */
export type Column<Row> = readonly [name: string, value: (row: Row) => string | number];

/**
 * A field of RFC 4180. Text that a spreadsheet would run as a formula is marked as text by an apostrophe (OWASP,
 * "CSV Injection"), its sign in full width too, which spreadsheets take for the same; numbers of our own are left alone, the sign of a negative one included.
 */
function field(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = printable(value);
  const safe = /^\s*[=+\-@＝＋－＠]/.test(text) ? `'${text}` : text;
  // Spreadsheets of many countries part fields at semicolons.
  return /[",;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A heading and a line for each row; lines end with CRLF. */
export function csvText<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [columns.map(([name]) => name), ...rows.map((row) => columns.map(([, value]) => value(row)))];
  return lines.map((fields) => `${fields.map(field).join(',')}\r\n`).join('');
}
