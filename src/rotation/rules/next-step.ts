import type { Certificate } from '../../control-plane/certificate.js';
import type { Stage } from '../../control-plane/api-gateway.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { removedCertificates } from '../../control-plane/marks.js';
import { byText } from '../../platform/order.js';
import type { RotationSettings } from '../../settings/rotation.js';
import { trustKey } from './trust-key.js';
import { stageText, type EndedCertificate, type RotationUnit } from './unit.js';

/** What a trust store was last seen to hold. */
export interface StoreView {
  name: string;
  /** By `trustKey`; for a store that cannot be observed, what this rotation has put there and taken away. */
  trusts: readonly string[];
  /**
   * What it may hold. It is more than `trusts` for a store that cannot be observed, after a change whose end is not
   * known: what is needed must be there for certain, what is taken away only possibly.
   */
  mayTrust: readonly string[];
  /** What this rotation itself has, or may have, put there, as far as its records tell. */
  added: readonly string[];
}

/** A place that the id of a target's certificate is published in, as it was last seen. */
export interface PublicationView {
  name: string;
  /** `apiId/stageName` of the target's stages that the rotation moves. */
  stages: readonly string[];
  /** What its other stages present, each id once; the empty text for a stage without a certificate. */
  elsewhere: readonly string[];
  /**
   * What it holds, as it was seen or, where it cannot be, by the rotation's records; absent where there is nothing in it,
   * or nothing is known.
   */
  holds?: string;
  /** Whether that is known. */
  isKnown: boolean;
}

/**
 * Where a rotation is going. `rotate`: every stage on the new certificate, the old one gone. `rollBack`: every stage back
 * on the old one, the new one kept. `abort`: the same, the new one gone. `cancel`: what this rotation itself made is
 * taken away, and no stage is moved.
 */
export type Goal = 'rotate' | 'rollBack' | 'abort' | 'cancel';

/**
 * What this very run has seen for itself. It starts empty at each run and is never read from the journal: a proof
 * of yesterday proves nothing about today's backend.
 */
export interface Progress {
  /**
   * What was proved before a switch, as {@link proofKey}: the backends accept that certificate. It is void as soon as
   * the certificate, the backends or a trust store change.
   */
  proved?: string;
  /** What all hosts that report were seen to have live, or to trust no more, as {@link acknowledgeKey}. */
  acknowledged?: string;
  /** Right before the switch: those stages still present what they did, and no other run goes first. */
  checked: boolean;
  /** What was verified after the switch, as {@link proofKey}: the stages present that certificate, accepted by the backends. */
  verified?: string;
  /** A fresh, credible look at the whole account: no stage presents what is to go. */
  recounted: boolean;
  /** After the removal: the backends accept the certificate in use, and refuse what is gone where that can be tried. */
  confirmed: boolean;
}

/** How many stages are looked at and switched in one step: as many calls as AWS takes at once. */
export const MOST_AT_ONCE = 40;

/** By `trustKey`; `unknown` where some of it could not be determined, so that no trust in a certificate of ACM may end. */
export type TrustedElsewhere = readonly string[] | 'unknown';

