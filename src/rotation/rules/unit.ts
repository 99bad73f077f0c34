import type { Stage } from '../../control-plane/api-gateway.js';
import type { RemovableCertificate } from '../../certificates/certificate.js';
import type { RemovableAuthority } from '../../certificates/trust-entry.js';
import type { Certificate } from '../../control-plane/certificate.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import type { Mark } from '../../control-plane/marks.js';
import { byText } from '../../platform/order.js';

/** As much of a certificate as is needed to end the trust in it: of one that is deleted, AWS tells nothing any more. */
export interface EndedCertificate {
  clientCertificateId: string;
  trusted: RemovableCertificate;
  /** Of one of ACM. */
  authority?: RemovableAuthority;
}

/**
 * One rotation as the account shows it: a certificate, and those made to take its place. The unit is the
 * certificate and not the stage, since all stages that share it must move before it can go.
 */
export interface RotationUnit {
  oldId: string;
  /** Absent once it is deleted, or as one of ACM retired: no stage may go back to it. */
  old?: Certificate;
  /** The certificate that takes its place, once there is one. */
  next?: Certificate;
  /** Further certificates made for the same place: by a lost answer (same rotation) or by a racing run. */
  spares: readonly Certificate[];
}

/** Whether the rotation that wrote a mark moves the stage `scope` (`apiId/stageName`). */
export const concerns = ({ onlyStage }: Pick<Mark, 'onlyStage'>, scope: string): boolean =>
  onlyStage === undefined || onlyStage === scope;

/**
 * The certificates made to take the place of `oldId`, as far as they concern the stage `scope` (`apiId/stageName`):
 * one made for another stage alone (`--only-stage`) does not.
 */
function successorsOf(oldId: string, certificates: readonly Certificate[], scope: string): Certificate[] {
  return certificates.filter(
    ({ mark, clientCertificateId }) =>
      mark?.replaces === oldId && clientCertificateId !== oldId && concerns(mark, scope),
  );
}

/**
 * The id of the certificate that the rotation of a stage is about. After the switch the stage already presents the
 * new certificate, and its mark leads back to the old one, for certain while it holds that one's fingerprint; when
 * nothing is left of that rotation, what the stage presents stands alone.
 */
export function oldIdOf(currentId: string, certificates: readonly Certificate[], scope: string): string {
  const mark = certificates.find(({ clientCertificateId }) => clientCertificateId === currentId)?.mark;
  if (mark === undefined || !concerns(mark, scope)) return currentId;
  const { replaces, onlyStage, replacesSha256 } = mark;
  if (replacesSha256 !== undefined) return replaces;
  const oldExists = certificates.some(({ clientCertificateId }) => clientCertificateId === replaces);
  const isLeft = ({ mark: other }: Certificate): boolean =>
    onlyStage === undefined ||
    other?.onlyStage === onlyStage ||
    // For the stages that stayed there is a rotation of their own, until it is over.
    (!oldExists && other?.replacesSha256 !== undefined);
  const others = successorsOf(replaces, certificates, scope).filter(
    (one) => one.clientCertificateId !== currentId && isLeft(one),
  );
  // With --only-stage the old one stays for others, and one of ACM always does: its existence says nothing.
  const isOver = others.length === 0 && (onlyStage !== undefined || isAcmArn(replaces) || !oldExists);
  return isOver ? currentId : replaces;
}

/** The rotation of the certificate `oldId`, seen from the stage `scope`. */
export function unitOf(
  oldId: string,
  certificates: readonly Certificate[],
  presented: ReadonlySet<string>,
  scope: string,
): RotationUnit {
  const [next, ...spares] = rank(successorsOf(oldId, certificates, scope), presented);
  // One that somebody has attached again is in use, whatever was meant.
  const isRetired = isAcmArn(oldId) && next?.mark?.retired !== undefined && !presented.has(oldId);
  const old = isRetired
    ? undefined
    : certificates.find(({ clientCertificateId }) => clientCertificateId === oldId);
  return { oldId, ...(old ? { old } : {}), ...(next ? { next } : {}), spares };
}

/**
 * The order of precedence between certificates made for the same place, which every run computes alike: one that a
 * stage presents goes first, then the older, then the smaller id. createdDate has seconds only, so ties are real.
 */
export function rank(certificates: readonly Certificate[], presented: ReadonlySet<string>): Certificate[] {
  const inUse = (certificate: Certificate): number =>
    presented.has(certificate.clientCertificateId) ? 0 : 1;
  return [...certificates].sort(
    (a, b) =>
      inUse(a) - inUse(b) ||
      a.createdDate.getTime() - b.createdDate.getTime() ||
      byText(a.clientCertificateId, b.clientCertificateId),
  );
}

/** The id of another rotation than this, if one made the certificate; what a mark was only put on was there before. */
export const otherMakerOf = (
  { mark, clientCertificateId }: Certificate,
  { oldId, rotationId }: { oldId: string; rotationId: string },
): string | undefined =>
  mark && !mark.adopted && clientCertificateId !== oldId && mark.rotationId !== rotationId
    ? mark.rotationId
    : undefined;

/** The certificate ids that stages present. */
export function presentedIds(stages: readonly Stage[]): Set<string> {
  return new Set(stages.flatMap(({ clientCertificateId }) => clientCertificateId ?? []));
}

/** `apiId/stageName`, the way a stage is written. */
export function stageText({ restApiId, stageName }: { restApiId: string; stageName: string }): string {
  return `${restApiId}/${stageName}`;
}
