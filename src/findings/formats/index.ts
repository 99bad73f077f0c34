import type { NagiosData } from './nagios.js';
import type { FindingsReport } from './report.js';

/** The formats that findings of any command can be written in. */
export type FindingsFormat = 'sarif' | 'nagios' | 'junit' | 'github' | 'csv';

/**
 * Writes what a command found. Only the format that is wanted is loaded.
 * @param version of this program
 */
export async function findingsFormat(
  format: FindingsFormat,
  report: FindingsReport,
  { version, data }: { version: string; data?: NagiosData },
): Promise<string> {
  switch (format) {
    case 'sarif':
      return (await import('./sarif.js')).sarifFormat(report.findings, version);
    case 'nagios':
      return (await import('./nagios.js')).nagiosFormat(report, data);
    case 'junit':
      return (await import('./junit.js')).junitFormat(report);
    case 'github':
      return (await import('./github.js')).githubFormat(report);
    case 'csv':
      return (await import('./csv.js')).findingsCsv(report.findings);
  }
}
