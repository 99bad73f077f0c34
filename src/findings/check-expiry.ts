import {
  filterNeedsUsage,
  matchesFilter,
  type CertificateFilter,
} from '../control-plane/certificate-filter.js';
import { formatThreshold } from '../platform/duration.js';
import { assertThresholdOrder, type ExpiryThresholds } from '../certificates/expiry.js';
import type { FleetAccount, SourceResult } from '../settings/accounts.js';
import {
  certificateRows,
  sourceRow,
  type CertificateRow,
  type SourceRow,
} from '../control-plane/fleet-view.js';
import type { SourceReading } from '../control-plane/source-reading.js';
import { countedLevel, overallLevel, type FailOn } from './fail-on.js';
import { finding, reported, type ReportedFinding } from './finding.js';
import { findFindings, mayBeStuck } from './rules/check-expiry.js';
import { levelOf, worstLevel, type CheckLevel } from './severity.js';
import type { Fleet } from '../control-plane/fleet-port.js';
import { overFleet, type FleetProgress } from '../control-plane/read-fleet.js';
import { readSource } from '../control-plane/read-source.js';

export interface ExpiryQuestion {
  /** Narrows the certificates. Named by their ids, they count whether or not they are in use. */
  filter: CertificateFilter;
  /** Unused certificates count like those in use. Without it they are told apart, as no emergency. */
  all: boolean;
  /** Also reads the integrations: which stages should have a certificate, and which never present theirs. */
  compliance: boolean;
  /** Reads the stages whether or not the answer depends on them. */
  usage?: boolean;
  thresholds: ExpiryThresholds;
  failOn: FailOn;
  /** Client certificates that an account may hold in a Region. */
  quota?: number;
}

export interface CheckedCertificate extends CertificateRow {
  level: CheckLevel;
}

/** One answer for all sources: what a person, a monitor and a program are told is made of it. */
export interface ExpiryReport {
  /** The worst that counts. */
  level: CheckLevel;
  checkedAt: Date;
  /** As they are written: `30d`, `1d12h30m`, `33%`. */
  thresholds: { warning: string; critical: string };
  /** Whether a certificate that no stage presents counts like one in use. */
  countsUnused: boolean;
  /**
   * Whether stages were not read whose ACM certificates the question covers: `level` and `items` know nothing about these.
   * Questions about single certificates or tags do not cover them.
   */
  acmUnchecked: boolean;
  /** How the accounts of `sources` are reached. */
  accounts: readonly Pick<FleetAccount, 'name' | 'profile' | 'roleArn'>[];
  sources: SourceRow[];
  /** Every certificate that was looked at, soonest expiry first. */
  items: CheckedCertificate[];
  /** Worst first; `level` is what each counts as. */
  findings: (ReportedFinding & { level: CheckLevel })[];
}

/** Whether a filter could match a certificate of ACM that was not asked for. Their tags are not read. */
const coversAcm = ({ ids = [], tags = {} }: CertificateFilter): boolean =>
  ids.length === 0 && Object.keys(tags).length === 0;

const isWithoutStages = (result: SourceResult<SourceReading>): boolean =>
  result.state === 'read' && result.value.usage === undefined;

/** Makes the report of what was read. Pure. */
export function expiryReport(
  results: readonly SourceResult<SourceReading>[],
  accounts: readonly FleetAccount[],
  { filter, all, thresholds, failOn, quota }: ExpiryQuestion,
  checkedAt: Date,
): ExpiryReport {
  const countUnused = all || filter.use === 'unused' || (filter.ids?.length ?? 0) > 0;
  const findings = findFindings(results, {
    filter,
    countUnused,
    ...(quota === undefined ? {} : { quota }),
  }).map(reported);
  return {
    level: overallLevel(findings, failOn),
    checkedAt,
    thresholds: {
      warning: formatThreshold(thresholds.warning),
      critical: formatThreshold(thresholds.critical),
    },
    countsUnused: countUnused,
    acmUnchecked: coversAcm(filter) && results.some(isWithoutStages),
    accounts: accounts.map(({ name, profile, roleArn }) => ({
      name,
      ...(profile === undefined ? {} : { profile }),
      ...(roleArn === undefined ? {} : { roleArn }),
    })),
    sources: results.map(sourceRow),
    items: certificateRows(results)
      .filter((row) => matchesFilter(row, filter))
      .map((row) => ({ ...row, level: levelOf(row.status) })),
    findings: findings.map((each) => ({ ...each, level: countedLevel(each, failOn) })),
  };
}

/** The report with the failures of telling people about it: a monitor that nobody hears is not well. */
export function withFailedNotices(
  report: ExpiryReport,
  failures: readonly { message: string; hint?: string | undefined }[],
): ExpiryReport {
  if (failures.length === 0) return report;
  const failed = failures.map(({ message, hint }) => ({
    ...reported(finding('NotificationFailed', {}, { reason: message, hint })),
    level: 'unknown' as const,
  }));
  return {
    ...report,
    level: worstLevel([report.level, 'unknown']),
    findings: [
      ...report.findings.filter(({ level }) => level === 'critical'),
      ...failed,
      ...report.findings.filter(({ level }) => level !== 'critical'),
    ],
  };
}

/**
 * Judges the certificates of a fleet by their own ends. The stages are read only when the answer depends on them:
 * a filter asks, or a certificate is in trouble and may be one that nobody uses.
 * @throws AppError `Usage` for thresholds upside down
 */
export async function checkExpiry(
  fleet: Fleet,
  accounts: readonly FleetAccount[],
  question: ExpiryQuestion,
  now: () => Date,
  progress?: FleetProgress,
): Promise<ExpiryReport> {
  const { filter, all, compliance, usage = false, thresholds } = question;
  assertThresholdOrder(thresholds);
  const mustRead = compliance || usage || filterNeedsUsage(filter);
  const mayRead = !all && (filter.ids?.length ?? 0) === 0;
  const results = await overFleet(
    fleet,
    accounts,
    (open, source, sourceProgress) =>
      readSource(
        open,
        {
          usage: mustRead ? 'always' : mayRead ? 'ifNeeded' : 'never',
          needsUsage: (certificates) =>
            mayBeStuck(certificates, now()) ||
            certificates.some(
              (each) => each.status !== 'ok' && matchesFilter({ ...each, ...source }, filter),
            ),
          integrations: compliance,
          thresholds,
          ...(filter.ids === undefined ? {} : { ids: filter.ids }),
        },
        now,
        sourceProgress,
      ),
    progress,
  );
  return expiryReport(results, accounts, question, now());
}
