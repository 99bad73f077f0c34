import type { CertificateView } from './certificate-view.js';
import { badness, datesDiffer } from './check-level.js';
import { formatDuration } from './duration.js';
import { matchesFilter, matchesStage, type CertificateFilter } from './certificate-filter.js';
import { FINDINGS, type Finding, type FindingCode } from './finding-catalogue.js';
import { sourceName, type Source, type SourceResult } from './fleet.js';
import { certificateRows, usageOf, type CertificateRow } from './fleet-view.js';
import { DEFAULT_CERTIFICATE_QUOTA } from './inventory.js';
import { printable } from './printable.js';
import { readMark } from './rotation/marks.js';
import { CLOCK_TOLERANCE_MS, type SourceReading } from './source-reading.js';
import { stagesText } from './stages-text.js';

/** From this share of the quota on. */
const QUOTA_SHARE = 0.8;
/** A rotation that waits for people takes days, not weeks. Milliseconds. */
const STUCK_AFTER_MS = 7 * 86_400_000;
/** An old certificate may be kept for weeks on purpose (`--keep-old`). Milliseconds. */
const KEPT_AT_MOST_MS = 35 * 86_400_000;

export interface FindingOptions {
  filter?: CertificateFilter;
  /** Whether an expiring certificate that no stage presents is as bad as one in use. */
  countUnused?: boolean;
  /** Client certificates that an account may hold in a Region. */
  quota?: number;
}

const SEVERITY_OF_STATUS = {
  warning: 'CertificateWarning',
  critical: 'CertificateCritical',
  expired: 'CertificateExpired',
  notYetValid: 'CertificateNotYetValid',
} as const;

function finding(
  source: Source,
  code: FindingCode,
  message: string,
  more: Partial<Pick<Finding, 'severity' | 'clientCertificateId' | 'stage' | 'hint'>> = {},
): Finding {
  const { account, region } = source;
  return { account, region, code, severity: FINDINGS[code].severity, message, ...more };
}

function named({ clientCertificateId, description }: CertificateRow): string {
  return description ? `${clientCertificateId} (${printable(description)})` : clientCertificateId;
}

const time = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');

function users({ usedBy }: CertificateRow): string {
  if (usedBy === undefined) return '';
  if (usedBy.length === 0) return ', presented by no stage';
  return `, presented by ${stagesText(usedBy)}`;
}

/** What is to be said about one certificate that passed the filter. */
function certificateFindings(row: CertificateRow, countUnused: boolean): Finding[] {
  const { clientCertificateId, status, daysLeft, notAfter, notBefore, expirationDate } = row;
  const found: Finding[] = [];
  const idle = row.usedBy?.length === 0;
  const severity = idle && !countUnused ? { severity: 'info' as const } : {};
  if (status !== 'ok') {
    const words =
      status === 'expired'
        ? `expired at ${time(notAfter)}`
        : status === 'notYetValid'
          ? `is not valid before ${time(notBefore)}: check the clock`
          : `expires in ${daysLeft} day${daysLeft === 1 ? '' : 's'}, at ${time(notAfter)}`;
    const message = `${named(row)} ${words}${users(row)}`;
    found.push(finding(row, SEVERITY_OF_STATUS[status], message, { clientCertificateId, ...severity }));
  }
  if (datesDiffer({ expirationDate, notAfter })) {
    const message = `${named(row)} expires at ${time(notAfter)}, but API Gateway reports ${time(expirationDate)}`;
    found.push(finding(row, 'EndDatesDiffer', message, { clientCertificateId }));
  }
  if (idle && status === 'ok') {
    const message = `${named(row)} is presented by no stage`;
    found.push(finding(row, 'UnusedCertificate', message, { clientCertificateId }));
  }
  return found;
}

type Rotated<T> = readonly [row: T, old: T];

/** The pairs of a certificate that a rotation made long ago and the one that it was to replace, still there. */
function longRotations<T extends CertificateView>(rows: readonly T[], readAt: Date): Rotated<T>[] {
  const byId = new Map(rows.map((row) => [row.clientCertificateId, row]));
  return rows.flatMap((row): Rotated<T>[] => {
    const old = byId.get(readMark(row)?.replaces ?? '');
    const isLong = readAt.getTime() - row.createdDate.getTime() >= STUCK_AFTER_MS;
    return old && isLong ? [[row, old]] : [];
  });
}

/** Whether a rotation may be stuck, which only the stages can tell. */
export function mayBeStuck(certificates: readonly CertificateView[], now: Date): boolean {
  return longRotations(certificates, now).length > 0;
}

/** Rotations that left both certificates behind: made out by the tags of the new one. */
function stuckRotations(rows: readonly CertificateRow[], readAt: Date): Finding[] {
  return longRotations(rows, readAt).flatMap(([row, old]) => {
    const isInUse = (row.usedBy?.length ?? 0) > 0;
    // Both in use: some stages were rotated on purpose without the others.
    if (isInUse && (old.usedBy?.length ?? 0) > 0) return [];
    if (isInUse && readAt.getTime() - row.createdDate.getTime() < KEPT_AT_MOST_MS) return [];
    const age = formatDuration(readAt.getTime() - row.createdDate.getTime());
    const message = `${named(row)} was created ${age} ago to replace ${named(old)}, which still exists: run rotate again`;
    return [finding(row, 'RotationStuck', message, { clientCertificateId: row.clientCertificateId })];
  });
}

