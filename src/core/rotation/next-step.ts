import type { Stage } from '../api-gateway.js';
import type { RotationSettings } from './settings.js';
import { stageText, type RotationCertificate, type RotationUnit, type TrustableCertificate } from './unit.js';

/** What a trust store was last seen to hold. */
export interface StoreView {
  name: string;
  /** SHA-256 fingerprints; for a store that cannot be observed, what this rotation has put there and taken away. */
  trusts: readonly string[];
  /**
   * What it may hold. It is more than `trusts` for a store that cannot be observed, after a change whose end is not
   * known: what is needed must be there for certain, what is taken away only possibly.
   */
  mayTrust: readonly string[];
}

/**
 * What this very run has seen for itself. It starts empty at each run and is never read from the journal: a proof
 * of yesterday proves nothing about today's backend.
 */
export interface Progress {
  /** The backends accept old and new, and refuse a caller without certificate. */
  proved: boolean;
  /** Right before the switch: the stages still present the old certificate, and no racing run goes first. */
  checked: boolean;
  /** After the switch: the stages present the new certificate and the backends accept it. */
  verified: boolean;
  /** No stage of the account and Region presents the old certificate any more. */
  recounted: boolean;
  /** After the removal: the backends refuse the old certificate and accept the new. */
  confirmed: boolean;
}

/** All that the next step depends on. */
export interface Situation {
  now: Date;
  unit: RotationUnit;
  /** The stages that are to present the new certificate: those that present the old one, the new one or a spare. */
  moving: readonly Stage[];
  /** Ids that stages outside `moving` present (`--only-stage`): they must stay as they are. */
  elsewhere: readonly string[];
  stores: readonly StoreView[];
  /** Certificates of this rotation that somebody has deleted; a trust store may still hold them. */
  deleted: readonly TrustableCertificate[];
  /** When the last stage was switched; before that, and where nothing tells, any fixed time that is not earlier. */
  switchedAt: Date;
  /** `apiId/stageName` of stages that were deployed since they present the new certificate. */
  redeployed: readonly string[];
  progress: Progress;
  settings: Pick<RotationSettings, 'soak' | 'redeploy'> & { keepOld: number };
}

/** One thing to do next. Doing it and looking again is all that a rotation consists of. */
export type Step =
  | { kind: 'generate' }
  | { kind: 'trust'; store: string; certificate: RotationCertificate }
  | { kind: 'prove' }
  | { kind: 'check' }
  | { kind: 'switch'; stage: Stage; next: RotationCertificate }
  | { kind: 'redeploy'; stage: Stage; next: RotationCertificate }
  | { kind: 'verify'; next: RotationCertificate }
  | { kind: 'soak'; until: Date }
  | { kind: 'recount' }
  | { kind: 'keep'; until: Date }
  | { kind: 'untrust'; store: string; certificate: TrustableCertificate }
  | { kind: 'confirm'; next: RotationCertificate }
  | { kind: 'delete'; certificate: RotationCertificate }
  /** The stages present a certificate that is none of this rotation's: somebody else changed them. */
  | { kind: 'stageChanged' }
  | { kind: 'done' };

const trusts = (store: StoreView, { trusted }: TrustableCertificate): boolean =>
  store.trusts.includes(trusted.fingerprintSha256);

/**
 * The rule of a rotation, as a function of what is seen. Its order keeps the one promise: at no moment does a stage
 * present what its backend refuses. Whatever a stage presents or is about to present is trusted first, everywhere;
 * nothing is taken away before every stage has left it for as long as API Gateway needs to notice.
 */
export function nextStep(situation: Situation): Step {
  const { now, unit, moving, stores, switchedAt, progress, settings } = situation;
  const { old, next } = unit;

  if (moving.length === 0) return { kind: 'stageChanged' };
  if (!next) return { kind: 'generate' };

  const behind = moving.find(({ clientCertificateId }) => clientCertificateId !== next.clientCertificateId);
  const soakedAt = new Date(switchedAt.getTime() + settings.soak);

  // Trust comes first in every state, the switched one included: somebody may have emptied a store meanwhile.
  const inUse = presentable(situation, next, behind !== undefined || now < soakedAt);
  for (const store of stores) {
    const missing = inUse.find((certificate) => !trusts(store, certificate));
    if (missing) return { kind: 'trust', store: store.name, certificate: missing };
  }

  if (behind) {
    if (!progress.proved) return { kind: 'prove' };
    if (!progress.checked) return { kind: 'check' };
    return { kind: 'switch', stage: behind, next };
  }

  if (settings.redeploy === 'always') {
    const stage = moving.find((candidate) => !situation.redeployed.includes(stageText(candidate)));
    if (stage) return { kind: 'redeploy', stage, next };
  }
  if (!progress.verified) return { kind: 'verify', next };
  if (now < soakedAt) return { kind: 'soak', until: soakedAt };

  const going = [...(old ? [old] : []), ...unit.spares].filter(
    ({ clientCertificateId }) => !situation.elsewhere.includes(clientCertificateId),
  );
  const held = stores.flatMap((store) =>
    [...going, ...situation.deleted]
      .filter(({ trusted }) => store.mayTrust.includes(trusted.fingerprintSha256))
      .map((certificate) => ({ store: store.name, certificate })),
  );
  if (going.length === 0 && held.length === 0) return { kind: 'done' };

  const keptUntil = new Date(switchedAt.getTime() + settings.keepOld);
  if (old && going.includes(old) && now < keptUntil) return { kind: 'keep', until: keptUntil };

  if (!progress.recounted) return { kind: 'recount' };
  if (held[0]) return { kind: 'untrust', ...held[0] };
  if (!progress.confirmed) return { kind: 'confirm', next };
  const [first] = going;
  return first ? { kind: 'delete', certificate: first } : { kind: 'done' };
}

/**
 * What has to be trusted now: what stages present, and then what they are about to. In this order, since a store
 * that was emptied becomes live again with the first certificate that is put back. A certificate past its end is
 * refused by every backend, trusted or not.
 *
 * @param leaving whether some host of API Gateway may still present the old certificate
 */
function presentable(
  { now, unit, moving, elsewhere }: Situation,
  next: RotationCertificate,
  leaving: boolean,
): RotationCertificate[] {
  const { old, spares } = unit;
  const presented = spares.filter((spare) =>
    moving.some(({ clientCertificateId }) => clientCertificateId === spare.clientCertificateId),
  );
  const oldInUse = leaving || elsewhere.includes(unit.oldId);
  const before = [...(old && oldInUse ? [old] : []), ...presented];
  return [...before.filter(({ trusted }) => trusted.notAfter > now), next];
}
