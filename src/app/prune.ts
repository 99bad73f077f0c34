import { AppError } from '../core/errors.js';
import { sourceName, type FleetAccount, type Source } from '../core/fleet.js';
import type { CertificateRow } from '../core/fleet-view.js';
import { pruneReason, type PruneReason } from '../core/prune.js';
import type { Fleet, OpenSource } from '../gateway/fleet.js';
import { deleteCertificate } from './delete.js';

export interface Prunable extends CertificateRow {
  reason: PruneReason;
}

export interface Pruned extends Source {
  clientCertificateId: string;
  /** Why it is still there. */
  error?: { code: string; message: string };
}

/** The certificates that may go, of those that were listed with their usage. */
export function prunable(items: readonly CertificateRow[], olderThanMs: number, now: Date): Prunable[] {
  const bySource = new Map<string, CertificateRow[]>();
  for (const item of items) {
    const known = bySource.get(sourceName(item)) ?? [];
    known.push(item);
    bySource.set(sourceName(item), known);
  }
  return items.flatMap((item) => {
    const reason = pruneReason(item, bySource.get(sourceName(item)) ?? [], olderThanMs, now);
    return reason === undefined ? [] : [{ ...item, reason }];
  });
}

/**
 * Deletes them. AWS refuses to delete one that has come into use in the meantime; that and any other failure is told
 * for the certificate, and the others are deleted all the same.
 */
export async function prune(
  fleet: Fleet,
  accounts: readonly FleetAccount[],
  candidates: readonly Prunable[],
): Promise<Pruned[]> {
  const pruned: Pruned[] = [];
  const opened = new Map<string, Promise<OpenSource>>();
  for (const { account: name, region, clientCertificateId } of candidates) {
    const account = accounts.find((each) => each.name === name);
    const done = { account: name, region, clientCertificateId };
    try {
      if (account === undefined) throw new AppError('Usage', `there is no account ${name}`);
      const source = opened.get(sourceName(done)) ?? fleet.open(account, region);
      opened.set(sourceName(done), source);
      const { gateway } = await source;
      await deleteCertificate(gateway, clientCertificateId);
      pruned.push(done);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      pruned.push({ ...done, error: { code: error.code, message: error.message } });
    }
  }
  return pruned;
}
