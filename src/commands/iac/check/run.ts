import { reported, type ReportedFinding } from '../../../findings/finding.js';
import { worstFirst } from '../../../findings/severity.js';
import type { PlanFormat } from '../../../iac/judgement.js';
import { judgePlans, type PlanSource } from '../../../iac/judge.js';

/**
 * `outage`: the apply would change a client certificate or the certificate of a stage. `unknown`: it cannot be shown that
 * it does not. `unchanged`: no change of the plan concerns them.
 */
export type PlanVerdict = 'unchanged' | 'unknown' | 'outage';

/** What was found out about one file. */
export interface CheckedPlan {
  file: string;
  format: PlanFormat;
  /** What the file is, in words. */
  kind: string;
  /** How many changes of resources it lists, of whatever type. */
  changes: number;
  verdict: PlanVerdict;
}

export interface PlanReport {
  /** Of the worst file. */
  verdict: PlanVerdict;
  items: CheckedPlan[];
  /** Worst first, then in the order of the files. */
  findings: ReportedFinding[];
}

function verdictOf(findings: readonly Pick<ReportedFinding, 'severity'>[]): PlanVerdict {
  if (findings.some(({ severity }) => severity === 'critical')) return 'outage';
  return findings.some(({ severity }) => severity === 'unknown') ? 'unknown' : 'unchanged';
}

/** Judges what applying plans would do with client certificates. */
export function checkPlans(sources: readonly PlanSource[]): PlanReport {
  const judged = judgePlans(sources);
  const findings = judged.flatMap((each) => each.findings).map((each) => reported(each));
  return {
    verdict: verdictOf(findings),
    items: judged.map(({ file, format, kind, changes, findings: own }) => ({
      file,
      format,
      kind,
      changes,
      verdict: verdictOf(own),
    })),
    findings: findings.toSorted(worstFirst),
  };
}
