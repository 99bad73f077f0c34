import type { ExpiryReport } from '../../app/check-expiry.js';
import type { CheckLevel } from '../../core/check-level.js';
import { summaryLine } from './summary.js';

const COMMAND = {
  ok: 'notice',
  warning: 'warning',
  critical: 'error',
  unknown: 'error',
} as const satisfies Record<CheckLevel, string>;

/** Workflow commands end at a line's end; the percent sign begins an escape (actions/toolkit, `command.ts`). */
const data = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** Annotations of GitHub Actions: one a finding, and the summary as a notice. */
export function githubFormat(report: ExpiryReport): string {
  const lines = report.findings.map(({ level, code, message, account, region }) => {
    const title = property([code, account && `${account}/${region}`].filter(Boolean).join(' '));
    return `::${COMMAND[level]} title=${title}::${data(message)}`;
  });
  return [...lines, `::notice title=apigw-cert::${data(summaryLine(report))}`].join('\n');
}
