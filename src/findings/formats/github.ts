import { sourceName } from '../../settings/accounts.js';
import { printable } from '../../platform/printable.js';
import { GITHUB_COMMAND } from '../severity.js';
import type { CountedFinding, FindingsReport } from './report.js';

/** Workflow commands end at a line's end; the percent sign begins an escape (actions/toolkit, `command.ts`). */
const data = (text: string): string =>
  printable(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

function annotation({ level, code, message, account, region = '', file, line }: CountedFinding): string {
  const title = [code, ...(account === undefined ? [] : [sourceName({ account, region })])].join(' ');
  const properties = [
    ...(file === undefined ? [] : [`file=${property(file)}`]),
    ...(line === undefined ? [] : [`line=${line}`]),
    `title=${property(title)}`,
  ];
  return `::${GITHUB_COMMAND[level]} ${properties.join(',')}::${data(message)}`;
}

/** Annotations of GitHub Actions: one a finding, and the summary as a notice. */
export function githubFormat({ findings, summary }: FindingsReport): string {
  return [...findings.map(annotation), `::notice title=apigw-cert::${data(summary)}`].join('\n');
}
