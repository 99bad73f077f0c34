import type { StageRef } from '../core/api-gateway.js';
import { certificateView, type CertificateView } from '../core/certificate-view.js';
import { isAcmArn } from '../core/inventory.js';
import type { Gateway } from '../gateway/gateway.js';
import { certificateFacts } from '../x509/certificate.js';
import { readPem } from './read-pem.js';
import { resolveStage, type StageAddress } from './resolve-stage.js';

/** Which certificate a stage presented and presents now: a client certificate's id, an ACM ARN, or none. */
export interface StageChange extends StageRef {
  apiName: string;
  before: string | null;
  after: string | null;
  changed: boolean;
}

/** What was attached; nothing for a certificate of ACM, which API Gateway tells nothing about. */
export interface Attached extends StageChange {
  certificate?: CertificateView;
}

/** Has somebody agree before a stage stops presenting what its backend may demand. Throws when nobody does. */
export type Confirm = (question: string) => Promise<void>;

/**
 * Makes a stage present the certificate. A stage that does so already is left alone.
 * @throws AppError `CertificateNotFound`, and as resolveStage and `confirm`
 */
export async function attach(
  gateway: Gateway,
  address: StageAddress,
  clientCertificateId: string,
  now: () => Date,
  confirm: Confirm,
): Promise<Attached> {
  // AWS answers an unknown id with a message about patch operations, so it is looked up first.
  const [stage, certificate] = await Promise.all([
    resolveStage(gateway, address),
    isAcmArn(clientCertificateId) ? undefined : gateway.getClientCertificate(clientCertificateId),
  ]);
  const change = await changeStage(gateway, stage, clientCertificateId, confirm);
  if (certificate === undefined) return change;
  const facts = readPem(certificate, certificateFacts);
  return { ...change, certificate: certificateView(certificate, facts, now()) };
}

/** Makes a stage present no certificate. @throws AppError as resolveStage and `confirm` */
export async function detach(
  gateway: Gateway,
  address: StageAddress,
  confirm: Confirm,
): Promise<StageChange> {
  return changeStage(gateway, await resolveStage(gateway, address), undefined, confirm);
}

async function changeStage(
  gateway: Gateway,
  { restApiId, stageName, apiName, clientCertificateId: before }: Awaited<ReturnType<typeof resolveStage>>,
  wanted: string | undefined,
  confirm: Confirm,
): Promise<StageChange> {
  const changed = before !== wanted;
  if (changed && before !== undefined) {
    await confirm(
      wanted === undefined
        ? `Let ${apiName}/${stageName} present no certificate, instead of ${before}? A backend that demands one refuses it then.`
        : `Let ${apiName}/${stageName} present ${wanted} instead of ${before}, unproved? A backend that does not trust it refuses the stage then; apigw-cert rotate --to ${wanted} proves it first.`,
    );
  }
  const after = changed
    ? (await gateway.setStageCertificate({ restApiId, stageName }, wanted)).clientCertificateId
    : before;
  return { restApiId, stageName, apiName, before: before ?? null, after: after ?? null, changed };
}
