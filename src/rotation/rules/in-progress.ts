import type { ClientCertificate } from '../../control-plane/api-gateway.js';
import { acmSuccessor, readMark, type Mark } from '../../control-plane/marks.js';

/** A new certificate that no stage presents for so long belongs to a rotation that was given up. Milliseconds. */
export const ROTATION_MAY_TAKE_MS = 7 * 86_400_000;

/** A rotation in progress, as far as marks and stages show it. */
export interface RotationInProgress {
  rotationId: string;
  oldId: string;
  newId: string;
}

type Marked = Pick<ClientCertificate, 'clientCertificateId' | 'createdDate' | 'description' | 'tags'>;

/**
 * Whether a rotation is not over, by its mark: trust in the old certificate may be left somewhere, or, by a mark that
 * does not say so, the old one is still there. With `--only-stage` it stays for others, so that its existence says
 * nothing.
 */
function isOpen({ replaces, replacesSha256, onlyStage }: Mark, existing: ReadonlySet<string>): boolean {
  return replacesSha256 !== undefined || (onlyStage === undefined && existing.has(replaces));
}

/** Whether the new certificate was given up: rolled back, and nobody may try it again, or not used for days. */
function isGivenUp({ createdDate }: Marked, { rolledBack }: Mark, now: Date): boolean {
  return rolledBack !== undefined || now.getTime() - createdDate.getTime() >= ROTATION_MAY_TAKE_MS;
}

/** The rotations that a certificate is the old or the new one of, whether or not a stage presents any of the two. */
function rotationsOf(id: string, certificates: readonly Marked[]): (RotationInProgress & { mark?: Mark })[] {
  const existing = new Set(certificates.map(({ clientCertificateId }) => clientCertificateId));
  // The mark of one of ACM is in no list: what it replaces names it.
  const ofAcm = certificates.flatMap(({ clientCertificateId: oldId, tags }) => {
    const { arn: newId, rotationId } = acmSuccessor(tags) ?? {};
    return newId !== undefined && rotationId !== undefined && oldId === id
      ? [{ rotationId, oldId, newId }]
      : [];
  });
  const marked = certificates.flatMap((certificate) => {
    const mark = readMark(certificate);
    const { clientCertificateId: newId } = certificate;
    if (mark === undefined || newId === mark.replaces || !isOpen(mark, existing)) return [];
    const { rotationId, replaces: oldId } = mark;
    return id === oldId || id === newId ? [{ rotationId, oldId, newId, mark }] : [];
  });
  return [...ofAcm, ...marked];
}

/** Whether only a look at the stages tells that a certificate belongs to no rotation in progress. */
export function mayBeInRotation(id: string, certificates: readonly Marked[]): boolean {
  return rotationsOf(id, certificates).length > 0;
}

/**
 * The rotation in progress that a certificate belongs to: as the old one it is what the stages may have to go back to,
 * as the new one it is what they are about to present. A rotation none of whose certificates a stage presents has no
 * stage to go anywhere with.
 *
 * @param certificates all of the account and Region
 * @param presented the ids that its stages present, of REST and WebSocket APIs
 */
export function rotationInProgress(
  id: string,
  certificates: readonly Marked[],
  presented: ReadonlySet<string>,
  now: Date,
): RotationInProgress | undefined {
  const found = rotationsOf(id, certificates).find(({ oldId, newId, mark }) => {
    if (!presented.has(oldId) && !presented.has(newId)) return false;
    const made = certificates.find(({ clientCertificateId }) => clientCertificateId === newId);
    if (made === undefined || mark === undefined) return true;
    return presented.has(newId) || !isGivenUp(made, mark, now);
  });
  return found && { rotationId: found.rotationId, oldId: found.oldId, newId: found.newId };
}
