import type { Stage } from '../../core/api-gateway.js';
import { AppError } from '../../core/errors.js';
import { UNKNOWN_OUTCOME } from '../../core/rotation/presentation.js';
import { stageText } from '../../core/rotation/unit.js';
import { replaceStages } from './look.js';
import { pause, step, type Run } from './run.js';

/** Before a write whose outcome is not known is settled by looking and trying again, in milliseconds: doubled up to the last. */
const FIRST_RETRY = 500;
const LAST_RETRY = 4_000;
/** So long, in milliseconds; what is not settled by then is left to a later run, which finds it open. */
const LONGEST = 20_000;

/** Sets a stage's certificate; `rollBack` is the same the other way round. */
export async function switchStage(
  run: Run,
  name: 'switch' | 'rollBack',
  stage: Stage,
  clientCertificateId: string,
): Promise<void> {
  const change = { before: stage.clientCertificateId, after: clientCertificateId };
  await step(
    run,
    name,
    stageText(stage),
    async () => {
      const { set, triedAgain } = await setCertificate(run, stage, clientCertificateId);
      replaceStages(run, [set]);
      return { value: undefined, evidence: { ...change, ...(triedAgain ? { triedAgain } : {}) } };
    },
    change,
  );
}

/**
 * A lost answer, a conflict or an answer that says nothing is neither done nor failed: it is tried again, which ends in
 * the same state however often, until AWS says that it is done or the time for it is over.
 * @throws AppError of the first answer that told nothing
 */
async function setCertificate(
  run: Run,
  stage: Stage,
  id: string,
): Promise<{ set: Stage; triedAgain: boolean }> {
  const { gateway, now, assertHeld } = run.deps;
  const deadline = now().getTime() + Math.min(run.request.settings.inFlight, LONGEST);
  let unknown: AppError | undefined;
  for (let retry = FIRST_RETRY; ; retry = Math.min(2 * retry, LAST_RETRY)) {
    try {
      await assertHeld();
      run.hasSwitched = true;
      run.wroteAt = now();
      return { set: await gateway.setStageCertificate(stage, id), triedAgain: unknown !== undefined };
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'LockLost') throw error;
      if (!UNKNOWN_OUTCOME.has(error.code)) throw unknown ? unsettled(stage, id, unknown, error) : error;
      unknown ??= error;
      if (now().getTime() >= deadline) throw unsettled(stage, id, unknown, error);
    } finally {
      run.wroteAt = now();
    }
    await pause(run, retry);
  }
}

function unsettled(stage: Stage, id: string, first: AppError, last: AppError): AppError {
  const later = last === first || last.message === first.message ? '' : `; later: ${last.message}`;
  return new AppError(
    first.code,
    `it is not known whether ${stageText(stage)} presents ${id} now: ${first.message}${later}`,
    {
      hint: 'run the same command again: it looks, and goes on from what it finds',
      cause: last,
      details: { ...first.details },
    },
  );
}
