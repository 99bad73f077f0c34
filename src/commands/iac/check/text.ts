import type { ChalkInstance } from 'chalk';
import { findingText } from '../../../findings/formats/text.js';
import { counted } from '../../../platform/counted.js';
import { printable } from '../../../platform/printable.js';
import type { CheckedPlan, PlanReport, PlanVerdict } from './run.js';

const VERDICT_COLOURS = { unchanged: 'green', unknown: 'yellow', outage: 'red' } as const;

function meaningOf({ verdict, changes }: CheckedPlan): string {
  switch (verdict) {
    case 'outage':
      return 'the apply changes client certificates, or the certificates of stages';
    case 'unknown':
      return 'it cannot be determined whether the apply changes client certificates, or the certificates of stages';
    case 'unchanged':
      return `${counted(changes, 'resource')} planned, and no change of a client certificate or of the certificate of a stage`;
  }
}

const planText = (plan: CheckedPlan, word: (verdict: PlanVerdict) => string): string =>
  `${printable(plan.file)}: ${word(plan.verdict)}: ${meaningOf(plan)}`;

/** All files in a line. */
export const planSummary = ({ items }: PlanReport): string =>
  items.map((each) => planText(each, (verdict) => verdict)).join('; ');

/** Every finding, then a line for each file. */
export function planReportText({ items, findings }: PlanReport, style: ChalkInstance): string {
  return [
    ...findings.map((each) => findingText(each, style)),
    ...items.map((each) => planText(each, (verdict) => style[VERDICT_COLOURS[verdict]](verdict))),
  ].join('\n');
}
