import type { ChalkInstance } from 'chalk';
import type { ExpiryReport } from '../../../findings/check-expiry.js';
import { DEFAULT_RENEW_BEFORE } from '../../../certificates/expiry.js';
import type { FindingsFormat } from '../../../findings/formats/index.js';
import type { NagiosData } from '../../../findings/formats/nagios.js';
import { VERSION } from '../../../platform/version.js';

/** A format of `check-expiry`: its text for a report. Each is loaded when it is used. */
type Format = (report: ExpiryReport, style: ChalkInstance) => Promise<string>;

/** A format that the findings of every command have. */
async function findings(format: FindingsFormat, report: ExpiryReport, data?: NagiosData): Promise<string> {
  const [{ findingsFormat }, { expiryFindings }] = await Promise.all([
    import('../../../findings/formats/index.js'),
    import('./expiry-findings.js'),
  ]);
  const more = { version: VERSION, ...(data === undefined ? {} : { data }) };
  return findingsFormat(format, expiryFindings(report), more);
}

export const FORMATS = {
  text: async (report, style) => (await import('./table.js')).tableFormat(report, style),
  json: (report) => Promise.resolve(JSON.stringify(report, null, 2)),
  nagios: async (report) => findings('nagios', report, (await import('./nagios-data.js')).expiryData(report)),
  prometheus: async (report) => (await import('./prometheus.js')).prometheusFormat(report),
  sarif: (report) => findings('sarif', report),
  junit: (report) => findings('junit', report),
  github: (report) => findings('github', report),
  csv: async ({ items }) => (await import('../../../findings/formats/certificates-csv.js')).csvFormat(items),
  html: async (report) =>
    (await import('../../../findings/formats/html/page.js')).htmlPage(report, DEFAULT_RENEW_BEFORE),
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;
