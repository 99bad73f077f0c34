import { stagesText } from '../../control-plane/stages-text.js';
import { verbOf } from '../../platform/list-text.js';
import type { ClientCertificate, RestApi, Stage } from '../../control-plane/api-gateway.js';
import { AppError } from '../../platform/errors.js';
import { inventory } from '../../control-plane/inventory.js';
import type { NamedStage } from '../../control-plane/named-stage.js';
import { mayBeInRotation, rotationInProgress } from '../rules/in-progress.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { allStages, webSocketStages, type StagesProgress } from '../../control-plane/stages.js';

/** What is looked at before anything is deleted: enough for all that is deleted at once. */
export interface DeletionView {
  certificates: readonly ClientCertificate[];
  /** WebSocket stages; of REST stages AWS itself says whether they present it. */
  found: { apis: RestApi[]; stages: Stage[] };
}

/** Two calls, and one a WebSocket API. */
export async function lookBeforeDeletion(controlPlane: ControlPlane): Promise<DeletionView> {
  const [certificates, found] = await Promise.all([
    controlPlane.getClientCertificates(),
    webSocketStages(controlPlane),
  ]);
  return { certificates, found };
}

/**
 * Refuses a certificate that a stage presents, or that a rotation in progress may have to go back to. AWS itself refuses
 * to delete one that a REST stage presents; that it does so for WebSocket stages is not documented, so that they are
 * looked at. All stages are looked at where a mark says that the certificate belongs to a rotation.
 * @throws AppError `CertificateInUse`
 */
export async function assertDeletable(
  controlPlane: ControlPlane,
  clientCertificateId: string,
  now: Date,
  view?: DeletionView,
  progress?: StagesProgress,
): Promise<void> {
  const { certificates, found } = view ?? (await lookBeforeDeletion(controlPlane));
  assertUnused(clientCertificateId, usersOf(clientCertificateId, found));
  if (!mayBeInRotation(clientCertificateId, certificates)) return;
  const all = await allStages(controlPlane, progress);
  assertUnused(clientCertificateId, usersOf(clientCertificateId, all));
  assertNotInRotation(clientCertificateId, certificates, all.stages, now);
}

/**
 * Deletes a certificate that {@link assertDeletable} has let pass. Where AWS refuses, the stages are looked at to say
 * which they are.
 * @throws AppError `CertificateNotFound`, `CertificateInUse` with the stages
 */
export async function deleteCertificate(
  controlPlane: ControlPlane,
  clientCertificateId: string,
): Promise<void> {
  try {
    await controlPlane.deleteClientCertificate(clientCertificateId);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'RequestRefused') throw error;
    // Where the stages may not be read either, AWS's own refusal says more than that.
    const all = await allStages(controlPlane).catch(() => undefined);
    if (all === undefined) throw error;
    assertUnused(clientCertificateId, usersOf(clientCertificateId, all), error);
    throw error;
  }
}

function usersOf(
  clientCertificateId: string,
  { apis, stages }: { apis: readonly RestApi[]; stages: readonly Stage[] },
): readonly NamedStage[] {
  const { usedBy } = inventory({ certificates: [{ clientCertificateId }], apis, stages });
  return usedBy.get(clientCertificateId) ?? [];
}

function assertUnused(clientCertificateId: string, stages: readonly NamedStage[], cause?: AppError): void {
  if (stages.length === 0) return;
  const name = ({ apiName, restApiId, stageName }: NamedStage): string =>
    `${apiName}/${stageName} (${restApiId})`;
  throw new AppError(
    'CertificateInUse',
    `the certificate ${clientCertificateId} is not deleted: ${stagesText(stages, name)} ${verbOf(stages, 'present')} it`,
    {
      hint: 'rotate it (`apigw-cert rotate`), or attach another certificate to each of these stages first',
      ...(cause === undefined ? {} : { cause }),
      details: { clientCertificateId, stages },
    },
  );
}

function assertNotInRotation(
  clientCertificateId: string,
  certificates: readonly ClientCertificate[],
  stages: readonly Stage[],
  now: Date,
): void {
  const presented = new Set(stages.flatMap((stage) => stage.clientCertificateId ?? []));
  const rotation = rotationInProgress(clientCertificateId, certificates, presented, now);
  if (rotation === undefined) return;
  const { oldId, newId, rotationId } = rotation;
  throw new AppError(
    'CertificateInUse',
    `the certificate ${clientCertificateId} is not deleted: ${
      clientCertificateId === oldId
        ? `the rotation to ${newId} may have to roll back to it`
        : `the rotation of ${oldId} to it is in progress`
    }`,
    {
      hint: 'run the same `apigw-cert rotate` again to complete the rotation, or add --abort; `apigw-cert status` shows it',
      details: { clientCertificateId, rotationId, oldCertificateId: oldId, newCertificateId: newId },
    },
  );
}
