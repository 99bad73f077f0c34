import type { CertificateView } from './certificate-view.js';
import type { Source, SourceResult } from '../settings/accounts.js';
import { DEFAULT_CERTIFICATE_QUOTA, inventory, type Inventory } from './inventory.js';
import { apiNamesOf, namedStage, type NamedStage } from './named-stage.js';
import type { SourceReading } from './source-reading.js';

/** A certificate as lists over a fleet show it. */
export interface CertificateRow extends CertificateView {
  account: string;
  region: string;
  /** Stages that present it; absent when usage was not read. */
  usedBy?: readonly NamedStage[];
}

/** A source as lists over a fleet show it. */
export interface SourceRow {
  account: string;
  region: string;
  accountId?: string;
  state: 'read' | 'unknown';
  /** How many certificates it holds, readable or not; absent for an unknown source. */
  certificates?: number;
  /** How many more may be made, by the default quota. */
  quotaLeft?: number;
  /** Where the stages were read: REST and WebSocket APIs, their stages, and certificates that no stage presents. */
  apis?: number;
  stages?: number;
  unused?: number;
  /** Ids of certificates whose PEM could not be read: they are missing from lists. */
  unreadable?: string[];
  error?: { code: string; message: string; hint?: string };
}

export function sourceRow(result: SourceResult<SourceReading>): SourceRow {
  const { account, region } = result.source;
  if (result.state === 'unknown') {
    const { code, message, hint } = result.error;
    const error = { code, message, ...(hint === undefined ? {} : { hint }) };
    return { account, region, state: 'unknown', error };
  }
  const { accountId, value } = result;
  const { usage } = value;
  const certificates = value.certificates.length + value.unreadable.length;
  return {
    account,
    region,
    ...(accountId === undefined ? {} : { accountId }),
    state: 'read',
    certificates,
    quotaLeft: Math.max(0, DEFAULT_CERTIFICATE_QUOTA - certificates),
    ...(value.unreadable.length === 0
      ? {}
      : { unreadable: value.unreadable.map(({ clientCertificateId }) => clientCertificateId) }),
    ...(usage === undefined
      ? {}
      : {
          apis: usage.apis.length,
          stages: usage.stages.length,
          unused: usageOf(value)?.unused.length ?? 0,
        }),
  };
}

/** Every view of a reading asks for its join, which is as large as the account. */
const joined = new WeakMap<SourceReading, Inventory>();

/** The join of certificates and stages, where both were read. Unreadable certificates take part: they count. */
export function usageOf(reading: SourceReading): Inventory | undefined {
  const { certificates, unreadable, usage } = reading;
  if (usage === undefined) return undefined;
  let join = joined.get(reading);
  if (join === undefined) {
    join = inventory({ certificates: [...certificates, ...unreadable], ...usage });
    joined.set(reading, join);
  }
  return join;
}

/** The certificates of ACM that could be read. */
const acmViews = ({ acm = [] }: SourceReading): CertificateView[] =>
  acm.flatMap((each) => (each.state === 'read' ? [each.view] : []));

/** The stages that present each certificate, those of ACM included. */
function usersOf({ usedBy, elsewhere }: Inventory): ReadonlyMap<string, readonly NamedStage[]> {
  const users = new Map(usedBy);
  for (const { clientCertificateId, kind, ...stage } of elsewhere)
    if (kind === 'acm') users.set(clientCertificateId, [...(users.get(clientCertificateId) ?? []), stage]);
  return users;
}

/** The certificates of all sources that were read, soonest expiry first. */
export function certificateRows(results: readonly SourceResult<SourceReading>[]): CertificateRow[] {
  return results
    .flatMap((result) => {
      if (result.state === 'unknown') return [];
      const joined = usageOf(result.value);
      const users = joined && usersOf(joined);
      const { account, region } = result.source;
      return [...result.value.certificates, ...acmViews(result.value)].map((certificate) => {
        const id = certificate.clientCertificateId;
        // Nothing presents one of ACM that was asked for and is on no stage.
        const uses = users?.get(id) ?? (users && certificate.acm ? [] : undefined);
        return { account, region, ...certificate, ...(uses === undefined ? {} : { usedBy: uses }) };
      });
    })
    .sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
}

/** A stage as an inventory shows it, with what it presents. */
export interface StageRow extends Source, NamedStage {
  clientCertificateId?: string;
  /** Of a certificate that could be read; absent for others. */
  status?: CertificateView['status'];
  daysLeft?: number;
  notAfter?: Date;
}

/** The stages of all sources where they were read, by account, Region, API and stage. */
export function stageRows(results: readonly SourceResult<SourceReading>[]): StageRow[] {
  const { compare } = new Intl.Collator();
  return results.flatMap((result) => {
    if (result.state === 'unknown' || result.value.usage === undefined) return [];
    const { certificates, usage } = result.value;
    const names = apiNamesOf(usage.apis);
    const byId = new Map(
      [...certificates, ...acmViews(result.value)].map((each) => [each.clientCertificateId, each]),
    );
    return usage.stages
      .map((stage): StageRow => {
        const { clientCertificateId } = stage;
        const certificate = byId.get(clientCertificateId ?? '');
        return {
          ...result.source,
          ...namedStage(stage, names),
          ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
          ...(certificate === undefined
            ? {}
            : {
                status: certificate.status,
                daysLeft: certificate.daysLeft,
                notAfter: certificate.notAfter,
              }),
        };
      })
      .sort((a, b) => compare(a.apiName, b.apiName) || compare(a.stageName, b.stageName));
  });
}
