import { AppError } from '../../platform/errors.js';
import { sourceName, type FleetAccount, type Source } from '../../settings/accounts.js';
import type { CertificateRow } from '../../control-plane/fleet-view.js';
import { keptReason, pruneReason, type KeptReason, type PruneReason } from './rules.js';
import type { Fleet } from '../../control-plane/fleet-port.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import {
  assertDeletable,
  deleteCertificate,
  lookBeforeDeletion,
  type DeletionView,
} from '../../rotation/engine/delete.js';

export interface Prunable extends CertificateRow {
  reason: PruneReason;
}

export interface Pruned extends Source {
  clientCertificateId: string;
  /** Why it is still there. */
  error?: { code: string; message: string };
}

/** An unused certificate that stays, and why. */
export interface KeptUnused extends CertificateRow {
  kept: KeptReason;
}

/** The certificates that may be deleted, and the unused ones that stay, of those that were listed with their usage. */
export function prunable(
  items: readonly CertificateRow[],
  olderThanMs: number,
  now: Date,
): { candidates: Prunable[]; kept: KeptUnused[] } {
  const bySource = new Map<string, CertificateRow[]>();
  for (const item of items) {
    const known = bySource.get(sourceName(item)) ?? [];
    known.push(item);
    bySource.set(sourceName(item), known);
  }
  const candidates: Prunable[] = [];
  const unused: KeptUnused[] = [];
  for (const item of items) {
    const siblings = bySource.get(sourceName(item)) ?? [];
    const reason = pruneReason(item, siblings, olderThanMs, now);
    const kept = reason === undefined ? keptReason(item, siblings, now) : undefined;
    if (reason !== undefined) candidates.push({ ...item, reason });
    if (kept !== undefined) unused.push({ ...item, kept });
  }
  return { candidates, kept: unused };
}

/**
 * Deletes them, unless one has come into use or into a rotation in the meantime; that and any other failure is told for
 * the certificate, and the others are deleted all the same.
 */
export async function prune(
  fleet: Fleet,
  accounts: readonly FleetAccount[],
  candidates: readonly Prunable[],
  now: () => Date,
): Promise<Pruned[]> {
  const pruned: Pruned[] = [];
  const opened = new Map<string, Promise<[ControlPlane, DeletionView]>>();
  async function open(account: FleetAccount, region: string): Promise<[ControlPlane, DeletionView]> {
    const { controlPlane } = await fleet.open(account, region);
    return [controlPlane, await lookBeforeDeletion(controlPlane)];
  }
  for (const { account: name, region, clientCertificateId } of candidates) {
    const account = accounts.find((each) => each.name === name);
    const done = { account: name, region, clientCertificateId };
    try {
      if (account === undefined) throw new AppError('Usage', `there is no account ${name}`);
      const source = opened.get(sourceName(done)) ?? open(account, region);
      opened.set(sourceName(done), source);
      const [controlPlane, view] = await source;
      await assertDeletable(controlPlane, clientCertificateId, now(), view);
      await deleteCertificate(controlPlane, clientCertificateId);
      pruned.push(done);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      pruned.push({ ...done, error: { code: error.code, message: error.message } });
    }
  }
  return pruned;
}
