import { certificateOf } from '../../control-plane/read-certificate.js';
import type { Certificate } from '../../control-plane/certificate.js';
import type { Stage, StageRef } from '../../control-plane/api-gateway.js';
import type { StoreView } from '../rules/next-step.js';
import type { RotationRecord } from '../rules/record.js';
import { trustKey } from '../rules/trust-key.js';
import {
  otherMakerOf,
  presentedIds,
  stageText,
  unitOf,
  type EndedCertificate,
  type RotationUnit,
} from '../rules/unit.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import type { TrustStore } from '../../trust/trust-store.js';

/** All certificates of the account and Region; one call. */
export async function observeCertificates(controlPlane: ControlPlane): Promise<Certificate[]> {
  return (await controlPlane.getClientCertificates()).map(certificateOf);
}

/**
 * What the trust stores hold. For one that cannot tell, the rotation's own records stand in: the old certificate,
 * which was there before, with what was added and without what was removed since. Where those are lost, nothing is
 * there for certain and everything possibly: adding and removing can be repeated.
 * @param deleted certificates of the rotation that do not exist any more
 */
export async function observeStores(
  stores: readonly TrustStore[],
  unit: RotationUnit,
  deleted: readonly EndedCertificate[],
  records: readonly RotationRecord[],
  rotationId: string,
): Promise<StoreView[]> {
  return Promise.all(
    stores.map(async (store) => {
      const { name } = store;
      const seen = await store.observe();
      const own = remembered(name, unit, { deleted, records, rotationId }, seen !== undefined);
      return seen === undefined ? { name, ...own } : { name, trusts: seen, mayTrust: seen, added: own.added };
    }),
  );
}

const CHANGES = new Map([
  ['trust', 'add'],
  ['untrust', 'delete'],
  ['untrustNew', 'delete'],
] as const);

function remembered(
  store: string,
  { oldId, old, next, spares }: RotationUnit,
  {
    deleted,
    records,
    rotationId,
  }: { deleted: readonly EndedCertificate[]; records: readonly RotationRecord[]; rotationId: string },
  isSeen: boolean,
): Omit<StoreView, 'name'> {
  // A dry run begins no journal, and so does not note that one is missing.
  const isLost = isJournalLost(records) || (records.length === 0 && next !== undefined);
  const all = [old, next, ...spares, ...deleted].flatMap((one) => (one ? trustKey(one) : []));
  const first = old ?? deleted.find(({ clientCertificateId }) => clientCertificateId === oldId);
  const certain = new Set(first && !isLost ? [trustKey(first)] : []);
  const possible = new Set(isLost ? all : certain);
  // Of what was deleted by a rotation without a journal here, it is not known where its trust has ended.
  const named = new Set(
    records.flatMap((entry) => (entry.type === 'certificate' ? [entry.clientCertificateId] : [])),
  );
  // Nor where what another rotation made is trusted, which only its own journal tells.
  const others = new Set(
    records.flatMap((entry) =>
      entry.type === 'certificate' && entry.madeBy !== undefined ? [entry.clientCertificateId] : [],
    ),
  );
  for (const ended of deleted) {
    const { clientCertificateId: id } = ended;
    if (id !== oldId && (!named.has(id) || others.has(id))) possible.add(trustKey(ended));
  }
  for (const spare of spares) {
    if (otherMakerOf(spare, { oldId, rotationId }) !== undefined) possible.add(trustKey(spare));
  }
  // What was there before the rotation adopted it stays there, whatever of the journal is left. Where a store shows what
  // it holds and the mark says that this was not there before, the rotation added it, from whatever machine.
  const adopted = [next, ...spares].filter((one) => one?.mark?.adopted === true && !one.mark.trustedBefore);
  const added = new Set(isLost || isSeen ? adopted.flatMap((one) => (one ? trustKey(one) : [])) : []);
  for (const entry of records) {
    if ((entry.type !== 'intent' && entry.type !== 'done') || entry.subject !== store) continue;
    const key = entry.evidence?.['authority'] ?? entry.evidence?.['fingerprintSha256'];
    const change = (CHANGES as ReadonlyMap<string, 'add' | 'delete'>).get(entry.step);
    if (typeof key !== 'string' || change === undefined) continue;
    if (change === 'add') added.add(key);
    // Begun and perhaps not ended: to be there for certain takes the end, to be gone for certain too.
    if (entry.type === 'done') {
      certain[change](key);
      possible[change](key);
    } else if (change === 'add') possible.add(key);
    else certain.delete(key);
  }
  return { trusts: [...certain], mayTrust: [...possible], added: [...added] };
}

/** Whether an earlier part of the journal is missing, so that what it does not say may have happened. */
export function isJournalLost([first]: readonly RotationRecord[]): boolean {
  return first?.type === 'started' && first.foundUnderWay === true;
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
  certificates: readonly Certificate[],
  stages: readonly Stage[],
): AccountView {
  // A rotation of one stage alone has nothing to do with what the others present.
  const concerned = onlyTarget ? stages.filter((stage) => sameStage(stage, target)) : stages;
  const unit = unitOf(oldId, certificates, presentedIds(concerned), stageText(target));
  const ours = new Set([
    unit.oldId,
    ...[...(unit.next ? [unit.next] : []), ...unit.spares].map(
      (certificate) => certificate.clientCertificateId,
    ),
  ]);
  const isMoving = (stage: Stage): boolean =>
    stage.clientCertificateId !== undefined &&
    ours.has(stage.clientCertificateId) &&
    (!onlyTarget || sameStage(stage, target));
  const others = stages.filter((stage) => !isMoving(stage));
  return { unit, moving: stages.filter(isMoving), elsewhere: [...presentedIds(others)] };
}
