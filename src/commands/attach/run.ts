import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage, StageRef } from '../../control-plane/api-gateway.js';
import { certificateView, type CertificateView } from '../../control-plane/certificate-view.js';
import { AppError, UNKNOWN_OUTCOME } from '../../platform/errors.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { namedStage, type NamedStage } from '../../control-plane/named-stage.js';
import { assertNotManaged, type ManagerSettings } from '../../rotation/rules/manager.js';
import { stageText } from '../../rotation/rules/unit.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { certificateOf } from '../../control-plane/read-certificate.js';
import { resolveStage, type ResolvedStage, type StageAddress } from '../../control-plane/resolve-stage.js';

/** Which certificate a stage presented and presents now: a client certificate's id, an ACM ARN, or none. */
export interface StageChange extends NamedStage {
  /** Absent: none. */
  before?: string;
  /** Absent: none. */
  after?: string;
  changed: boolean;
}

/** What was attached; nothing for a ACM certificate, which API Gateway tells nothing about. */
export interface Attached extends StageChange {
  certificate?: CertificateView;
}

/** Has somebody agree before a stage stops presenting what its backend may demand. Throws when nobody does. */
export type Confirm = (question: string) => Promise<void>;

/** What the user says of the tool that manages a stage. */
export type ManagerOf = (stage: ResolvedStage) => ManagerSettings;

/**
 * Makes a stage present the certificate. A stage that does so already is left alone.
 * @throws AppError `CertificateNotFound`, and as resolveStage, assertNotManaged and `confirm`
 */
export async function attach(
  controlPlane: ControlPlane,
  address: StageAddress,
  clientCertificateId: string,
  now: () => Date,
  { managerOf, confirm }: { managerOf: ManagerOf; confirm: Confirm },
): Promise<Attached> {
  // AWS answers an unknown id with a message about patch operations, so it is looked up first.
  const [stage, certificate] = await Promise.all([
    resolveStage(controlPlane, address),
    isAcmArn(clientCertificateId) ? undefined : controlPlane.getClientCertificate(clientCertificateId),
  ]);
  const change = await changeStage(controlPlane, stage, clientCertificateId, { managerOf, confirm });
  if (certificate === undefined) return change;
  return { ...change, certificate: certificateView(certificateOf(certificate), now()) };
}

/** Makes a stage present no certificate. @throws AppError as resolveStage, assertNotManaged and `confirm` */
export async function detach(
  controlPlane: ControlPlane,
  address: StageAddress,
  consent: { managerOf: ManagerOf; confirm: Confirm },
): Promise<StageChange> {
  return changeStage(controlPlane, await resolveStage(controlPlane, address), undefined, consent);
}

async function changeStage(
  controlPlane: ControlPlane,
  found: ResolvedStage,
  wanted: string | undefined,
  { managerOf, confirm }: { managerOf: ManagerOf; confirm: Confirm },
): Promise<StageChange> {
  const { restApiId, stageName, protocolType, apiName, clientCertificateId: before } = found;
  const changed = before !== wanted;
  if (changed) assertNotManaged({ stages: [found] }, managerOf(found));
  if (changed && before !== undefined) {
    await confirm(
      wanted === undefined
        ? `Detach ${before} from ${apiName}/${stageName}? If the backend requires a certificate, requests will fail.`
        : `Switch ${apiName}/${stageName} from ${before} to ${wanted} without testing it first? If the backend does not trust ${wanted}, requests will fail. Use \`apigw-cert rotate --to ${wanted}\` to test it first.`,
    );
  }
  const stage = { restApiId, stageName, ...(protocolType === undefined ? {} : { protocolType }) };
  const after = changed ? (await setCertificate(controlPlane, stage, wanted)).clientCertificateId : before;
  return {
    ...namedStage(stage, new Map([[restApiId, apiName]])),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    changed,
  };
}

/** Attempts in all, and between two of them, in milliseconds. */
const ATTEMPTS = 4;
const AGAIN_AFTER = 500;

/**
 * Sets the certificate until AWS says that it is set, or the stage shows it: after an answer that says nothing the change
 * may have been made, and it ends in the same state however often it is made.
 */
async function setCertificate(
  controlPlane: ControlPlane,
  stage: StageRef,
  wanted: string | undefined,
): Promise<Pick<Stage, 'clientCertificateId'>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await controlPlane.setStageCertificate(stage, wanted);
    } catch (error) {
      if (!(error instanceof AppError) || !UNKNOWN_OUTCOME.has(error.code)) throw error;
      const shown = await controlPlane.getStage(stage).catch(() => undefined);
      if (shown !== undefined && shown.clientCertificateId === wanted) return shown;
      if (attempt === ATTEMPTS) throw unknownOutcome(error, stage);
      await sleep(AGAIN_AFTER * attempt);
    }
  }
}

function unknownOutcome(cause: AppError, stage: StageRef): AppError {
  return new AppError(
    cause.code,
    `${cause.message}; it is not known whether ${stageText(stage)} was changed`,
    {
      hint: 'run the same command again: it shows what the stage presents',
      cause,
      details: cause.details,
    },
  );
}
