/** Looking at the account: what AWS's answers show, and whether they can be believed. */
import type { Certificate } from '../../control-plane/certificate.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { trustedAuthority } from '../../certificates/trust-entry.js';
import type { RestApi, Stage, StageRef } from '../../control-plane/api-gateway.js';
import type { RemovedCertificate } from '../../control-plane/marks.js';
import { AppError } from '../../platform/errors.js';
import { apiNamesOf } from '../../control-plane/named-stage.js';
import type { StoreView } from '../rules/next-step.js';
import { trustKey } from '../rules/trust-key.js';
import { stageText, type EndedCertificate } from '../rules/unit.js';
import { trustedCertificate } from '../../certificates/parse.js';
import { stagesNow, stagesOfApi } from '../../control-plane/stages.js';
import { rememberedBy } from './mark.js';
import { observeCertificates, observeStores } from './observe.js';
import { see } from './observed-account.js';
import { STALE } from '../../control-plane/remembering.js';
import { findEither, withAcm } from './acm.js';
import { account, acmReading, pause, storesOf, type Run } from './run.js';

/** How often, and after how long, an answer that cannot be believed is asked for again. */
const TRIES = 8;
const AGAIN_AFTER = 2_000;
/** A look counts as fresh for at least so long, in milliseconds: a small account is looked at in no time. */
const LEAST_FRESH = 5_000;
/** APIs that were seen before and are missing now are asked for themselves, as many as show whether a list is short. */
const MISSING_APIS_ASKED = 3;

/** Takes in some stages as they are now. */
export function replaceStages(run: Run, seen: readonly Stage[]): void {
  see(run.deps.account, seen, run.deps.now());
  const fresh = new Map(seen.map((stage) => [stageText(stage), stage]));
  run.stages = run.stages.map((stage) => fresh.get(stageText(stage)) ?? stage);
}

/** Takes in a certificate whose mark has changed. */
export function replaceCertificate(run: Run, fresh: Certificate): void {
  run.certificates = run.certificates.map((known) =>
    known.clientCertificateId === fresh.clientCertificateId ? fresh : known,
  );
}

const isMissing = (error: unknown, code: 'CertificateNotFound' | 'StageNotFound'): boolean =>
  error instanceof AppError && error.code === code;

/**
 * Takes in the account's certificates. One of this rotation that the list lacks is asked for itself: lists come late,
 * and what this run has made it knows.
 */
export async function lookAtCertificates(run: Run): Promise<void> {
  const { controlPlane, now } = run.deps;
  const reading = acmReading(run);
  const listed = (await observeCertificates(controlPlane)).filter(
    ({ clientCertificateId }) => !run.deletedHere.has(clientCertificateId),
  );
  const shown = new Set(listed.map(({ clientCertificateId }) => clientCertificateId));
  for (const id of shown) run.gone.delete(id);
  const found: Certificate[] = [];
  for (const id of knownIds(run)) {
    if (shown.has(id) || run.gone.has(id)) continue;
    const certificate = await findEither(reading, id);
    if (certificate) found.push(certificate);
    else if (
      run.made?.certificate.clientCertificateId === id &&
      !run.made.isSeen &&
      now().getTime() < run.made.at.getTime() + STALE
    )
      found.push(run.made.certificate);
    else run.gone.add(id);
  }
  const wanted = [run.oldId, run.request.to, run.importedArn].filter((id) => id !== undefined);
  run.certificates = await withAcm(reading, [...listed, ...found], wanted);
  if (run.made && shown.has(run.made.certificate.clientCertificateId)) run.made.isSeen = true;
}

/**
 * Takes in what must stay trusted for stages that the rotation does not move. Few rotations are about certificates of ACM.
 * @throws AppError where a certificate of this account and Region cannot be read
 */
export async function lookAtTrustedElsewhere(run: Run): Promise<void> {
  const { elsewhere } = account(run);
  run.trustedElsewhere = isOfAcm(run)
    ? await (await import('./trusted-elsewhere.js')).needsElsewhere(run, elsewhere)
    : [];
}

function isOfAcm(run: Run): boolean {
  const { unit } = account(run);
  return [unit.oldId, unit.next?.clientCertificateId].some((id) => id !== undefined && isAcmArn(id));
}

/** Says what stays trusted for others although this rotation needs it no more. */
export async function tellOfKept(run: Run): Promise<void> {
  if (run.trustedElsewhere.length === 0) return;
  const { warnOfKept } = await import('./trusted-elsewhere.js');
  warnOfKept(run);
}

/** Whether the list lacks the old certificate, although by the new one's mark trust in it may be left. */
export function isOldMissing(run: Run): boolean {
  const { old, next, spares } = account(run).unit;
  return !old && [next, ...spares].some((one) => one?.mark?.replacesSha256 !== undefined);
}

