import { printable } from '../../platform/printable.js';
import type { ReportedFinding } from '../finding.js';
import { SEVERITIES, SEVERITY_COLOUR, type Severity } from '../severity.js';

/** What colours a text; chalk has these. */
export type Style = Readonly<Record<(typeof SEVERITY_COLOUR)[Severity] | 'dim', (text: string) => string>>;

const place = ({ file, line }: ReportedFinding): string =>
  file === undefined ? '' : `${printable(`${file}${line === undefined ? '' : `:${line}`}`)}: `;

const fix = ({ remedy }: ReportedFinding, style: Pick<Style, 'dim'>): string =>
  remedy === undefined ? '' : `\n${style.dim('  fix:')} ${remedy}`;

/** A finding with its place as compilers write it, and its remedy below. */
export function findingText(finding: ReportedFinding, style: Style): string {
  const { code, severity, message } = finding;
  const word = style[SEVERITY_COLOUR[severity]](severity);
  return `${place(finding)}${word}: ${message} [${code}]${fix(finding, style)}`;
}

/** The same beside a result that is not about findings, as a warning whatever its severity. */
export function warningText(finding: ReportedFinding, style: Pick<Style, 'dim'>): string {
  return `${place(finding)}${finding.message} [${finding.code}]${fix(finding, style)}`;
}

/** `2 critical, 1 warning`; `no findings` where there are none. */
export function countText(findings: readonly { severity: Severity }[]): string {
  const counts = SEVERITIES.toReversed()
    .map((severity) => [findings.filter((each) => each.severity === severity).length, severity] as const)
    .filter(([count]) => count > 0)
    .map(([count, severity]) => `${count} ${severity}${severity === 'warning' && count > 1 ? 's' : ''}`);
  return counts.length === 0 ? 'no findings' : counts.join(', ');
}
