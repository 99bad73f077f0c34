import type { ClientCertificate, Stage, StageRef } from '../../core/api-gateway.js';
import { readMark } from '../../core/rotation/marks.js';
import type { StoreView } from '../../core/rotation/next-step.js';
import type { RotationRecord } from '../../core/rotation/record.js';
import {
  presentedIds,
  stageText,
  unitOf,
  type RotationCertificate,
  type RotationUnit,
} from '../../core/rotation/unit.js';
import type { Gateway } from '../../gateway/gateway.js';
import type { TrustStore } from '../../trust/trust-store.js';
import { trustedCertificate } from '../../x509/certificate.js';

/** A certificate with its facts and its mark. */
export function rotationCertificate(certificate: ClientCertificate): RotationCertificate {
  const mark = readMark(certificate);
  return {
    ...certificate,
    trusted: trustedCertificate(certificate.pemEncodedCertificate, certificate.clientCertificateId),
    ...(mark ? { mark } : {}),
  };
}

/** All certificates of the account and Region; one call. */
export async function observeCertificates(gateway: Gateway): Promise<RotationCertificate[]> {
  return (await gateway.getClientCertificates()).map(rotationCertificate);
}

/**
 * What the trust stores hold. For one that cannot tell, the rotation's own records stand in: the old certificate,
 * which was there before, with what was added and without what was removed since.
 */
export async function observeStores(
  stores: readonly TrustStore[],
  old: RotationCertificate | undefined,
  records: readonly RotationRecord[],
): Promise<StoreView[]> {
  return Promise.all(
    stores.map(async (store) => {
      const seen = await store.observe();
      return seen === undefined
        ? { name: store.name, trusts: remembered(store.name, old, records), observable: false }
        : { name: store.name, trusts: seen, observable: true };
    }),
  );
}

function remembered(
  store: string,
  old: RotationCertificate | undefined,
  records: readonly RotationRecord[],
): string[] {
  const held = new Set(old ? [old.trusted.fingerprintSha256] : []);
  for (const record of records) {
    if (record.type !== 'done' || record.subject !== store) continue;
    const fingerprint = record.evidence?.['fingerprintSha256'];
    if (typeof fingerprint !== 'string') continue;
    if (record.step === 'trust') held.add(fingerprint);
    if (record.step === 'untrust' || record.step === 'untrustNew') held.delete(fingerprint);
  }
  return [...held];
}

/** What the account shows of one rotation. */
export interface AccountView {
  unit: RotationUnit;
  moving: Stage[];
  /** Ids that stages outside `moving` present. */
  elsewhere: string[];
}

export const sameStage = (a: StageRef, b: StageRef): boolean =>
  a.restApiId === b.restApiId && a.stageName === b.stageName;

/**
 * Joins certificates and stages to the rotation of `oldId`, seen from the stage `target`. All stages that present one
 * of its certificates move, or with `onlyTarget` the target alone.
 */
export function viewAccount(
  { oldId, target, onlyTarget }: { oldId: string; target: StageRef; onlyTarget: boolean },
  certificates: readonly RotationCertificate[],
  stages: readonly Stage[],
): AccountView {
  const unit = unitOf(oldId, certificates, presentedIds(stages), stageText(target));
  const ours = new Set([
    unit.oldId,
    ...[...(unit.next ? [unit.next] : []), ...unit.spares].map(
      (certificate) => certificate.clientCertificateId,
    ),
  ]);
  const moving = stages.filter(
    (stage) =>
      stage.clientCertificateId !== undefined &&
      ours.has(stage.clientCertificateId) &&
      (!onlyTarget || sameStage(stage, target)),
  );
  const others = stages.filter((stage) => !moving.includes(stage));
  return { unit, moving, elsewhere: [...presentedIds(others)] };
}
