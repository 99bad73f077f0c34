import type { LintSource } from '../finding.js';
import type { Examination } from '../verdict.js';

/** Names Caddy's configuration for what it is. */
export function examineCaddy(source: LintSource): Examination {
  return {
    examined: [],
    findings: [],
    doubt: { file: source.file, line: 1, why: 'Caddy is not interpreted' },
  };
}
