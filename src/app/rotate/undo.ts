import { AppError } from '../../core/errors.js';
import { eraseMark, writeMark } from './mark.js';
import { changeTrust, deleteCertificate, switchStage } from './perform.js';
import { askUntil, probesOf, refusalText } from './prove.js';
import type { RotationCertificate } from '../../core/rotation/unit.js';
import { account, lastChange, lastDone, lookAtStores, pause, step, tell, warn, type Run } from './run.js';

/**
 * Puts the old certificate back wherever a stage has left it: trusted first, proved, then switched.
 * @throws AppError `UndoImpossible` when it is deleted or refused; then nothing was switched
 */
export async function switchBack(run: Run): Promise<void> {
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
  const { settle, probes: times } = run.request.settings;
  const { asWanted, results } = await askUntil(
    run,
    { probes: await probesOf(run), certificateId: old.clientCertificateId, wanted: 'accepted', times },
    settle,
  );
  if (!asWanted) {
    throw new AppError(
      'UndoImpossible',
      `the backend refuses the old certificate ${old.clientCertificateId}, so the stages stay where they are: ${refusalText(results)}`,
      { hint: 'make the backend accept it, then run again' },
    );
  }
  for (const stage of moved) await switchStage(run, 'rollBack', stage, old.clientCertificateId);
}

/**
 * Ends with the old certificate in place and the new one gone from stage, trust stores and account. What a stage
 * still presents is never touched; a certificate that `--to` named is kept, only its mark goes. Once begun, it is
 * what every further run goes on with.
 */
export async function undo(run: Run, reason: string): Promise<void> {
  tell(run, { type: 'undoing', reason });
  await step(run, 'undo', undefined, async () => {
    await switchBack(run);
    await waitForOld(run);
    const { unit } = account(run);
    for (const certificate of [...(unit.next ? [unit.next] : []), ...unit.spares])
      await takeBack(run, certificate);
    return { value: undefined, evidence: { reason } };
  });
}

/** Whether an earlier run began to undo this rotation and did not come to the end. */
export function isUndoing({ records }: Run): boolean {
  const begun = records.findLastIndex((entry) => entry.type === 'intent' && entry.step === 'undo');
  const done = records.findLastIndex((entry) => entry.type === 'done' && entry.step === 'undo');
  return begun > done;
}

/** API Gateway goes on presenting the new certificate for a while, so it has to stay trusted as long. */
async function waitForOld(run: Run): Promise<void> {
  const { records, deps, request, warnings } = run;
  const journalLost = warnings.some(({ code }) => code === 'JournalLost');
  const since =
    lastDone(records, 'rollBack') ??
    lastDone(records, 'switch') ??
    (journalLost ? lastChange(account(run).moving) : undefined);
  if (since === undefined) return;
  const left = since.getTime() + request.settings.soak - deps.now().getTime();
  if (left <= 0) return;
  tell(run, { type: 'waiting', until: new Date(deps.now().getTime() + left).toISOString(), reason: 'soak' });
  await pause(run, left);
}

async function takeBack(run: Run, certificate: RotationCertificate): Promise<void> {
  for (const store of await lookAtStores(run)) {
    if (!store.trusts.includes(certificate.trusted.fingerprintSha256)) continue;
    await changeTrust(run, 'untrustNew', store.name, certificate);
  }
  if (certificate.mark?.adopted) await eraseMark(run, certificate);
  else await deleteCertificate(run, 'deleteNew', certificate);
}

/**
 * After a failure in use: switches the stages back and keeps the new certificate, marked, so that no timer tries it
 * again before a person has looked.
 */
export async function rollBack(run: Run, cause: unknown): Promise<AppError> {
  const why = cause instanceof Error ? cause.message : String(cause);
  tell(run, { type: 'undoing', reason: why });
  await switchBack(run);
  const { next } = account(run).unit;
  if (next?.mark) {
    const mark = { ...next.mark, rolledBack: run.deps.now().toISOString() };
    try {
      await writeMark(run, next, mark);
    } catch (error) {
      warn(
        run,
        'MarkNotWritten',
        `${next.clientCertificateId} could not be marked as rolled back, so the next run would try it again: ${String(error)}`,
      );
    }
  }
  return new AppError('RolledBack', `the stages are back on the old certificate ${run.oldId}: ${why}`, {
    hint: 'find out why the backend refused the new one; then `rotate --force` tries again, `rotate --abort` takes it back',
    cause,
  });
}
