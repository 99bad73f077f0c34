import type { ClientCertificate, Stage } from '../api-gateway.js';
import type { TrustedCertificate } from '../certificate.js';
import type { Mark } from './marks.js';

/** A certificate of the account with everything that a rotation asks of it. */
export interface RotationCertificate extends ClientCertificate {
  trusted: TrustedCertificate;
  mark?: Mark;
}

/**
 * One rotation as the account shows it: a certificate, and those made to take its place. The unit is the
 * certificate and not the stage, since all stages that share it must move before it can go.
 */
export interface RotationUnit {
  oldId: string;
  /** Absent once it is deleted. */
  old?: RotationCertificate;
  /** The certificate that takes its place, once there is one. */
  next?: RotationCertificate;
  /** Further certificates made for the same place: by a lost answer (same rotation) or by a racing run. */
  spares: readonly RotationCertificate[];
}

/**
 * Finds the rotation that a stage's certificate belongs to. After the switch the stage already presents the new
 * one, and its mark leads back to the old; when nothing is left of that rotation, the certificate stands alone.
 */
export function unitOf(
  currentId: string,
  certificates: readonly RotationCertificate[],
  presented: ReadonlySet<string>,
): RotationUnit {
  const byId = new Map(certificates.map((certificate) => [certificate.clientCertificateId, certificate]));
  const successorsOf = (id: string): RotationCertificate[] =>
    certificates.filter(
      ({ mark, clientCertificateId }) => mark?.replaces === id && clientCertificateId !== id,
    );
  const replaces = byId.get(currentId)?.mark?.replaces;
  const unfinished =
    replaces !== undefined && !isOver(byId.get(currentId), byId.has(replaces), successorsOf(replaces).length);
  const oldId = unfinished ? replaces : currentId;
  const [next, ...spares] = rank(successorsOf(oldId), presented);
  const old = byId.get(oldId);
  return { oldId, ...(old ? { old } : {}), ...(next ? { next } : {}), spares };
}

/** Whether nothing is left to do for the rotation of a certificate that a stage already presents. */
function isOver(current: RotationCertificate | undefined, oldExists: boolean, successors: number): boolean {
  if (current?.mark?.onlyStage !== undefined) return successors === 1;
  return !oldExists && successors === 1;
}

/**
 * The order of precedence between certificates made for the same place, which every run computes alike: one that a
 * stage presents goes first, then the older, then the smaller id. createdDate has seconds only, so ties are real.
 */
export function rank(
  certificates: readonly RotationCertificate[],
  presented: ReadonlySet<string>,
): RotationCertificate[] {
  const inUse = (certificate: RotationCertificate): number =>
    presented.has(certificate.clientCertificateId) ? 0 : 1;
  return [...certificates].sort(
    (a, b) =>
      inUse(a) - inUse(b) ||
      a.createdDate.getTime() - b.createdDate.getTime() ||
      (a.clientCertificateId < b.clientCertificateId ? -1 : 1),
  );
}

/** The certificate ids that stages present. */
export function presentedIds(stages: readonly Stage[]): Set<string> {
  return new Set(stages.flatMap(({ clientCertificateId }) => clientCertificateId ?? []));
}

/** `apiId/stageName`, the way a stage is written. */
export function stageText({ restApiId, stageName }: { restApiId: string; stageName: string }): string {
  return `${restApiId}/${stageName}`;
}