/** All that the next step depends on. */
export interface Situation {
  now: Date;
  /** When this run began: what a wrong clock dated later counts from then. */
  since: Date;
  goal: Goal;
  /** The rotation whose certificates `cancel` takes away. */
  rotationId: string;
  unit: RotationUnit;
  /** The stages that this rotation moves: those that present the old one, the new one or a spare. */
  moving: readonly Stage[];
  /** Ids that stages outside `moving` present (`--only-stage`): they must stay as they are. */
  elsewhere: readonly string[];
  stores: readonly StoreView[];
  /** Of the targets whose stages it moves. */
  publications: readonly PublicationView[];
  /** Certificates of this rotation that are known to be deleted or retired; a trust store may still hold them. */
  deleted: readonly EndedCertificate[];
  /**
   * What must stay trusted for certificates of ACM that are none of this rotation and that stages present: several can be
   * trusted by one root and name. By `trustKey`.
   */
  trustedElsewhere: TrustedElsewhere;
  /** When the last moving stage changed. */
  switchedAt: Date;
  /** What the time for which the old certificate is kept counts from: when the last moving stage changed by AWS's date. */
  keptFrom: Date;
  /** The last moment at which a stage that has left a certificate may have presented it, by its id. */
  lastPresented: ReadonlyMap<string, Date>;
  /** Ids that stages are known to have presented. */
  presentedBefore: ReadonlySet<string>;
  /** Until when a write whose answer was lost may still take effect: a switch, the making of a certificate, a release. */
  unsettled: { switches: Date; generation: Date; release: Date };
  /** How the backends of the moving stages are called; a proof holds for these calls only. */
  calls: string;
  /**
   * `apiId/stageName` of stages that need no further deployment: forward, those deployed with the certificate that they
   * are to present; on the way back, those never deployed with the new one.
   */
  redeployed: readonly string[];
  /** Whether hosts report what they have live, so that their word is waited for. */
  acknowledges?: boolean;
  progress: Progress;
  settings: Pick<RotationSettings, 'soak' | 'redeploy' | 'inFlight'> & { keepOld: number };
  /** The certificate that `--to` names, or that was imported. */
  adoptable?: Certificate;
  /** The certificate that is to be imported into ACM, as it will be there. */
  importable?: Certificate;
  /** Whether the switch is an import that replaces the old certificate, which cannot be imported again then. */
  losesOld?: boolean;
}

/** One thing to do next. Doing it and looking again is all that a rotation consists of. */
export type Step =
  | { kind: 'generate' }
  /** Import the certificate that is given, unless it is in ACM already. */
  | { kind: 'import' }
  /** Mark the certificate that `--to` names as the new one. */
  | { kind: 'adopt'; certificate: Certificate }
  | { kind: 'trust'; store: string; certificate: Certificate }
  /** Mark the new certificate so that no run, on whatever machine, switches a stage to it any more. */
  | { kind: 'withdraw'; certificate: Certificate }
  /** Wait until all hosts that report trust a certificate, or trust those that are gone no more. */
  | { kind: 'acknowledge'; wanted: 'live' | 'gone'; certificates: readonly EndedCertificate[] }
  | { kind: 'preflight'; to: Certificate }
  /** Look once more at what is about to be switched. */
  | { kind: 'recheck'; stages: readonly Stage[] }
  /** At most {@link MOST_AT_ONCE} stages. */
  | { kind: 'switch'; stages: readonly Stage[]; to: Certificate }
  | { kind: 'redeploy'; stage: Stage; to: Certificate }
  /** Write the id that the stages of a target present to where infrastructure as code reads it. */
  | { kind: 'publish'; publication: string; clientCertificateId: string }
  | { kind: 'verifySwitch'; next: Certificate }
  | { kind: 'soak'; until: Date }
  /** Wait for writes whose outcome is not known. */
  | { kind: 'settle'; until: Date }
  | { kind: 'keep'; until: Date }
  | { kind: 'verifyUnused' }
  | { kind: 'delete'; certificate: Certificate }
  /** In the place of `delete` for one of ACM: mark the new certificate so that no run lets a stage go back to it. */
  | { kind: 'retire'; certificate: Certificate }
  | { kind: 'untrust'; store: string; certificate: EndedCertificate }
  /** Take the mark off a certificate that stays: none of the rotation's making, or in use at other stages. */
  | { kind: 'release'; certificate: Certificate }
  | { kind: 'verifyRemoval'; next: Certificate }
  /** Take from the mark what says that trust in the old certificate may be left. */
  | { kind: 'finish'; certificate: Certificate }
  /** The stages present a certificate that is none of this rotation's: somebody else changed them. */
  | { kind: 'stageChanged' }
  /** The old certificate is deleted: no stage can go back to it. */
  | { kind: 'impossible' }
  /** A stage presents what was to be taken away. */
  | { kind: 'inUse'; certificate: Certificate }
  /** What is to be deleted, or trusted no more, is published, and cannot be replaced there: the stages do not present one and the same. */
  | { kind: 'stillPublished'; certificate: EndedCertificate; publication: string }
  | { kind: 'done' };

/** What a proof is about: one certificate, shown to these backends by these calls. */
export const proofKey = (clientCertificateId: string, calls: string): string =>
  `${clientCertificateId} ${calls}`;

