import type { ChalkInstance } from 'chalk';
import type { ExpiryReport } from '../../app/check-expiry.js';
import { DEFAULT_RENEW_BEFORE } from '../../core/expiry.js';
import { findingsFormat } from '../../findings/formats/index.js';
import { VERSION } from '../version.js';
import { expiryFindings } from './expiry-findings.js';

/** A format of `check-expiry`: its text for a report. Each is loaded when it is used. */
type Format = (report: ExpiryReport, style: ChalkInstance) => Promise<string>;

const findings =
  (format: 'sarif' | 'junit' | 'github'): Format =>
  (report) =>
    findingsFormat(format, expiryFindings(report), { version: VERSION });

export const FORMATS = {
  text: async (report, style) => (await import('./table.js')).tableFormat(report, style),
  json: (report) => Promise.resolve(JSON.stringify(report, null, 2)),
  nagios: async (report) => {
    const { expiryData } = await import('./nagios-data.js');
    return findingsFormat('nagios', expiryFindings(report), { version: VERSION, data: expiryData(report) });
  },
  prometheus: async (report) => (await import('./prometheus.js')).prometheusFormat(report),
  sarif: findings('sarif'),
  junit: findings('junit'),
  github: findings('github'),
  csv: async ({ items }) => (await import('./csv.js')).csvFormat(items),
  html: async (report) => (await import('../report/page.js')).htmlPage(report, DEFAULT_RENEW_BEFORE),
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;
