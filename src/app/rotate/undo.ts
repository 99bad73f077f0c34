import { AppError } from '../../core/errors.js';
import { eraseMark, writeMark } from './mark.js';
import { isJournalLost } from './observe.js';
import { changeTrust, deleteCertificate, switchStage } from './perform.js';
import { askUntil, probesOf, refusalText } from './prove.js';
import {
  presentedIds,
  stageText,
  type RotationCertificate,
  type TrustableCertificate,
} from '../../core/rotation/unit.js';
import type { RotationReport } from './report.js';
import {
  account,
  deletedCertificates,
  lastMove,
  lookAgain,
  lookAtStores,
  step,
  tell,
  waitUntil,
  warn,
  type Run,
} from './run.js';

/**
 * Puts the old certificate back wherever a stage has left it: trusted first, proved, then switched.
 * @throws AppError `UndoImpossible` when it is deleted or refused; then nothing was switched
 */
async function switchBack(run: Run): Promise<void> {
  const { unit, moving } = account(run);
  const moved = moving.filter(({ clientCertificateId }) => clientCertificateId !== unit.oldId);
  if (moved.length === 0) return;
  const { old } = unit;
  if (!old) {
    throw new AppError(
      'UndoImpossible',
      `the old certificate ${unit.oldId} is deleted, so no stage can go back to it`,
      {
        hint: 'the rotation can only be finished: run the same command without --abort',
      },
    );
  }
  for (const store of await lookAtStores(run)) {
    if (!store.trusts.includes(old.trusted.fingerprintSha256))
      await changeTrust(run, 'trust', store.name, old);
  }
  const { settle, probes: times, allowUnproved } = run.request.settings;
  const probes = await probesOf(run);
  if (probes.length === 0 && !allowUnproved) {
    throw new AppError(
      'BackendNotProvable',
      `no call reaches the backends, so it cannot be proved that they accept ${old.clientCertificateId}; the stages stay where they are`,
      {
        hint: "name a call that may be made: --probe 'GET /health'; or go back without that proof by --allow-unproved",
      },
    );
  }
  const { asWanted, results } = await askUntil(
    run,
    { probes, certificateId: old.clientCertificateId, wanted: 'accepted', times },
    settle,
  );
  if (!asWanted) {
    throw new AppError(
      'UndoImpossible',
      `the backend refuses the old certificate ${old.clientCertificateId}, so the stages stay where they are: ${refusalText(results)}`,
      {
        hint: 'make the backend accept it and run again with --abort; without --abort the rotation is finished',
      },
    );
  }
  for (const stage of moved) await switchStage(run, 'rollBack', stage, old.clientCertificateId);
}

/**
 * Ends with the old certificate in place and the new one gone from stage, trust stores and account. What a stage
 * still presents is never touched; a certificate that `--to` named is kept, only its mark goes. Once begun, it is
 * what every further run goes on with.
 *
 * What the account showed must have been looked at just before: others must not suffer from the way back.
 *
 * @param whose `own`: what this rotation made, and not what a racing run did
 */
export async function undo(run: Run, reason: string, whose: 'all' | 'own'): Promise<void> {
  tell(run, { type: 'undoing', reason });
  await step(run, 'undo', undefined, async () => {
    await switchBack(run);
    if (await waitForOld(run)) await lookAgain(run);
    const { next, spares } = account(run).unit;
    const made = [next, ...spares].filter((one) => one !== undefined);
    const { rotationId } = run;
    await takeBack(run, whose === 'all' ? made : made.filter(({ mark }) => mark?.rotationId === rotationId));
    return { value: undefined, evidence: { reason } };
  });
}

/** Whether an earlier run began to undo this rotation, did not come to the end, and could. */
export function isUndoing({ records }: Run): boolean {
  const last = records.findLast((entry) => 'step' in entry && entry.step === 'undo');
  return last?.type === 'intent' || (last?.type === 'failed' && last.code !== 'UndoImpossible');
}

/** What taking the rotation back would do, in order. Looks only. */
export async function plannedUndo(run: Run): Promise<RotationReport['steps']> {
  const { unit, moving } = account(run);
  const { next, spares } = unit;
  const made = [next, ...spares].filter((one) => one !== undefined);
  const stores = await lookAtStores(run);
  return [
    ...moving
      .filter(({ clientCertificateId }) => clientCertificateId !== unit.oldId)
      .map((stage) => ({ step: 'rollBack', subject: stageText(stage) })),
    ...made.flatMap(({ clientCertificateId, trusted }) =>
      stores
        .filter(({ mayTrust }) => mayTrust.includes(trusted.fingerprintSha256))
        .map(({ name }) => ({ step: 'untrustNew', subject: `${name}: ${clientCertificateId}` })),
    ),
    ...made
      .filter(({ mark }) => mark?.adopted !== true)
      .map(({ clientCertificateId }) => ({ step: 'deleteNew', subject: clientCertificateId })),
  ];
}

