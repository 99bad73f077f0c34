import { badness, worstLevel, type CheckLevel } from './check-level.js';
import { AppError } from './errors.js';
import { FINDINGS, type Finding, type FindingCode, type Severity } from './finding-catalogue.js';

/** Which findings change the exit code: from a severity on, and single ones by their code. */
export interface FailOn {
  severity: Exclude<Severity, 'unknown'>;
  codes: readonly FindingCode[];
}

export const DEFAULT_FAIL_ON: FailOn = { severity: 'warning', codes: [] };

function isCode(word: string): word is FindingCode {
  return Object.hasOwn(FINDINGS, word);
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
      hint: `write info, warning or critical, and codes if you like: ${Object.keys(FINDINGS).join(', ')}`,
    });
  }
  return { severity: severities[0] ?? DEFAULT_FAIL_ON.severity, codes: words.filter(isCode) };
}

/** The level that a finding counts as: an `info` that was asked for is a warning. */
export function countedLevel({ severity, code }: Finding, failOn: FailOn): CheckLevel {
  // What could not be found out always counts: a check that saw nothing must not say that all is well.
  const counts =
    severity === 'unknown' || failOn.codes.includes(code) || badness(severity) >= badness(failOn.severity);
  if (!counts) return 'ok';
  return severity === 'info' ? 'warning' : severity;
}

/** What the monitor is told in the end. */
export function overallLevel(findings: readonly Finding[], failOn: FailOn): CheckLevel {
  return worstLevel(findings.map((each) => countedLevel(each, failOn)));
}
