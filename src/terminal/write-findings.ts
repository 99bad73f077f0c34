import type { ReportedFinding } from '../findings/finding.js';
import { findingsFormat, type FindingsFormat } from '../findings/formats/index.js';
import type { CountedFinding, FindingsReport } from '../findings/formats/report.js';
import { levelOfSeverity, worstLevel } from '../findings/severity.js';
import type { Output } from './output.js';
import { VERSION } from '../platform/version.js';
import { writeResult } from './write-result.js';

/** What a command that reports findings writes. */
export interface FindingsResult {
  /** For `--output json`. */
  document: unknown;
  /** For people. */
  text: () => string;
  /** For every other format. */
  findings: () => FindingsReport;
}

/**
 * Writes the result of a command whose findings count by their severity.
 * @throws AppError `FileNotWritable`
 */
export async function writeFindings(
  out: Output,
  { output, outFile }: { output: FindingsFormat | 'text' | 'json'; outFile?: string },
  { document, text, findings }: FindingsResult,
): Promise<void> {
  const content =
    output === 'json'
      ? JSON.stringify(document, null, 2)
      : output === 'text'
        ? text()
        : await findingsFormat(output, findings(), { version: VERSION });
  await writeResult(out, content, outFile);
}

/** Findings that count by their severity, and the worst that does. */
export function countedBySeverity(
  findings: readonly ReportedFinding[],
): Pick<FindingsReport, 'findings' | 'level'> {
  const counted = findings.map((each): CountedFinding => ({
    ...each,
    level: levelOfSeverity(each.severity),
  }));
  return { findings: counted, level: worstLevel(counted.map(({ level }) => level)) };
}
