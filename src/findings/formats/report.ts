import { sourceName } from '../../settings/accounts.js';
import { stageOption } from '../entry.js';
import type { ReportedFinding } from '../finding.js';
import type { CheckLevel } from '../severity.js';

/** A finding, and what it counts as. */
export interface CountedFinding extends ReportedFinding {
  level: CheckLevel;
}

/** One thing that was looked at, and what was found about it. */
export interface Case {
  name: string;
  /** What makes the command fail. */
  problems: readonly CountedFinding[];
  /** What else was found. */
  notes: readonly CountedFinding[];
}

export interface Suite {
  name: string;
  cases: readonly Case[];
}

/** What a command found, as each format for findings takes it. */
export interface FindingsReport {
  /** `check-expiry`. */
  command: string;
  /** The worst that counts. */
  level: CheckLevel;
  /** The whole in a sentence that fits a text message; printable. */
  summary: string;
  findings: readonly CountedFinding[];
  /** For JUnit: everything that was looked at. Made when it is wanted. */
  suites: () => Suite[];
}

/** What a finding is about, from the outside in: the account and Region, and the stage or certificate. */
export function placeOf(finding: ReportedFinding): string {
  const { account, region, stage, clientCertificateId } = finding;
  const source = account === undefined ? region : sourceName({ account, region: region ?? '' });
  const what = stage === undefined ? clientCertificateId : stageOption({ stage });
  return [source, what].filter((part) => part !== undefined && part !== '').join('/');
}

/** A case whose findings fail it from a level on that makes the command fail. */
export function caseOf(
  name: string,
  findings: readonly CountedFinding[],
  fails: (finding: CountedFinding) => boolean,
): Case {
  return {
    name,
    problems: findings.filter(fails),
    notes: findings.filter((each) => !fails(each)),
  };
}
