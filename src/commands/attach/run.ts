import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage, StageRef } from '../../control-plane/api-gateway.js';
import { certificateView, type CertificateView } from '../../control-plane/certificate-view.js';
import { AppError, UNKNOWN_OUTCOME } from '../../platform/errors.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { namedStage, type NamedStage } from '../../control-plane/named-stage.js';
import { assertNotManaged, type ManagerSettings } from '../../rotation/rules/manager.js';
import { stageText } from '../../rotation/rules/unit.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { acmView } from '../../control-plane/acm-view.js';
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

/** What was attached; nothing for an ACM certificate that may not be read. */
export interface Attached extends StageChange {
  certificate?: CertificateView;
}

/** Has somebody agree before a stage stops presenting what its backend may demand. Throws when nobody does. */
export type Confirm = (question: string) => Promise<void>;

/** What the user says of the tool that manages a stage. */
export type ManagerOf = (stage: ResolvedStage) => ManagerSettings;

/**
 * Makes a stage present the certificate. A stage that does so already is left alone.
 * @throws AppError `CertificateNotFound`, `Usage` for an ACM certificate on a WebSocket stage, and as resolveStage, assertNotManaged and `confirm`
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
    isAcmArn(clientCertificateId)
      ? viewOfAcm(controlPlane, clientCertificateId, now())
      : controlPlane
          .getClientCertificate(clientCertificateId)
          .then((found) => certificateView(certificateOf(found), now())),
  ]);
  assertStageAccepts(stage, clientCertificateId);
  const change = await changeStage(controlPlane, stage, clientCertificateId, { managerOf, confirm });
  return certificate === undefined ? change : { ...change, certificate };
}

/** @throws AppError `Usage` */
function assertStageAccepts({ protocolType, apiName, stageName }: ResolvedStage, id: string): void {
  if (protocolType === undefined || !isAcmArn(id)) return;
  throw new AppError(
    'Usage',
    `${apiName}/${stageName} is a stage of a WebSocket API, which accepts no ACM certificate`,
    {
      hint: 'attach a client certificate: apigw-cert generate, then apigw-cert attach ID',
    },
  );
}

/**
 * What ACM says of a certificate; nothing where it may not be read, since API Gateway checks it all the same.
 * @throws AppError `CertificateNotFound`, `Usage` for one of another Region
 */
async function viewOfAcm(
  controlPlane: ControlPlane,
  arn: string,
  now: Date,
): Promise<CertificateView | undefined> {
  try {
    return acmView(await controlPlane.getAcmCertificate(arn), now);
  } catch (error) {
    if (error instanceof AppError && error.code === 'AccessDenied') return undefined;
    throw error;
  }
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
        : `Switch ${apiName}/${stageName} from ${before} to ${wanted} without testing it first? If the backend does not trust ${wanted}, requests will fail. ${isAcmArn(wanted) || isAcmArn(before) ? 'docs/acm.md says how to move a stage between the two sorts.' : `Use \`apigw-cert rotate --to ${wanted}\` to test it first.`}`,
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
