import type { ChalkInstance } from 'chalk';
import type { ExpiryReport } from '../../app/check-expiry.js';

import { DEFAULT_RENEW_BEFORE } from '../../core/expiry.js';

/** A format of `check-expiry`: its text for a report. Each is loaded when it is used. */
type Format = (report: ExpiryReport, style: ChalkInstance) => Promise<string>;

export const FORMATS = {
  text: async (report, style) => (await import('./table.js')).tableFormat(report, style),
  json: (report) => Promise.resolve(JSON.stringify(report, null, 2)),
  nagios: async (report) => (await import('./nagios.js')).nagiosFormat(report),
  prometheus: async (report) => (await import('./prometheus.js')).prometheusFormat(report),
  sarif: async (report) => (await import('./sarif.js')).sarifFormat(report),
  junit: async (report) => (await import('./junit.js')).junitFormat(report),
  github: async (report) => (await import('./github.js')).githubFormat(report),
  csv: async ({ items }) => (await import('./csv.js')).csvFormat(items),
  html: async (report) => (await import('../report/page.js')).htmlPage(report, DEFAULT_RENEW_BEFORE),
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;
