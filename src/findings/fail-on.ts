import { AppError } from '../platform/errors.js';
import type { FindingCode, ReportedFinding } from './finding.js';
import { EXPIRY_CODES } from './rules/check-expiry.js';
import { isAtLeast, worstLevel, type CheckLevel, type Severity } from './severity.js';

/** Which findings change the exit code: from a severity on, and single ones by their code. */
export interface FailOn {
  severity: Exclude<Severity, 'unknown'>;
  codes: readonly FindingCode[];
}

export const DEFAULT_FAIL_ON: FailOn = { severity: 'warning', codes: [] };

function isCode(word: string): word is FindingCode {
  return EXPIRY_CODES.some((code) => code === word);
}

function isSeverity(word: string): word is FailOn['severity'] {
  return word === 'info' || word === 'warning' || word === 'critical';
}

/**
 * Reads `warning`, `critical`, or codes added to one of them: `critical,UnusedCertificate`.
 * @throws AppError `Usage`
 */
export function parseFailOn(text: string): FailOn {
  const words = text.split(',').map((word) => word.trim());
  const wrong = words.find((word) => !isCode(word) && !isSeverity(word));
  const severities = words.filter(isSeverity);
  if (wrong !== undefined || severities.length > 1) {
    const what = wrong === undefined ? 'names two severities' : `holds "${wrong.slice(0, 60)}"`;
    throw new AppError('Usage', `--fail-on ${what}`, {
      hint: `write info, warning or critical, and codes if you like: ${EXPIRY_CODES.join(', ')}`,
    });
  }
  return { severity: severities[0] ?? DEFAULT_FAIL_ON.severity, codes: words.filter(isCode) };
}

/** The level that a finding counts as: an `info` that was asked for is a warning. */
export function countedLevel(
  { severity, code }: Pick<ReportedFinding, 'severity' | 'code'>,
  failOn: FailOn,
): CheckLevel {
  // What could not be found out always counts: a check that saw nothing must not say that all is well.
  const counts =
    severity === 'unknown' || failOn.codes.includes(code) || isAtLeast(severity, failOn.severity);
  if (!counts) return 'ok';
  return severity === 'info' ? 'warning' : severity;
}

/** What the monitor is told in the end. */
export function overallLevel(findings: readonly ReportedFinding[], failOn: FailOn): CheckLevel {
  return worstLevel(findings.map((each) => countedLevel(each, failOn)));
}
