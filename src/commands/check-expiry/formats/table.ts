import type { ChalkInstance } from 'chalk';
import type { ExpiryReport } from '../../../findings/check-expiry.js';
import { sourceName } from '../../../settings/accounts.js';
import { printable } from '../../../platform/printable.js';
import type { CheckLevel } from '../../../findings/severity.js';
import { summaryLine } from '../../../findings/formats/summary.js';

const COLOURS = { ok: 'green', warning: 'yellow', critical: 'red', unknown: 'magenta' } as const;

const levelText = (level: CheckLevel, style: ChalkInstance): string =>
  style[COLOURS[level]](level.toUpperCase());

/** The summary comes first, since monitors show the first line; then a line for each finding, those that count first. */
export function tableFormat(report: ExpiryReport, style: ChalkInstance): string {
  const several = report.sources.length > 1;
  const line = ({ account, region = '', code, message }: ExpiryReport['findings'][number]): string =>
    `${several && account && code !== 'SourceUnknown' ? `${printable(sourceName({ account, region }))} ` : ''}${message}`;
  const apart = report.findings.filter(({ level }) => level === 'ok');
  return [
    `${levelText(report.level, style)}: ${summaryLine(report)}`,
    ...report.findings
      .filter(({ level }) => level !== 'ok')
      .flatMap((each) => [
        `${levelText(each.level, style)} ${line(each)} [${each.code}]`,
        ...(each.remedy === undefined ? [] : [`  fix: ${each.remedy}`]),
      ]),
    ...(apart.length > 0 ? ['', 'Not counted:'] : []),
    ...apart.map((each) => `  ${line(each)} [${each.code}]`),
  ].join('\n');
}
