/** The one place where trust ends: whatever is deleted or distrusted, forward or back, passes {@link assertMayEnd}. */
import type { Certificate } from '../../control-plane/certificate.js';
import { stageIdsText } from '../../control-plane/stages-text.js';
import { verbOf } from '../../platform/list-text.js';
import { AppError } from '../../platform/errors.js';
import type { Step } from '../rules/next-step.js';
import { trustKey } from '../rules/trust-key.js';
import { stageText, type EndedCertificate } from '../rules/unit.js';
import { isLookFresh, lookAgain, lookAtStores, replaceCertificate, tellOfKept } from './look.js';
import { eraseMark, rememberRemoved, writeMark } from './mark.js';
import { account, NOTHING_PROVED, pause, step, storeNamed, warn, type Run } from './run.js';
import { situation } from './situation.js';
import { assertNotInStack } from './stack.js';

/**
 * The guard of every end of trust, evaluated right before the effect: no stage of the account and Region presents the
 * certificate, in a look that is fresh (for one that AWS has deleted, which no stage can come to any more, in any look of
 * this run); the soak has passed since any stage can last have presented it; and this run still holds its lock.
 * @throws AppError `LookOutdated` when the run has to look again first, `LockLost`
 */
async function assertMayEnd(run: Run, { clientCertificateId: id }: EndedCertificate): Promise<void> {
  const { deps, stages, gone, request } = run;
  const { lastPresented, now } = await situation(run);
  const last = lastPresented.get(id)?.getTime() ?? 0;
  const presented = stages.find(({ clientCertificateId }) => clientCertificateId === id);
  const why = presented
    ? `${stageText(presented)} presents it`
    : now.getTime() < last + request.settings.soak
      ? 'a stage presented it until a moment ago'
      : gone.has(id) || isLookFresh(run)
        ? undefined
        : 'the state of the stages was read too long ago';
  if (why !== undefined) {
    throw new AppError('LookOutdated', `the certificate ${id} cannot be removed now: ${why}`);
  }
  await deps.assertHeld();
}

type EndStep = Extract<Step, { kind: 'delete' | 'retire' | 'untrust' | 'release' }>;

/** Deletes a certificate, ends the trust in one, or takes the rotation's mark off one that is kept. */
export async function endTrust(run: Run, next: EndStep): Promise<void> {
  try {
    if (next.kind !== 'release') await assertNotInStack(run, next.certificate.clientCertificateId);
    if (next.kind === 'delete') await deleteCertificate(run, next.certificate);
    else if (next.kind === 'retire') await retire(run, next.certificate);
    else if (next.kind === 'untrust') await untrust(run, next.store, next.certificate);
    else await release(run, next.certificate);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'LookOutdated') throw error;
    run.progress = { ...run.progress, recounted: false };
  }
}

/**
 * Deletes one certificate; its private key exists nowhere else. AWS refuses where a stage presents it: that is looked at,
 * and the rotation goes on from there.
 */
async function deleteCertificate(run: Run, certificate: Certificate): Promise<void> {
  const { clientCertificateId: id } = certificate;
  await remember(run, certificate);
  await assertMayEnd(run, certificate);
  await step(run, run.goal === 'rotate' ? 'delete' : 'deleteNew', id, async () => {
    try {
      await run.deps.controlPlane.deleteClientCertificate(id);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'RequestRefused') throw await inUse(run, id, error);
      if (error.code !== 'CertificateNotFound') throw error;
    }
    return { value: undefined };
  });
  run.gone.add(id);
  run.deletedHere.add(id);
  run.certificates = run.certificates.filter(({ clientCertificateId }) => clientCertificateId !== id);
  delete run.stores;
  // Other rotations that the same look serves end theirs before it is too old; the rest of this one needs none.
  await pause(run, 0);
}

/** How the journal tells what a step adds to a trust store or takes out of it. */
export const trustEvidence = (one: EndedCertificate): Record<string, string> => ({
  clientCertificateId: one.clientCertificateId,
  [one.authority ? 'authority' : 'fingerprintSha256']: trustKey(one),
});