function stageFindings(source: Source, reading: SourceReading, filter: CertificateFilter): Finding[] {
  const { usage } = reading;
  const joined = usageOf(reading);
  if (usage === undefined || joined === undefined) return [];
  const names = new Map(usage.apis.map(({ id, name }) => [id, name]));
  const found: Finding[] = joined.elsewhere
    .filter((use) => matchesStage(use, filter))
    .map(({ restApiId, apiName, stageName, clientCertificateId, kind }) => {
      const stage = `${restApiId}/${stageName}`;
      const who = printable(`${apiName}/${stageName}`);
      const id = printable(clientCertificateId);
      return kind === 'acm'
        ? finding(source, 'AcmCertificateNotWatched', `stage ${who} presents ${id}`, { stage })
        : finding(source, 'StageCertificateMissing', `stage ${who} refers to ${id}, which does not exist`, {
            stage,
          });
    });
  const https = usage.httpsApis && new Set(usage.httpsApis);
  if (https === undefined) return found;
  for (const { restApiId, stageName, clientCertificateId } of usage.stages) {
    if (!matchesStage({ restApiId, apiName: names.get(restApiId) ?? '', stageName }, filter)) continue;
    const stage = `${restApiId}/${stageName}`;
    const who = printable(`${names.get(restApiId) ?? restApiId}/${stageName}`);
    if (clientCertificateId === undefined && https.has(restApiId)) {
      const message = `stage ${who} calls https backends without a client certificate`;
      found.push(finding(source, 'StageWithoutCertificate', message, { stage }));
    }
    if (clientCertificateId !== undefined && !https.has(restApiId)) {
      const message = `stage ${who} has a certificate, but no https integration that would present it`;
      found.push(finding(source, 'NeverPresented', message, { stage }));
    }
  }
  return found;
}

function sourceFindings(
  result: SourceResult<SourceReading>,
  quota: number,
  filter: CertificateFilter,
): Finding[] {
  const { source, clockOffsetMs = 0 } = result;
  const skew: Finding[] = [];
  if (Math.abs(clockOffsetMs) > CLOCK_TOLERANCE_MS) {
    const side = clockOffsetMs > 0 ? 'ahead of' : 'behind';
    const message = `the clock of this machine is ${formatDuration(Math.abs(clockOffsetMs))} ${side} that of AWS`;
    skew.push(finding(source, 'ClockSkew', message));
  }
  if (result.state === 'unknown') {
    const { message, hint } = result.error;
    const more = hint === undefined ? {} : { hint };
    return [finding(source, 'SourceUnknown', `${sourceName(source)}: ${printable(message)}`, more), ...skew];
  }
  const { value } = result;
  const found = value.unreadable.map(({ clientCertificateId, message }) =>
    finding(source, 'CertificateUnreadable', `${clientCertificateId}: ${printable(message)}`, {
      clientCertificateId,
    }),
  );
  const count = value.certificates.length + value.unreadable.length;
  if (count >= quota * QUOTA_SHARE) {
    const message = `${sourceName(source)} has ${count} of at most ${quota} client certificates`;
    found.push(finding(source, 'QuotaNearlyUsed', message));
  }
  if (value.usageError !== undefined) {
    const message = `the stages of ${sourceName(source)} could not be read: ${printable(value.usageError.message)}`;
    found.push(finding(source, 'UsageUnknown', message));
  }
  return [...found, ...skew, ...stageFindings(source, value, filter)];
}

/**
 * Everything that is worth telling about what was read, worst first. The filter narrows what is said about
 * certificates and stages; what concerns a source is always said.
 */
export function findFindings(
  results: readonly SourceResult<SourceReading>[],
  { filter = {}, countUnused = false, quota = DEFAULT_CERTIFICATE_QUOTA }: FindingOptions = {},
): Finding[] {
  const rows = certificateRows(results);
  const found = results.flatMap((result) => [
    ...sourceFindings(result, quota, filter),
    ...(result.state === 'read'
      ? stuckRotations(
          certificateRows([result]).filter((row) => matchesFilter(row, filter)),
          result.value.readAt,
        )
      : []),
  ]);
  found.push(
    ...rows
      .filter((row) => matchesFilter(row, filter))
      .flatMap((row) => certificateFindings(row, countUnused)),
  );

  const ids = new Set(
    results.flatMap((result) =>
      result.state === 'read'
        ? [...result.value.certificates, ...result.value.unreadable].map((each) => each.clientCertificateId)
        : [],
    ),
  );
  for (const id of filter.ids ?? []) {
    if (ids.has(id)) continue;
    const source = results.length === 1 && results[0] ? results[0].source : { account: '', region: '' };
    const message = `client certificate ${printable(id)} was not found`;
    found.push(finding(source, 'CertificateMissing', message, { clientCertificateId: id }));
  }
  if (
    namesSomething(filter) &&
    found.every(({ code, stage }) => !NOTHING_SEEN.has(code) && stage === undefined) &&
    rows.every((row) => !matchesFilter(row, filter))
  ) {
    const source = results.length === 1 && results[0] ? results[0].source : { account: '', region: '' };
    const message = 'no certificate matches the filters: check the spelling, the account and the Region';
    found.push(finding(source, 'NothingMatched', message));
  }
  return found.sort((a, b) => badness(b.severity) - badness(a.severity));
}

/** Where one of these is told, it is known already that something was not seen. */
const NOTHING_SEEN: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'CertificateMissing',
  'SourceUnknown',
  'UsageUnknown',
]);

/** Whether a filter names things that ought to be there; that nothing is unused, for one, is no surprise. */
function namesSomething({ ids = [], tags = {}, description, api, stage }: CertificateFilter): boolean {
  return (
    ids.length > 0 ||
    Object.keys(tags).length > 0 ||
    [description, api, stage].some((word) => word !== undefined)
  );
}
