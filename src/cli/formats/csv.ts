import type { CertificateRow } from '../../core/fleet-view.js';
import { printable } from '../../core/printable.js';
import { timeText } from '../status.js';

const COLUMNS = [
  ['account', (row) => row.account],
  ['region', (row) => row.region],
  ['clientCertificateId', (row) => row.clientCertificateId],
  ['description', (row) => row.description ?? ''],
  ['status', (row) => row.status],
  ['daysLeft', (row) => row.daysLeft],
  ['notBefore', (row) => timeText(row.notBefore)],
  ['notAfter', (row) => timeText(row.notAfter)],
  ['expirationDate', (row) => timeText(row.expirationDate)],
  ['usedBy', (row) => row.usedBy?.map(({ apiName, stageName }) => `${apiName}/${stageName}`).join(' ') ?? ''],
  ['inUse', (row) => (row.usedBy === undefined ? '' : String(row.usedBy.length > 0))],
  ['fingerprintSha256', (row) => row.fingerprintSha256],
  ['serialNumber', (row) => row.serialNumber],
  [
    'tags',
    (row) =>
      Object.entries(row.tags)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
  ],
] as const satisfies readonly (readonly [string, (row: CertificateRow) => string | number])[];

/**
 * A field of RFC 4180. Text that a spreadsheet would run as a formula is marked as text by an apostrophe (OWASP,
 * "CSV Injection"); numbers of our own are left alone, the sign of a negative one included.
 */
function field(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = printable(value);
  const safe = /^\s*[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One certificate a line, with a heading; lines end with CRLF. */
export function csvFormat(rows: readonly CertificateRow[]): string {
  const lines = [
    COLUMNS.map(([name]) => name),
    ...rows.map((row) => COLUMNS.map(([, value]) => value(row))),
  ].map((fields) => fields.map(field).join(','));
  return lines.map((line) => `${line}\r\n`).join('');
}
