import type { CheckLevel } from './check-level.js';
import type { Finding } from './finding-catalogue.js';

/** What was told last: the level of each thing that is not all right, by its identity. */
export type ToldState = Readonly<Record<string, CheckLevel>>;

/** One thing whose level is another than when it was last told. `ok` on either side: new, or over. */
export interface NoticeChange {
  was: CheckLevel;
  is: CheckLevel;
  account: string;
  region: string;
  clientCertificateId?: string;
  message: string;
}

export interface NoticePlan {
  changes: NoticeChange[];
  /** To be remembered once the notice is delivered. */
  next: ToldState;
}

/** A certificate's warning that becomes critical is one thing that changed, not an end and a beginning. */
const EXPIRY: ReadonlySet<string> = new Set([
  'CertificateWarning',
  'CertificateCritical',
  'CertificateExpired',
  'CertificateNotYetValid',
]);

const PARTS = 5;

function identity({ account, region, code, clientCertificateId = '', stage = '' }: Finding): string {
  const what = EXPIRY.has(code) ? 'expiry' : code;
  return JSON.stringify([account, region, what, clientCertificateId, stage]);
}

function parts(key: string): string[] {
  const read: unknown = JSON.parse(key);
  return Array.isArray(read) && read.length === PARTS ? read.map(String) : Array<string>(PARTS).fill('');
}

/**
 * What has changed since it was last told. Of a source that cannot be read now nothing is known to be over: what was
 * told of it stays as it was.
 */
export function planNotice(
  findings: readonly (Finding & { level: CheckLevel })[],
  told: ToldState,
): NoticePlan {
  const now = new Map(
    findings.filter(({ level }) => level !== 'ok').map((finding) => [identity(finding), finding]),
  );
  const unknown = new Set(
    findings
      .filter(({ code }) => code === 'SourceUnknown')
      .map(({ account, region }) => JSON.stringify([account, region])),
  );
  const next: Record<string, CheckLevel> = {};
  const changes: NoticeChange[] = [];
  for (const [key, { level, account, region, clientCertificateId, message }] of now) {
    next[key] = level;
    const was = told[key] ?? 'ok';
    if (was === level) continue;
    const id = clientCertificateId === undefined ? {} : { clientCertificateId };
    changes.push({ was, is: level, account, region, ...id, message });
  }
  for (const [key, was] of Object.entries(told)) {
    if (now.has(key)) continue;
    const [account = '', region = '', what = '', id = '', stage = ''] = parts(key);
    if (unknown.has(JSON.stringify([account, region]))) {
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
      message: `${subject}: over (${what})`,
    });
  }
  return { changes, next };
}