/** What the hosts were asked about. */
export const acknowledgeKey = (
  wanted: 'live' | 'gone',
  certificates: readonly Pick<EndedCertificate, 'clientCertificateId'>[],
): string => [wanted, ...certificates.map(({ clientCertificateId }) => clientCertificateId)].join(' ');

/** Whether a certificate outlives the rotation that gives it up: `--to` named it. The old one never does. */
const isKept = ({ mark, clientCertificateId }: Certificate, { oldId }: RotationUnit): boolean =>
  mark?.adopted === true && clientCertificateId !== oldId;

const isPresented = ({ moving, elsewhere }: Situation, id: string): boolean =>
  elsewhere.includes(id) || moving.some(({ clientCertificateId }) => clientCertificateId === id);

/**
 * The rule of a rotation, forward and back, as a function of what is seen. Its order keeps the one promise: at no moment
 * does a stage present what its backend refuses. Whatever a stage presents or is about to present is trusted first,
 * everywhere; nothing is taken away before every stage has left it for as long as API Gateway needs to notice, and then
 * AWS, which refuses to delete what a stage presents, has the last word before any trust ends.
 */
export function nextStep(situation: Situation): Step {
  const { goal, unit, adoptable, importable } = situation;
  if (goal === 'rotate') {
    if (situation.moving.length === 0) return { kind: 'stageChanged' };
    // First, so that nothing that a later step takes away is published.
    const publication = publishStep(situation);
    if (publication) return publication;
    if (!unit.next && adoptable) return { kind: 'adopt', certificate: adoptable };
    if (!unit.next) return { kind: importable ? 'import' : 'generate' };
  }
  return (
    releaseStep(situation) ??
    wayBack(situation) ??
    trustStep(situation) ??
    acknowledgeStep(situation) ??
    switchStep(situation) ??
    redeployStep(situation) ??
    useStep(situation) ??
    publishStep(situation) ??
    endStep(situation)
  );
}

/**
 * While an earlier run's release may still take the mark off a certificate, it is not known whether the certificate is
 * one of this rotation: what is done with it meanwhile would not be finished.
 */
function releaseStep({ now, unit, unsettled }: Situation): Step | undefined {
  return unit.next && now < unsettled.release ? { kind: 'settle', until: unsettled.release } : undefined;
}

/** What stages are to present in the end. */
const aim = ({ goal, unit }: Situation): Certificate | undefined =>
  goal === 'rotate' ? unit.next : unit.old;

/** The stages that do not present yet what they are to. */
function behindOf({ goal, unit, moving }: Situation): readonly Stage[] {
  if (goal === 'cancel') return [];
  const id = goal === 'rotate' ? unit.next?.clientCertificateId : unit.oldId;
  return moving.filter(({ clientCertificateId }) => clientCertificateId !== id);
}

const isAnyBehind = (situation: Situation): boolean => behindOf(situation).length > 0;

/** Before anything is taken back: whether it can be, and that other runs know. */
function wayBack(situation: Situation): Step | undefined {
  const { goal, unit } = situation;
  if (goal === 'rotate') return undefined;
  const inUse =
    goal === 'cancel'
      ? made(situation).find((one) => isPresented(situation, one.clientCertificateId))
      : undefined;
  if (inUse) return { kind: 'inUse', certificate: inUse };
  if (isAnyBehind(situation) && !unit.old) return { kind: 'impossible' };
  if (goal === 'rollBack') return undefined;
  // Each of them: where one is gone or no stage presents it any more, another of them takes its place for other runs.
  // Also what is deleted at once: where the answer to that is lost, it may be done later, and a run on another machine
  // must not switch to it meanwhile. What a run made and takes back by itself no other has seen for long.
  const certificate = made(situation).find(
    (one) =>
      one.mark !== undefined && one.mark.withdrawn === undefined && (goal === 'abort' || isKept(one, unit)),
  );
  return certificate && { kind: 'withdraw', certificate };
}

/**
 * Trust comes first in every state: somebody may have emptied a store meanwhile. A certificate past its end is refused
 * by every backend, trusted or not. In this order, since a store that was emptied becomes live again with the first
 * certificate that is put back.
 */
