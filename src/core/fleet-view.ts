import type { CertificateView } from './certificate-view.js';
import type { SourceResult } from './fleet.js';
import { inventory, type Inventory, type StageUse } from './inventory.js';
import type { SourceReading } from './source-reading.js';

/** A certificate as lists over a fleet show it. */
export interface CertificateRow extends CertificateView {
  account: string;
  region: string;
  /** Stages that present it; absent when usage was not read. */
  usedBy?: readonly StageUse[];
}

/** A source as lists over a fleet show it. */
export interface SourceRow {
  account: string;
  region: string;
  accountId?: string;
  state: 'read' | 'unknown';
  /** How many certificates it holds, readable or not; absent for an unknown source. */
  certificates?: number;
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
  return {
    account,
    region,
    ...(accountId === undefined ? {} : { accountId }),
    state: 'read',
    certificates: value.certificates.length + value.unreadable.length,
  };
}

/** The join of certificates and stages, where both were read. Unreadable certificates take part: they count. */
export function usageOf({ certificates, unreadable, usage }: SourceReading): Inventory | undefined {
  return usage && inventory({ certificates: [...certificates, ...unreadable], ...usage });
}

/** The certificates of all sources that were read, soonest expiry first. */
export function certificateRows(results: readonly SourceResult<SourceReading>[]): CertificateRow[] {
  return results
    .flatMap((result) => {
      if (result.state === 'unknown') return [];
      const usedBy = usageOf(result.value)?.usedBy;
      const { account, region } = result.source;
      return result.value.certificates.map((certificate) => {
        const uses = usedBy?.get(certificate.clientCertificateId);
        return { account, region, ...certificate, ...(uses === undefined ? {} : { usedBy: uses }) };
      });
    })
    .sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
}
