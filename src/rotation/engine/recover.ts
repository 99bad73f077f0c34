import { isAcmVersion } from '../../control-plane/acm-version.js';
import { AppError } from '../../platform/errors.js';
import type { RotationStep } from '../rules/record.js';
import { runHook } from './hooks.js';
import { isJournalLost } from './observe.js';
import { canGoBack, lastError, goBack, rollBack } from './drive.js';
import { lookAgain } from './look.js';
import { LEFT_AS_IT_IS, overtaken } from './others.js';
import { account, end, record, warn, type Run } from './run.js';

/** Leaves a safe state after a failure, and says what to throw. */
export async function recover(run: Run, error: unknown): Promise<unknown> {
  const code = error instanceof AppError ? error.code : undefined;
  if (code !== undefined && (LEFT_AS_IT_IS.has(code) || code === 'RolledBack')) return error;
  return attempt(run, error, async () => {
    // What failed may have failed because others were at work: they must not suffer from the way back.
    await lookAgain(run);
    const rival = overtaken(run);
    if (rival) {
      await goBack(run, 'cancel', 'another run goes first');
      await end(run, 'superseded');
      return rival;
    }
    const { moving, unit } = account(run);
    if (moving.some(({ clientCertificateId }) => clientCertificateId !== unit.oldId)) {
      const failure =
        code === 'NewCertificateRefused' && mayRollBack(run)
          ? await rollBack(run, messageOf(error), error)
          : withoutReturn(run, error);
      await failedHook(run);
      return failure;
    }
    if (!isOwn(run)) {
      await failedHook(run);
      return error;
    }
    await goBack(run, 'cancel', messageOf(error));
    await failedHook(run);
    await end(run, 'cancelled');
    return error;
  });
}

/**
 * Whether this run, or an earlier one with the same journal, made the new certificate. A run that only joined a rotation
 * of another machine does not take it back: that one may be at work on it.
 */
function isOwn({ generatedId, records }: Run): boolean {
  return (
    generatedId !== undefined ||
    !isJournalLost(records) ||
    records.some((entry) => entry.type === 'done' && (entry.step === 'generate' || entry.step === 'adopt'))
  );
}

/**
 * A refusal counts against the new certificate only while it is new in use; later it is the backend's own trouble. Nor is
 * there anything to go back to once the old certificate is deleted or retired, which this journal need not know.
 */
function mayRollBack(run: Run): boolean {
  const { records, hasSwitched } = run;
  const lastSwitch = records.findLastIndex((entry) => entry.type === 'done' && entry.step === 'switch');
  const since = records.slice(lastSwitch + 1);
  const wasDone = (name: RotationStep): boolean =>
    since.some((entry) => entry.type === 'done' && entry.step === name);
  return canGoBack(run) && !wasDone('untrust') && !wasDone('delete') && (hasSwitched || !wasDone('soak'));
}

/** After an import in place, that there is no way back is not obvious: the stages present the same ARN as before. */
function withoutReturn(run: Run, error: unknown): unknown {
  const isRefused = error instanceof AppError && error.code === 'NewCertificateRefused';
  if (!isRefused || !isAcmVersion(run.oldId) || canGoBack(run)) return error;
  const { message, hint = '' } = lastError(run, { kind: 'impossible' });
  return new AppError(error.code, `${error.message}; ${message}`, { hint, cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A failure of the way back must not hide why it was taken; an interruption of it is one. */
async function attempt(run: Run, error: unknown, way: () => Promise<unknown>): Promise<unknown> {
  try {
    return await way();
  } catch (second) {
    if (!(error instanceof AppError) || !(second instanceof Error)) return second;
    if (second instanceof AppError && second.code === 'Interrupted') return second;
    await record(run, {
      type: 'note',
      at: run.deps.now().toISOString(),
      text: `rolling back failed: ${second.message}`,
    }).catch(() => undefined);
    // Often the way back stops at what had stopped the way forward.
    const why = second.message === error.message ? 'same error' : second.message;
    const again = 'run the same command again: it resumes rolling back';
    // That of a run which waits says the same.
    const isWaiting = second instanceof AppError && second.code === 'RotationWaiting';
    const hints = [error.hint, second instanceof AppError && !isWaiting ? second.hint : undefined].filter(
      (hint, i, all) => hint !== undefined && all.indexOf(hint) === i,
    );
    return new AppError(error.code, `${error.message}; rolling back stopped:  ${why}`, {
      hint: hints.length === 0 ? again : `${hints.join('; ')}; then ${again}`,
      cause: second,
    });
  }
}

async function failedHook(run: Run): Promise<void> {
  try {
    await runHook(run, 'failed');
  } catch (error) {
    warn(run, 'HookFailed', error instanceof Error ? error.message : String(error));
  }
}
