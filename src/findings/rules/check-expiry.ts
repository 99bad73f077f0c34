import {
  matchesFilter,
  matchesStage,
  type CertificateFilter,
} from '../../control-plane/certificate-filter.js';
import type { CertificateView } from '../../control-plane/certificate-view.js';
import { datesDiffer } from '../../certificates/expiry.js';
import type { Source, SourceResult } from '../../settings/accounts.js';
import { certificateRows, usageOf, type CertificateRow } from '../../control-plane/fleet-view.js';
import { DEFAULT_CERTIFICATE_QUOTA } from '../../control-plane/inventory.js';
import { apiNamesOf, namedStage } from '../../control-plane/named-stage.js';
import { readMark } from '../../control-plane/marks.js';
import { CLOCK_TOLERANCE_MS, type SourceReading } from '../../control-plane/source-reading.js';
import { finding, type Finding, type FindingCode, type Where } from '../finding.js';
import { worstFirst } from '../severity.js';
import { ACM_CODES, acmFindings } from './acm.js';

/** Everything that `check-expiry` can find. */
export const EXPIRY_CODES = [
  ...ACM_CODES,
  'CertificateCritical',
  'CertificateExpired',
  'CertificateMissing',
  'CertificateNotYetValid',
  'CertificateUnreadable',
  'CertificateWarning',
  'ClockSkew',
  'EndDatesDiffer',
  'NeverPresented',
  'NothingMatched',
  'NotificationFailed',
  'QuotaNearlyUsed',
  'RotationStuck',
  'SourceUnknown',
  'StageCertificateMissing',
  'StageWithoutCertificate',
  'UnusedCertificate',
  'UsageUnknown',
] as const satisfies readonly FindingCode[];

/** A rule can find nothing that the list does not have. */
type ExpiryFinding = Finding<(typeof EXPIRY_CODES)[number]>;

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

const placeOf = ({ account, region }: Source): Where => ({ account, region });

function expiryFinding(row: CertificateRow, where: Where, severity?: 'info'): ExpiryFinding | undefined {
  const { status, daysLeft, notAfter, notBefore, usedBy, description } = row;
  const args = { description, usedBy, origin: row.acm?.origin };
  switch (status) {
    case 'ok':
      return undefined;
    case 'expired':
      return finding('CertificateExpired', where, { ...args, notAfter }, severity);
    case 'notYetValid':
      return finding('CertificateNotYetValid', where, { ...args, notBefore }, severity);
    case 'warning':
      return finding('CertificateWarning', where, { ...args, notAfter, daysLeft }, severity);
    case 'critical':
      return finding('CertificateCritical', where, { ...args, notAfter, daysLeft }, severity);
  }
}

