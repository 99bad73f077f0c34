import type { ExpiryReport } from '../../app/check-expiry.js';
import type { CertificateRow } from '../../core/fleet-view.js';
import { parseThreshold, thresholdMs } from '../../core/duration.js';
import { printable } from '../../core/printable.js';
import { summaryLine } from './summary.js';

const MS_PER_DAY = 86_400_000;

/** A bar begins performance data, wherever it stands. */
const plain = (text: string): string => text.replaceAll('|', '/');

/** Single quotes hold a label together; neither they nor an equals sign may be in it. */
const label = (text: string): string => `'${printable(text).replace(/['=|]/g, '_')}'`;

const days = (ms: number): string => String(Math.round((ms / MS_PER_DAY) * 100) / 100);

function expiryData(row: CertificateRow, report: ExpiryReport): string {
  const life = row.notAfter.getTime() - row.notBefore.getTime();
  const left = row.notAfter.getTime() - report.checkedAt.getTime();
  const limit = (threshold: string): string => `${days(thresholdMs(parseThreshold(threshold), life))}:`;
  const name = label(`${row.account}/${row.region}/${row.clientCertificateId}`);
  return `${name}=${days(left)};${limit(report.thresholds.warning)};${limit(report.thresholds.critical)}`;
}

/**
 * A plugin's answer (Monitoring Plugins Development Guidelines): the state and a summary, then details, then
 * performance data; days left are alerted on when they fall below a limit, hence `30:`.
 */
export function nagiosFormat(report: ExpiryReport): string {
  const counts = (['critical', 'warning', 'unknown'] as const).map(
    (level) => `${level}=${report.findings.filter((each) => each.level === level).length};;;0`,
  );
  const first = `APIGW_CERT ${report.level.toUpperCase()} - ${plain(summaryLine(report))} | certificates=${report.items.length};;;0 ${counts.join(' ')}`;
  const details = report.findings
    .filter(({ level }) => level !== 'ok')
    .map(({ level, message }) => `${level.toUpperCase()}: ${plain(message)}`);
  const data = report.items.map((row) => expiryData(row, report));
  const [lastDetail] = details.slice(-1);
  if (data.length === 0) return [first, ...details].join('\n');
  return [
    first,
    ...details.slice(0, -1),
    `${lastDetail ?? 'no findings'} | ${data[0] ?? ''}`,
    ...data.slice(1),
  ].join('\n');
}