function trustStep(situation: Situation): Step | undefined {
  const { now, goal, unit, stores } = situation;
  const to = aim(situation);
  const behind = isAnyBehind(situation);
  const certificates = [unit.old, ...unit.spares, unit.next].filter((one) => one !== undefined);
  const needed = certificates.filter((one) => isNeeded(situation, one));
  const first = needed.filter((one) => one !== to && one.trusted.notAfter > now);
  // Where no stage goes back, taking back what was made for nothing must not change anything else.
  const last = to && (behind || goal === 'rotate') ? [to] : [];
  for (const store of stores) {
    const missing = [...first, ...last].find((one) => !store.trusts.includes(trustKey(one)));
    if (missing) return { kind: 'trust', store: store.name, certificate: missing };
  }
  return undefined;
}

/** Whether some host of API Gateway may present it now. */
function isNeeded(situation: Situation, { clientCertificateId: id }: Certificate): boolean {
  const { now, unit, lastPresented, presentedBefore, settings } = situation;
  if (isPresented(situation, id)) return true;
  if (id === unit.oldId && isAnyBehind(situation)) return true;
  if (id !== unit.oldId && !presentedBefore.has(id)) return false;
  const last = lastPresented.get(id);
  return last !== undefined && now.getTime() < last.getTime() + settings.soak;
}

/**
 * Before a stage is switched to the new certificate, every host must have it. A rollback waits for no host: the old one
 * was never removed, and requests may be failing.
 */
function acknowledgeStep(situation: Situation): Step | undefined {
  const { goal, unit } = situation;
  if (goal !== 'rotate' || !unit.next || !isAnyBehind(situation)) return undefined;
  return acknowledgementOf(situation, 'live', [unit.next]);
}

/** The step that asks the hosts, unless this run has. */
function acknowledgementOf(
  { acknowledges, progress }: Situation,
  wanted: 'live' | 'gone',
  certificates: readonly EndedCertificate[],
): Step | undefined {
  if (acknowledges !== true || progress.acknowledged === acknowledgeKey(wanted, certificates))
    return undefined;
  return { kind: 'acknowledge', wanted, certificates };
}

function switchStep(situation: Situation): Step | undefined {
  const { progress, calls } = situation;
  const to = aim(situation);
  const stages = behindOf(situation).slice(0, MOST_AT_ONCE);
  if (stages.length === 0 || !to) return undefined;
  if (progress.proved !== proofKey(to.clientCertificateId, calls)) return { kind: 'preflight', to };
  if (!progress.checked) return { kind: 'recheck', stages };
  return { kind: 'switch', stages, to };
}

/** Who deploys after a switch does so after a switch back. */
function redeployStep(situation: Situation): Step | undefined {
  const { goal, moving, redeployed, settings } = situation;
  const to = aim(situation);
  if (settings.redeploy !== 'always' || goal === 'cancel' || !to) return undefined;
  const stage = moving.find((candidate) => !redeployed.includes(stageText(candidate)));
  return stage && { kind: 'redeploy', stage, to };
}

/** The new certificate, in use. */
function useStep({ goal, unit: { next }, progress, calls }: Situation): Step | undefined {
  if (goal !== 'rotate' || !next) return undefined;
  return progress.verified === proofKey(next.clientCertificateId, calls)
    ? undefined
    : { kind: 'verifySwitch', next };
}

/** The one id that all stages of a target present. */
export function presentedBy(
  { stages, elsewhere }: Pick<PublicationView, 'stages' | 'elsewhere'>,
  moving: readonly Stage[],
): string | undefined {
  const moved = moving.filter((stage) => stages.includes(stageText(stage)));
  const ids = new Set([...moved.map(({ clientCertificateId = '' }) => clientCertificateId), ...elsewhere]);
  const [only = ''] = ids;
  return ids.size === 1 && only !== '' ? only : undefined;
}

/**
 * Publishes what the stages present, never what they are to: an apply of infrastructure as code that reads it then
 * changes nothing. The new certificate only once it was seen in use; on the way back, what is left by all stages last.
 */
