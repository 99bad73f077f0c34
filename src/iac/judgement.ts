import { finding, type ArgsOf, type Finding } from '../findings/finding.js';
import type { PLAN_FINDINGS } from '../findings/catalogue/plans.js';
import type { Where } from '../findings/entry.js';

export type PlanCode = keyof typeof PLAN_FINDINGS;

/** Something that a plan does, or that is not known of it. */
export type PlanFinding = Finding<PlanCode>;

/** What a plan is. */
export type PlanFormat = 'terraform' | 'changeSet' | 'other';

/** What was found out about one plan. */
export interface Judgement {
  format: PlanFormat;
  /** What it is, in words. */
  kind: string;
  /** How many changes of resources it lists. */
  changes: number;
  findings: PlanFinding[];
}

/** A finding about a plan. */
export const planFinding = <Code extends PlanCode>(
  code: Code,
  where: Where,
  args: ArgsOf<Code>,
): Finding<Code> => finding(code, where, args);

/** That a part of a plan is not understood. @param reason a clause that names the part */
export const notUnderstood = (file: string, reason: string): PlanFinding =>
  planFinding('PlanNotUnderstood', { file }, { reason });

/** That a plan does not show everything. @param reason a clause */
export const incomplete = (file: string, reason: string): PlanFinding =>
  planFinding('PlanIncomplete', { file }, { reason });