/** What certificates of this rotation that exist remember as deleted. */
function rememberedAsRemoved(run: Run): RemovedCertificate[] {
  const { old, next, spares } = account(run).unit;
  return [old, next, ...spares].flatMap((one) => (one ? rememberedBy(run, one) : []));
}

/** Whether something of this rotation is deleted, and a trust store may still hold it. */
export const isRemovedLeft = (run: Run): boolean => rememberedAsRemoved(run).length > 0;

/** Ids of the certificates that this run, or its journal, knows as the rotation's own. */
function knownIds(run: Run): Set<string> {
  const { unit } = account(run);
  return new Set([
    ...[unit.old, unit.next, ...unit.spares].flatMap((one) => one?.clientCertificateId ?? []),
    ...(run.made ? [run.made.certificate.clientCertificateId] : []),
    ...(isOldMissing(run) ? [run.oldId] : []),
    ...rememberedAsRemoved(run).map(({ clientCertificateId }) => clientCertificateId),
    ...run.records.flatMap((entry) => (entry.type === 'certificate' ? [entry.clientCertificateId] : [])),
  ]);
}

/**
 * Looks at every stage of the account and Region, until what comes back can be believed: it has every stage that this
 * rotation ever moved or saw presenting one of its certificates, and the APIs that the look before it had, except those
 * of which AWS itself says that they are gone.
 *
 * @param known whether what the account was asked for a moment ago may serve
 * @param isUrgent whether other rotations of the process are not waited for
 * @throws AppError `ServiceUnreachable` when AWS keeps contradicting itself
 */
export async function lookAtStages(run: Run, { known = false, isUrgent = false } = {}): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { apis, stages, begun, ended } = await run.deps.account.look({
      known: known && tries === 1,
      isUrgent,
    });
    const hidden = (await hiddenStage(run, stages)) ?? (await hiddenApi(run, apis));
    if (hidden === undefined) {
      run.stages = stages;
      run.apis = new Set(apis.map(apiKey));
      run.apiNames = new Map([...run.apiNames, ...apiNamesOf(apis)]);
      run.look = { begun, ended, storesTook: 0 };
      delete run.stores;
      return;
    }
    if (tries === TRIES) {
      throw new AppError(
        'ServiceUnreachable',
        `AWS's lists of APIs and stages lack ${hidden}, which AWS returns when queried by ID`,
        { hint: 'nothing was changed; run the same command again later' },
      );
    }
    await pause(run, AGAIN_AFTER);
  }
}

const apiKey = ({ id, protocolType }: RestApi): string => `${protocolType ?? 'REST'} ${id}`;

/** A stage that has to do with this rotation, exists, and is not among those. */
async function hiddenStage(run: Run, stages: readonly Stage[]): Promise<string | undefined> {
  const shown = new Set(stages.map(stageText));
  for (const [name, expected] of expectedStages(run)) {
    if (shown.has(name)) continue;
    try {
      await run.deps.controlPlane.getStage(expected);
      return `the stage ${name}`;
    } catch (error) {
      if (!isMissing(error, 'StageNotFound')) throw error;
    }
  }
  return undefined;
}

/**
 * Every stage that this rotation was begun for, has moved, or has seen presenting one of its certificates, by
 * `stageText`.
 */
function expectedStages({ deps, target, stages, records, oldId, certificates }: Run): Map<string, StageRef> {
  const { sightings } = deps.account;
  const ours = new Set([
    oldId,
    ...certificates.flatMap(({ mark, clientCertificateId }) =>
      mark?.replaces === oldId ? [clientCertificateId] : [],
    ),
  ]);
  const [first] = records;
  const seen = stages.filter((stage) =>
    [...(sightings.get(stageText(stage))?.lastWith.keys() ?? [])].some((id) => ours.has(id)),
  );
  const expected: StageRef[] = [target, ...(first?.type === 'started' ? first.stages : []), ...seen];
  return new Map(expected.map((stage) => [stageText(stage), stage]));
}

async function hiddenApi(run: Run, apis: readonly RestApi[]): Promise<string | undefined> {
  const shown = new Set(apis.map(apiKey));
  const missing = [...run.apis].filter((key) => !shown.has(key)).slice(0, MISSING_APIS_ASKED);
  for (const key of missing) {
    const [kind, id = ''] = key.split(' ');
    const api: RestApi = {
      id,
      name: '',
      ...(kind === 'WEBSOCKET' ? { protocolType: 'WEBSOCKET' as const } : {}),
    };
    try {
      await stagesOfApi(run.deps.controlPlane, api);
      return `the API ${id}`;
    } catch (error) {
      if (!isMissing(error, 'StageNotFound')) throw error;
    }
  }
  return undefined;
}

/**
 * Asks AWS and the trust stores again for everything. Where stages have left the old certificate, they may have to go
 * back to it: that waits for nobody, and for no other account. What others need is then read before trust ends.
 */
