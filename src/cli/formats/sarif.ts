import type { ExpiryReport } from '../../app/check-expiry.js';
import { FINDINGS, type Severity } from '../../core/finding-catalogue.js';
import type { FindingSeverity } from '../../core/severity.js';
import { sarifLog } from '../sarif.js';

const LEVELS = {
  info: 'note',
  warning: 'warning',
  unknown: 'error',
  critical: 'error',
} as const satisfies Record<Severity, FindingSeverity>;

/** A log of SARIF 2.1.0: each finding is filed under a path of its account, Region, and certificate or stage. */
export function sarifFormat({ findings }: ExpiryReport): string {
  const rules = Object.entries(FINDINGS).map(([id, { severity, meaning }]) => ({
    id,
    meaning,
    severity: LEVELS[severity],
  }));
  const results = findings.map(({ code, severity, message, account, region, stage, clientCertificateId }) => {
    const path = [account, region, stage ?? clientCertificateId ?? ''].filter(Boolean).join('/');
    return { ruleId: code, severity: LEVELS[severity], message, at: { name: path, path: `aws/${path}` } };
  });
  return JSON.stringify(sarifLog(rules, results), null, 2);
}