function publishStep(situation: Situation): Step | undefined {
  const { goal, unit, moving, publications, progress, calls } = situation;
  if (goal !== 'rotate' && isAnyBehind(situation)) return undefined;
  const newId = goal === 'rotate' ? unit.next?.clientCertificateId : undefined;
  for (const view of publications) {
    const id = presentedBy(view, moving);
    if (id === undefined || !isStale(situation, view, id)) continue;
    if (id === newId && progress.verified !== proofKey(id, calls)) continue;
    return { kind: 'publish', publication: view.name, clientCertificateId: id };
  }
  return undefined;
}

/** Whether another id than the one presented is, or may be, published. */
function isStale(situation: Situation, { holds, isKnown }: PublicationView, id: string): boolean {
  const { goal, unit, presentedBefore } = situation;
  if (isKnown && holds === id) return false;
  // What was made for nothing is taken back without a change of anything else.
  if (goal === 'cancel')
    return made(situation).some(({ clientCertificateId: ownId }) =>
      isKnown ? holds === ownId : presentedBefore.has(ownId),
    );
  // What cannot be looked into is taken to be right until a stage was moved.
  return isKnown || goal !== 'rotate' || id === unit.next?.clientCertificateId;
}

/**
 * What the way back removes: everything made to replace the old certificate, except what other stages present through
 * another rotation; or only what this rotation made. The new certificate comes last: its mark shows the abort to other runs.
 */
function made({ goal, unit, rotationId, elsewhere }: Situation): Certificate[] {
  return [...unit.spares, unit.next].filter((one): one is Certificate => {
    if (one === undefined) return false;
    const isOwn = one.mark?.rotationId === rotationId;
    return isOwn || (goal !== 'cancel' && !elsewhere.includes(one.clientCertificateId));
  });
}

/** What is to be ended, in order. What others present stays with them. */
function goingOf(situation: Situation): Certificate[] {
  const { goal, unit, elsewhere } = situation;
  if (goal !== 'rotate') return made(situation);
  return [...(unit.old ? [unit.old] : []), ...unit.spares].filter(
    ({ clientCertificateId }) => !elsewhere.includes(clientCertificateId),
  );
}

/** The end of what is not to be presented any more: waited for, looked for, deleted, and only then trusted no more. */
function endStep(situation: Situation): Step {
  const { now, goal, unit, stores, deleted, switchedAt, keptFrom } = situation;
  const { lastPresented, unsettled, progress, settings } = situation;
  if (goal === 'rollBack') return { kind: 'done' };
  const going = goingOf(situation);
  const isUsed = ({ clientCertificateId }: Certificate): boolean =>
    situation.elsewhere.includes(clientCertificateId);
  const kept = going.filter((one) => isKept(one, unit) || isUsed(one));

  const left = Math.max(
    goal === 'rotate' ? switchedAt.getTime() : 0,
    ...[...going, ...deleted].map(({ clientCertificateId: id }) => lastPresented.get(id)?.getTime() ?? 0),
  );
  const soaked = new Date(left + settings.soak);
  if (now < soaked) return { kind: 'soak', until: soaked };

  const settled = new Date(
    Math.max(
      goal === 'rotate' ? 0 : unsettled.generation.getTime(),
      ...(kept.length > 0 ? [unsettled.switches.getTime()] : []),
      ...kept.map(({ mark }) => withdrawnAt(mark?.withdrawn, situation) + settings.inFlight),
      ...retirements(situation),
    ),
  );
  if (now < settled) return { kind: 'settle', until: settled };

  const held = stores.flatMap((store) => {
    const holds = (one: EndedCertificate): boolean =>
      store.mayTrust.includes(trustKey(one)) && !isTrustNeeded(situation, one);
    const puts = (one: EndedCertificate): boolean => store.added.includes(trustKey(one));
    return [
      ...deleted.filter(holds).sort(byId),
      ...kept.filter((one) => holds(one) && puts(one) && !isUsed(one)),
    ].map((certificate) => ({
      store: store.name,
      certificate,
    }));
  });
  const isOver = going.length === 0 && held.length === 0;
  const { next } = unit;
  const toFinish = goal === 'rotate' && next?.mark?.replacesSha256 !== undefined ? next : undefined;
  const toConfirm = goal === 'rotate' && deleted.length > 0 && !progress.confirmed ? next : undefined;

  if (unit.old && going.includes(unit.old)) {
    const keptUntil = new Date(keptFrom.getTime() + settings.keepOld);
    if (settings.keepOld > 0 && now < keptUntil) return { kind: 'keep', until: keptUntil };
  }
  if (!isOver && !progress.recounted) return { kind: 'verifyUnused' };
  const first = going.find((one) => !kept.includes(one));
  const remembered = first && held.find(({ certificate }) => remembers(first, certificate));
  if (remembered) return { kind: 'untrust', ...remembered };
  const published = publishedOf(situation, [
    ...(first ? [first] : []),
    ...held.map(({ certificate }) => certificate),
  ]);
  if (published) return { kind: 'stillPublished', ...published };
  if (first) return { kind: isAcmArn(first.clientCertificateId) ? 'retire' : 'delete', certificate: first };
  if (held[0]) return { kind: 'untrust', ...held[0] };
  if (toConfirm) {
    // What others need stays trusted, and hosts report it.
    const untrusted = deleted.filter((one) => !isTrustNeeded(situation, one)).sort(byId);
    const gone = untrusted.length > 0 ? acknowledgementOf(situation, 'gone', untrusted) : undefined;
    return gone ?? { kind: 'verifyRemoval', next: toConfirm };
  }
  if (kept[0]) return { kind: 'release', certificate: kept[0] };
  return toFinish ? { kind: 'finish', certificate: toFinish } : { kind: 'done' };
}