export async function lookAgain(run: Run): Promise<void> {
  await lookAtCertificates(run);
  const isUrgent = account(run).moving.some(({ clientCertificateId }) => clientCertificateId !== run.oldId);
  await lookAtStages(run, { isUrgent });
  const isPostponed = isUrgent && isOfAcm(run);
  if (!isPostponed) await lookAtTrustedElsewhere(run);
  run.progress = { ...run.progress, recounted: !isPostponed };
}

/**
 * Whether the last look at the account still says enough to end trust by: begun after the last write of this run, and
 * ended no longer ago than it took.
 */
export function isLookFresh({ look, wroteAt, deps }: Run): boolean {
  if (look === undefined || (wroteAt !== undefined && look.begun < wroteAt)) return false;
  const { begun, ended, storesTook } = look;
  return isRecent({ begun, ended: new Date(ended.getTime() + storesTook) }, deps.now());
}

/** Whether what was looked at right before a switch still says enough. */
export const isCheckFresh = ({ check, deps }: Run): boolean =>
  check !== undefined && isRecent(check, deps.now());

function isRecent({ begun, ended }: { begun: Date; ended: Date }, now: Date): boolean {
  const took = ended.getTime() - begun.getTime();
  return now.getTime() - ended.getTime() <= Math.max(took, LEAST_FRESH);
}

/**
 * Looks at some stages until they show what this run has just set, for as long as AWS may show what was before; after
 * that somebody else has changed them.
 */
export async function lookAtSwitched(run: Run, switched: readonly StageRef[], id: string): Promise<void> {
  const { controlPlane, now } = run.deps;
  const deadline = (run.wroteAt ?? new Date(0)).getTime() + STALE;
  for (;;) {
    const seen = await stagesNow(controlPlane, switched);
    const isShown = seen.every(({ clientCertificateId }) => clientCertificateId === id);
    if (isShown || now().getTime() >= deadline) {
      replaceStages(run, seen);
      return;
    }
    await pause(run, AGAIN_AFTER / 2);
  }
}

/** What the trust stores hold. A look may cost an ssh a host, so it lasts until something may have changed. */
export async function lookAtStores(run: Run): Promise<readonly StoreView[]> {
  const { unit } = account(run);
  run.stores ??= (
    await observeStores(await storesOf(run), unit, deletedCertificates(run), run.records, run.rotationId)
  ).map((store) => ({
    ...store,
    mayTrust: store.mayTrust.filter((fingerprint) => !run.notLive.has(`${store.name} ${fingerprint}`)),
  }));
  return run.stores;
}

/**
 * Certificates of this rotation that do not exist any more: those that the journal remembers, and by the new one's mark
 * the old one, of which only the fingerprint is left.
 */
export function deletedCertificates(run: Run): EndedCertificate[] {
  const { oldId, certificates, stages, gone, records } = run;
  const { old } = account(run).unit;
  const existing = new Set(certificates.map(({ clientCertificateId }) => clientCertificateId));
  const ended = new Map<string, EndedCertificate>();
  const { next, spares } = account(run).unit;
  const isRetired = (id: string): boolean => id === oldId && old === undefined && existing.has(id);
  const isGone = (id: string): boolean => isRetired(id) || (!existing.has(id) && gone.has(id));
  for (const { mark } of [next, ...spares].filter((one) => one !== undefined)) {
    if (mark?.replacesSha256 === undefined || !isGone(oldId)) continue;
    ended.set(oldId, { clientCertificateId: oldId, trusted: { fingerprintSha256: mark.replacesSha256 } });
  }
  for (const { clientCertificateId: id, fingerprintSha256 } of rememberedAsRemoved(run)) {
    if (isGone(id)) ended.set(id, { clientCertificateId: id, trusted: { fingerprintSha256 } });
  }
  for (const entry of records) {
    if (entry.type !== 'certificate') continue;
    const { clientCertificateId: id, pem, authority } = entry;
    if (!isGone(id)) continue;
    ended.set(id, {
      clientCertificateId: id,
      trusted: trustedCertificate(pem, id),
      ...(authority ? { authority: trustedAuthority(authority.pem, authority) } : {}),
    });
  }
  const retired = certificates.find(({ clientCertificateId }) => isRetired(clientCertificateId));
  if (retired && ended.has(oldId)) ended.set(oldId, retired);
  // Anybody may write tags: what they say must not end the trust in a certificate that exists. One of ACM always exists,
  // and one root and name serve several: of these only what a stage presents counts.
  const presented = new Set(stages.map(({ clientCertificateId }) => clientCertificateId));
  const counts = ({ acm, clientCertificateId: id }: Certificate): boolean =>
    acm === undefined || id === next?.clientCertificateId || presented.has(id);
  const trusted = new Set(
    certificates.filter((one) => one !== retired && counts(one)).map((one) => trustKey(one)),
  );
  return [...ended.values()].filter((one) => !trusted.has(trustKey(one)));
}