/**
 * API Gateway goes on presenting the new certificate for a while, so it has to stay trusted as long.
 * @returns whether there was anything to wait for
 */
async function waitForOld(run: Run): Promise<boolean> {
  const { records, deps, request } = run;
  const { moving } = account(run);
  const wasMoved = records.some((entry) => entry.type === 'intent' && entry.step === 'switch');
  if (!wasMoved && !isJournalLost(records)) return false;
  // Where the stages went to somebody else's certificate, nothing tells when.
  const since = lastMove(run, moving) ?? deps.now();
  const until = new Date(Math.min(since.getTime(), deps.now().getTime()) + request.settings.soak);
  if (until <= deps.now()) return false;
  if (!request.settings.wait) {
    throw new AppError(
      'RotationWaiting',
      `the old certificate is in place; the new one goes after the soak, at ${until.toISOString()}`,
      { hint: 'run the same command again after that', details: { until: until.toISOString() } },
    );
  }
  tell(run, { type: 'waiting', until: until.toISOString(), reason: 'soak' });
  await waitUntil(run, until);
  return true;
}

/** Ends certificates that were made for nothing, and the trust in those of them that somebody deleted. */
async function takeBack(run: Run, made: readonly RotationCertificate[]): Promise<void> {
  const users = presentedIds(run.stages);
  const inUse = made.find(({ clientCertificateId }) => users.has(clientCertificateId));
  if (inUse) {
    throw new AppError('CertificateInUse', `a stage presents ${inUse.clientCertificateId}, so it stays`, {
      hint: 'see which (`apigw-cert list --usage`) and whether that is meant',
    });
  }
  const gone = deletedCertificates(run).filter(
    ({ clientCertificateId }) => clientCertificateId !== run.oldId,
  );
  for (const certificate of [...made, ...gone]) {
    for (const store of await lookAtStores(run)) {
      if (!store.mayTrust.includes(certificate.trusted.fingerprintSha256)) continue;
      await endTrust(run, store.name, certificate);
    }
  }
  for (const certificate of made) {
    if (certificate.mark?.adopted) await eraseMark(run, certificate);
    else await deleteCertificate(run, 'deleteNew', certificate);
  }
}

/**
 * Ends the trust in a certificate that is about to be deleted. A server that does not take a content over in which the
 * certificate is not (any more) is no reason to keep it: with its key gone, nobody can ever present it.
 */
async function endTrust(run: Run, store: string, certificate: TrustableCertificate): Promise<void> {
  try {
    await changeTrust(run, 'untrustNew', store, certificate);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'TrustStoreNotLive') throw error;
    warn(run, 'TrustStoreNotLive', `${error.message}; ${certificate.clientCertificateId} is not in it`);
  }
}

/** Takes back what this rotation made, since a racing one goes first. */
export async function takeBackOwn(run: Run): Promise<void> {
  await step(run, 'undo', undefined, async () => {
    const own = run.certificates.filter(({ mark }) => mark?.rotationId === run.rotationId);
    if (await waitForOld(run)) await lookAgain(run);
    await takeBack(run, own);
    return { value: undefined, evidence: { reason: 'another run goes first' } };
  });
}

/**
 * After a failure in use: switches the stages back and keeps the new certificate, marked, so that no timer tries it
 * again before a person has looked. The mark comes first: a run that finds it, and a stage that presents the
 * certificate, goes on with the way back.
 */
export async function rollBack(run: Run, why: string, cause?: unknown): Promise<AppError> {
  tell(run, { type: 'undoing', reason: why });
  const { next } = account(run).unit;
  if (next?.mark && next.mark.rolledBack === undefined) {
    try {
      replaceCertificate(
        run,
        await writeMark(run, next, { ...next.mark, rolledBack: run.deps.now().toISOString() }),
      );
    } catch (error) {
      warn(
        run,
        'MarkNotWritten',
        `${next.clientCertificateId} could not be marked as rolled back, so the next run would try it again: ${String(error)}`,
      );
    }
  }
  await switchBack(run);
  return new AppError('RolledBack', `the stages are back on the old certificate ${run.oldId}: ${why}`, {
    hint: 'find out why the backend refused the new one; then `rotate --force` tries again, `rotate --abort` takes it back',
    cause,
  });
}

/** Lets a certificate that failed in use be tried again, by this run and by those that go on with it. */
export async function allowAgain(run: Run, certificate: RotationCertificate): Promise<void> {
  if (certificate.mark?.rolledBack === undefined) return;
  const mark = { ...certificate.mark };
  delete mark.rolledBack;
  replaceCertificate(run, await writeMark(run, certificate, mark));
}

function replaceCertificate(run: Run, fresh: RotationCertificate): void {
  run.certificates = run.certificates.map((known) =>
    known.clientCertificateId === fresh.clientCertificateId ? fresh : known,
  );
}
