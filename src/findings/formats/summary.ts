import type { ExpiryReport } from '../check-expiry.js';
import type { CheckLevel } from '../severity.js';
import { sourceName } from '../../settings/accounts.js';
import { printable } from '../../platform/printable.js';
import { counted } from '../../platform/counted.js';

/** How many findings count as each level, worst first; levels without any are left out. */
export function levelCounts({ findings }: ExpiryReport): [level: CheckLevel, count: number][] {
  return (['critical', 'unknown', 'warning'] as const)
    .map((level): [CheckLevel, number] => [level, findings.filter((each) => each.level === level).length])
    .filter(([, count]) => count > 0);
}

/** Comes last, where whoever cuts a message off loses the least. */
const ACM_UNCHECKED = '; ACM certificates not checked (--usage)';

/** The report in a sentence that fits a text message. */
export function summaryLine(report: ExpiryReport): string {
  const { items, sources, thresholds, countsUnused, acmUnchecked } = report;
  const [only] = sources;
  if (sources.length === 1 && only?.state === 'unknown') {
    return report.findings.find(({ code }) => code === 'SourceUnknown')?.message ?? '';
  }
  const where =
    sources.length === 1 && only !== undefined
      ? printable(sourceName(only))
      : counted(sources.length, 'source');
  const troubles = levelCounts(report).map(([level, count]) => `${count} ${level}`);
  const [next] = items.filter(
    ({ status, usedBy }) =>
      (status === 'ok' || status === 'warning' || status === 'critical') &&
      (countsUnused || usedBy?.length !== 0),
  );
  const first =
    next === undefined
      ? ''
      : `; next to expire: ${printable(next.clientCertificateId)} in ${counted(next.daysLeft, 'day')}`;
  return (
    (troubles.length === 0 ? '' : `${troubles.join(', ')}: `) +
    `${counted(items.length, 'client certificate')} in ${where} ` +
    `(warning ${thresholds.warning}, critical ${thresholds.critical} before expiry)${first}` +
    (acmUnchecked ? ACM_UNCHECKED : '')
  );
}
