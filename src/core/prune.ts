import type { CertificateRow } from './fleet-view.js';
import { readMark } from './rotation/marks.js';

/** Why a certificate may go: it ended, or a rotation made it and was given up. */
export type PruneReason = 'expired' | 'abortedRotation';

/** A rotation that is still under way has an unused certificate too, for as long as people take. Milliseconds. */
const ROTATION_MAY_TAKE_MS = 7 * 86_400_000;

/**
 * Whether a certificate may be deleted, and why. Never one in use, none whose use is not known, and none that a rotation
 * is under way from: it is the way back.
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
