import type { CertificateRow } from '../../control-plane/fleet-view.js';
import { timeText } from './time-text.js';
import { csvText, type Column } from './csv-text.js';

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
] as const satisfies readonly Column<CertificateRow>[];

/** One certificate a line, with a heading. */
export function csvFormat(rows: readonly CertificateRow[]): string {
  return csvText<CertificateRow>(COLUMNS, rows);
}
