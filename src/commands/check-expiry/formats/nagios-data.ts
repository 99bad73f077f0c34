import type { ExpiryReport } from '../../../findings/check-expiry.js';
import { parseThreshold, thresholdMs } from '../../../platform/duration.js';
import type { CertificateRow } from '../../../control-plane/fleet-view.js';
import { nagiosLabel, type NagiosData } from '../../../findings/formats/nagios.js';

const MS_PER_DAY = 86_400_000;

const days = (ms: number): string => String(Math.round((ms / MS_PER_DAY) * 100) / 100);

function daysLeft(row: CertificateRow, report: ExpiryReport): string {
  const life = row.notAfter.getTime() - row.notBefore.getTime();
  const left = row.notAfter.getTime() - report.checkedAt.getTime();
  const limit = (threshold: string): string => `${days(thresholdMs(parseThreshold(threshold), life))}:`;
  const name = nagiosLabel(`${row.account}/${row.region}/${row.clientCertificateId}`);
  return `${name}=${days(left)};${limit(report.thresholds.warning)};${limit(report.thresholds.critical)}`;
}

/** The days left of each certificate; they are alerted on when they fall below a limit, hence `30:`. */
export const expiryData = (report: ExpiryReport): NagiosData => ({
  counts: [`certificates=${report.items.length};;;0`],
  details: report.items.map((row) => daysLeft(row, report)),
});