/** What is to be said about one certificate that passed the filter. */
function certificateFindings(row: CertificateRow, countUnused: boolean): ExpiryFinding[] {
  const { clientCertificateId, status, notAfter, expirationDate, description } = row;
  const where = { ...placeOf(row), clientCertificateId };
  const idle = row.usedBy?.length === 0;
  const expiring = expiryFinding(row, where, idle && !countUnused ? 'info' : undefined);
  return [
    ...(expiring === undefined ? [] : [expiring]),
    ...(datesDiffer({ expirationDate, notAfter })
      ? [finding('EndDatesDiffer', where, { description, notAfter, expirationDate })]
      : []),
    ...(idle && status === 'ok' ? [finding('UnusedCertificate', where, { description })] : []),
  ];
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
function stuckRotations(rows: readonly CertificateRow[], readAt: Date): ExpiryFinding[] {
  return longRotations(rows, readAt).flatMap(([row, old]) => {
    const isInUse = (row.usedBy?.length ?? 0) > 0;
    // Both in use: some stages were rotated on purpose without the others.
    if (isInUse && (old.usedBy?.length ?? 0) > 0) return [];
    if (isInUse && readAt.getTime() - row.createdDate.getTime() < KEPT_AT_MOST_MS) return [];
    const where = { ...placeOf(row), clientCertificateId: row.clientCertificateId };
    const ageMs = readAt.getTime() - row.createdDate.getTime();
    const { clientCertificateId, description } = old;
    const replaces = { clientCertificateId, description };
    return [finding('RotationStuck', where, { description: row.description, ageMs, replaces })];
  });
}

function stageFindings(source: Source, reading: SourceReading, filter: CertificateFilter): ExpiryFinding[] {
  const { usage } = reading;
  const joined = usageOf(reading);
  if (usage === undefined || joined === undefined) return [];
  const names = apiNamesOf(usage.apis);
  const found: ExpiryFinding[] = joined.elsewhere
    .filter((use) => use.kind === 'unknown' && matchesStage(use, filter))
    .map((use) => {
      const where = { ...placeOf(source), stage: namedStage(use, names) };
      return finding('StageCertificateMissing', where, { certificate: use.clientCertificateId });
    });
  const https = usage.httpsApis && new Set(usage.httpsApis);
  if (https === undefined) return found;
  for (const presentation of usage.stages) {
    const { restApiId, clientCertificateId } = presentation;
    const stage = namedStage(presentation, names);
    if (!matchesStage(stage, filter)) continue;
    const where = { ...placeOf(source), stage };
    const presents = clientCertificateId !== undefined;
    if (!presents && https.has(restApiId)) found.push(finding('StageWithoutCertificate', where, {}));
    if (presents && !https.has(restApiId)) found.push(finding('NeverPresented', where, {}));
  }
  return found;
}

/** What is to be said about certificates of ACM, each once, whatever number of stages present it. */
function acmFindingsOf(source: Source, reading: SourceReading, filter: CertificateFilter): ExpiryFinding[] {
  const { acm = [], readAt } = reading;
  const rows = certificateRows([{ state: 'read', source, value: reading }]);
  const elsewhere = usageOf(reading)?.elsewhere ?? [];
  const { ids = [] } = filter;
  return acm
    .filter(({ state, arn }) =>
      state === 'read'
        ? rows.some((row) => row.clientCertificateId === arn && matchesFilter(row, filter))
        : // Of one that could not be read only its stages are known: rather told than left out.
          ids.includes(arn) ||
          (ids.length === 0 &&
            elsewhere.some((use) => use.clientCertificateId === arn && matchesStage(use, filter))),
    )
    .flatMap((each) => acmFindings(each, { ...placeOf(source), clientCertificateId: each.arn }, readAt));
}

function sourceFindings(
  result: SourceResult<SourceReading>,
  quota: number,
  filter: CertificateFilter,
): ExpiryFinding[] {
  const { source, clockOffsetMs = 0 } = result;
  const where = placeOf(source);
  const skew =
    Math.abs(clockOffsetMs) > CLOCK_TOLERANCE_MS
      ? [finding('ClockSkew', where, { offsetMs: clockOffsetMs })]
      : [];
  if (result.state === 'unknown') {
    const { message, hint } = result.error;
    return [finding('SourceUnknown', where, { reason: message, hint }), ...skew];
  }
  const { value } = result;
  const count = value.certificates.length + value.unreadable.length;
  return [
    ...value.unreadable.map(({ clientCertificateId, message }) =>
      finding('CertificateUnreadable', { ...where, clientCertificateId }, { reason: message }),
    ),
    ...(count >= quota * QUOTA_SHARE ? [finding('QuotaNearlyUsed', where, { count, quota })] : []),
    ...(value.usageError === undefined
      ? []
      : [finding('UsageUnknown', where, { reason: value.usageError.message })]),
    ...skew,
    ...acmFindingsOf(source, value, filter),
    ...stageFindings(source, value, filter),
  ];
}

/**
 * Everything that is worth telling about what was read, worst first. The filter narrows what is said about
 * certificates and stages; what concerns a source is always said.
 */
export function findFindings(
  results: readonly SourceResult<SourceReading>[],
  { filter = {}, countUnused = false, quota = DEFAULT_CERTIFICATE_QUOTA }: FindingOptions = {},
): ExpiryFinding[] {
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
        ? [
            ...[...result.value.certificates, ...result.value.unreadable].map(
              (each) => each.clientCertificateId,
            ),
            // That one could not be read is said of it.
            ...(result.value.acm ?? []).map(({ arn }) => arn),
          ]
        : [],
    ),
  );
  // Of several, nothing says in which it should have been.
  const only = results.length === 1 && results[0] ? placeOf(results[0].source) : {};
  for (const id of filter.ids ?? []) {
    if (ids.has(id)) continue;
    found.push(finding('CertificateMissing', { ...only, clientCertificateId: id }, {}));
  }
  if (
    namesSomething(filter) &&
    found.every(({ code, where }) => !NOTHING_SEEN.has(code) && where.stage === undefined) &&
    rows.every((row) => !matchesFilter(row, filter))
  ) {
    found.push(finding('NothingMatched', only, {}));
  }
  return found.sort(worstFirst);
}

/** Where one of these is told, it is known already that something was not seen. */
const NOTHING_SEEN: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'AcmCertificateElsewhere',
  'AcmCertificateUnknown',
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