/**
 * In the place of a deletion for a certificate of ACM: from then on, no run on whatever machine lets a stage go back to it.
 * AWS itself does not refuse that, so that what was sent before has to take effect first.
 */
async function retire(run: Run, certificate: Certificate): Promise<void> {
  const { next } = account(run).unit;
  if (!next?.mark) return;
  const { mark } = next;
  await assertMayEnd(run, certificate);
  await step(run, 'retire', certificate.clientCertificateId, async () => {
    const retired = run.deps.now().toISOString();
    replaceCertificate(run, await writeMark(run, next, { ...mark, retired }));
    return { value: undefined };
  });
  delete run.stores;
}

/** The old certificate is remembered by the mark of the new one; any other by a tag of the one that is left. */
async function remember(run: Run, certificate: Certificate): Promise<void> {
  const { unit } = account(run);
  const left = run.goal === 'rotate' ? unit.next : unit.old;
  const key = trustKey(certificate);
  const isTrusted = (await lookAtStores(run)).some(({ mayTrust }) => mayTrust.includes(key));
  if (!left || certificate.clientCertificateId === run.oldId || !isTrusted) return;
  replaceCertificate(run, await rememberRemoved(run, left, certificate));
}

/** AWS refuses to delete what a stage presents, and does not say which one. */
async function inUse(run: Run, id: string, refusal: AppError): Promise<AppError> {
  await lookAgain(run);
  const users = run.stages.filter(({ clientCertificateId }) => clientCertificateId === id).map(stageText);
  if (users.length === 0) return refusal;
  run.progress = NOTHING_PROVED;
  return new AppError(
    'LookOutdated',
    `${stageIdsText(users)} ${verbOf(users, 'present')} ${id}, so AWS refuses to delete it`,
  );
}

/**
 * Ends the trust of one store in a certificate. On the way back, a server that does not take over a content in which the
 * certificate is not (any more) is no reason to stop: with its key gone, nobody can ever present it.
 */
async function untrust(run: Run, storeName: string, certificate: EndedCertificate): Promise<void> {
  const { clientCertificateId, trusted, authority } = certificate;
  const evidence = trustEvidence(certificate);
  const isBack = run.goal !== 'rotate';
  const store = await storeNamed(run, storeName);
  await assertMayEnd(run, certificate);
  run.progress = { ...run.progress, confirmed: false };
  delete run.progress.acknowledged;
  try {
    await step(
      run,
      isBack ? 'untrustNew' : 'untrust',
      storeName,
      async () => {
        await store.remove(authority ?? trusted, { beforeEffect: () => assertMayEnd(run, certificate) });
        return { value: undefined, evidence };
      },
      evidence,
    );
  } catch (error) {
    if (!isBack || !(error instanceof AppError) || error.code !== 'TrustStoreNotLive') throw error;
    warn(run, 'TrustStoreNotLive', `${error.message}; ${clientCertificateId} is not in it`);
    run.notLive.add(`${storeName} ${trustKey(certificate)}`);
  } finally {
    delete run.stores;
  }
}

/** A certificate that `--to` named for nothing stays as it was before the rotation, and what other stages present stays in use. */
async function release(run: Run, certificate: Certificate): Promise<void> {
  await tellOfKept(run);
  const { clientCertificateId: id } = certificate;
  const users = run.stages.filter(({ clientCertificateId }) => clientCertificateId === id).map(stageText);
  if (users.length > 0)
    warn(run, 'NewCertificateInUse', `${stageIdsText(users)} ${verbOf(users, 'present')} ${id}, so it stays`);
  await step(run, 'release', id, async () => {
    await eraseMark(run, certificate);
    return { value: undefined, evidence: { kept: true } };
  });
  run.certificates = run.certificates.map((known) => {
    if (known.clientCertificateId !== id) return known;
    const released = { ...known };
    delete released.mark;
    return released;
  });
}