/** What of that is published where the id of no other one can be; what AWS has deleted can come to no stage again. */
function publishedOf(
  { deleted, publications }: Situation,
  ending: readonly EndedCertificate[],
): { certificate: EndedCertificate; publication: string } | undefined {
  const isGone = ({ clientCertificateId: id }: EndedCertificate): boolean =>
    !isAcmArn(id) && deleted.some(({ clientCertificateId }) => clientCertificateId === id);
  for (const certificate of ending.filter((one) => !isGone(one))) {
    const place = publications.find(({ holds }) => holds === certificate.clientCertificateId);
    if (place) return { certificate, publication: place.name };
  }
  return undefined;
}

/** Whether other stages need what a certificate is trusted by. One that API Gateway generated is trusted for itself alone. */
export const isTrustedElsewhere = (trusted: TrustedElsewhere, ended: EndedCertificate): boolean =>
  trusted === 'unknown' ? isAcmArn(ended.clientCertificateId) : trusted.includes(trustKey(ended));

/** Whether what stays, or what other stages present, is trusted by the same root and subject. */
function isTrustNeeded({ goal, unit, trustedElsewhere }: Situation, ended: EndedCertificate): boolean {
  const stays = goal === 'rotate' ? unit.next : unit.old;
  return (
    isTrustedElsewhere(trustedElsewhere, ended) ||
    (stays !== undefined && trustKey(stays) === trustKey(ended))
  );
}

/** Until when a switch to a retired certificate may take effect that was sent before others knew. Nothing to wait for where no store trusts it. */
function retirements(situation: Situation): number[] {
  const { unit, stores, deleted, unsettled, settings } = situation;
  const retired = unit.next?.mark?.retired;
  const old = deleted.find(({ clientCertificateId }) => clientCertificateId === unit.oldId);
  if (retired === undefined || old === undefined || isTrustNeeded(situation, old)) return [];
  const isTrusted = stores.some(({ mayTrust }) => mayTrust.includes(trustKey(old)));
  if (!isTrusted) return [];
  return [unsettled.switches.getTime(), withdrawnAt(retired, situation) + settings.inFlight];
}

/** Whether a certificate may be all that is left to tell of one that is deleted. */
const remembers = ({ mark, tags }: Certificate, { clientCertificateId: id }: EndedCertificate): boolean =>
  mark?.replaces === id ||
  removedCertificates(tags).some(({ clientCertificateId }) => clientCertificateId === id);

/** However a run has come to know of them: a plan and the run take the same order. */
const byId = (a: EndedCertificate, b: EndedCertificate): number =>
  byText(a.clientCertificateId, b.clientCertificateId);

/** A time that is yet to come is one of a wrong clock: it counts as the beginning of this run. */
function withdrawnAt(at: string | undefined, { now, since }: Situation): number {
  const time = Date.parse(at ?? '');
  if (Number.isNaN(time)) return 0;
  return time > now.getTime() ? since.getTime() : time;
}
