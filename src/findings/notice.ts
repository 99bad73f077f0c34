import { isAcmArn } from '../control-plane/inventory.js';
import { isRegionless, type Source } from '../settings/accounts.js';
import type { FindingCode, ReportedFinding } from './finding.js';
import type { CheckLevel } from './severity.js';

/** The state last notified: the level of each thing that is not all right, by its identity. */
export type NotificationState = Readonly<Record<string, CheckLevel>>;

/** One thing whose level is another than when it was last notified. `ok` on either side: new, or over. */
export interface NoticeChange {
  was: CheckLevel;
  is: CheckLevel;
  account: string;
  region: string;
  clientCertificateId?: string;
  message: string;
}

/** What is sent, as JSON where the channel allows it. */
export interface Notice {
  version: 1;
  level: CheckLevel;
  checkedAt: Date;
  /** One line for a subject. */
  summary: string;
  /** The whole in plain text: chat services show this member of the JSON. */
  text: string;
  changes: readonly NoticeChange[];
}

export interface NoticePlan {
  changes: NoticeChange[];
  /** To be remembered once the notice is delivered. */
  next: NotificationState;
}

/** A certificate's warning that becomes critical is one thing that changed, not an end and a beginning. */
const EXPIRY: ReadonlySet<string> = new Set([
  'CertificateWarning',
  'CertificateCritical',
  'CertificateExpired',
  'CertificateNotYetValid',
]);

/** What only the stages show; whether it is over is not known where they were not read. */
const BY_STAGES: ReadonlySet<string> = new Set<FindingCode>([
  'NeverPresented',
  'StageCertificateMissing',
  'StageWithoutCertificate',
  'UnusedCertificate',
]);

const PARTS = 5;

function identity(finding: ReportedFinding): string {
  const { account = '', region = '', code, clientCertificateId = '', stage } = finding;
  const what = EXPIRY.has(code) ? 'expiry' : code;
  const stageId = stage === undefined ? '' : `${stage.restApiId}/${stage.stageName}`;
  return JSON.stringify([account, region, what, clientCertificateId, stageId]);
}

/** The parts of an identity; nothing for what is none. */
export function noticeParts(key: string): string[] | undefined {
  try {
    const read: unknown = JSON.parse(key);
    return Array.isArray(read) && read.length === PARTS ? read.map(String) : undefined;
  } catch {
    return undefined;
  }
}

const where = ({ account = '', region = '' }: Partial<Source>): string => JSON.stringify([account, region]);

/**
 * What has changed since the last notification. Nothing of a source that cannot be read now is known to be over: its state
 * stays as it was, and so does that of stages that were not read this time.
 *
 * @param withStages the sources whose stages were read
 */
export function planNotice(
  findings: readonly (ReportedFinding & { level: CheckLevel })[],
  notified: NotificationState,
  withStages: readonly Source[],
): NoticePlan {
  const now = new Map(
    findings.filter(({ level }) => level !== 'ok').map((finding) => [identity(finding), finding]),
  );
  const lost = findings.filter(({ code }) => code === 'SourceUnknown');
  const unknown = new Set(lost.map(where));
  // Where not even the Regions were found out, nothing is known of any of them.
  const unknownAccounts = new Set(
    lost.filter(({ region = '' }) => isRegionless({ region })).map(({ account }) => account),
  );
  const stagesRead = new Set(withStages.map(where));
  const unread = new Set(
    findings.flatMap(({ code, clientCertificateId: arn }) =>
      arn !== undefined && (code === 'AcmCertificateUnknown' || code === 'AcmCertificateElsewhere')
        ? [arn]
        : [],
    ),
  );
  const next: Record<string, CheckLevel> = {};
  const changes: NoticeChange[] = [];
  for (const [key, { level, account = '', region = '', clientCertificateId, message }] of now) {
    next[key] = level;
    const was = notified[key] ?? 'ok';
    if (was === level) continue;
    const id = clientCertificateId === undefined ? {} : { clientCertificateId };
    changes.push({ was, is: level, account, region, ...id, message });
  }
  for (const [key, was] of Object.entries(notified)) {
    if (now.has(key)) continue;
    const [account = '', region = '', what = '', id = '', stage = ''] = noticeParts(key) ?? [];
    const source = where({ account, region });
    if (
      unknown.has(source) ||
      (unknownAccounts.has(account) && !isRegionless({ region })) ||
      ((BY_STAGES.has(what) || isAcmArn(id)) && !stagesRead.has(source)) ||
      unread.has(id)
    ) {
      next[key] = was;
      continue;
    }
    const subject = [id, stage, `${account}/${region}`].find((word) => word !== '') ?? '';
    changes.push({
      was,
      is: 'ok',
      account,
      region,
      ...(id === '' ? {} : { clientCertificateId: id }),
      message: `${subject}: resolved (${what})`,
    });
  }
  return { changes, next };
}
