import type { CertificateRow } from '../../control-plane/fleet-view.js';
import { ROTATION_MAY_TAKE_MS, rotationInProgress } from '../../rotation/rules/in-progress.js';
import { readMark } from '../../control-plane/marks.js';

/** Why a certificate may go: it ended, or a rotation made it and was given up. */
export type PruneReason = 'expired' | 'abortedRotation';

/** Why an unused certificate stays. */
export type KeptReason = 'rotationInProgress' | 'expiredRecently' | 'valid';

/**
 * Why a certificate that is not in use is not pruned; nothing for one that is in use, or may be.
 * @param row one that {@link pruneReason} gives no reason for
 * @param siblings all certificates of the same account and Region
 */
export function keptReason(
  row: CertificateRow,
  siblings: readonly CertificateRow[],
  now: Date,
): KeptReason | undefined {
  if (row.usedBy?.length !== 0) return undefined;
  if (isOfRotation(row, siblings, now)) return 'rotationInProgress';
  return row.status === 'expired' ? 'expiredRecently' : 'valid';
}

function isOfRotation(row: CertificateRow, siblings: readonly CertificateRow[], now: Date): boolean {
  const presented = siblings.filter(({ usedBy }) => usedBy?.length !== 0);
  const ids = new Set(presented.map(({ clientCertificateId }) => clientCertificateId));
  return rotationInProgress(row.clientCertificateId, siblings, ids, now) !== undefined;
}

/**
 * Whether a certificate may be deleted, and why. Never one in use, none whose use is not known, and none of a rotation in
 * progress, which may have to go back to it.
 * @param olderThanMs how long ago it must have ended, or been made by the rotation
 * @param siblings all certificates of the same account and Region
 */
export function pruneReason(
  row: CertificateRow,
  siblings: readonly CertificateRow[],
  olderThanMs: number,
  now: Date,
): PruneReason | undefined {
  if (row.usedBy?.length !== 0) return undefined;
  if (isOfRotation(row, siblings, now)) return undefined;
  if (row.status === 'expired' && now.getTime() - row.notAfter.getTime() >= olderThanMs) return 'expired';
  const mark = readMark(row);
  if (mark === undefined || mark.adopted) return undefined;
  // A mark stays for life: the rotation that made this one has long ended, and a later one may be replacing it.
  if (siblings.some((other) => readMark(other)?.replaces === row.clientCertificateId)) return undefined;
  const isUnfinished = siblings.some(({ clientCertificateId }) => clientCertificateId === mark.replaces);
  if (!isUnfinished && mark.rolledBack === undefined) return undefined;
  const least = mark.rolledBack === undefined ? Math.max(olderThanMs, ROTATION_MAY_TAKE_MS) : olderThanMs;
  return now.getTime() - row.createdDate.getTime() >= least ? 'abortedRotation' : undefined;
}
