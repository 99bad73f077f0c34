/** Others at work on the same rotation, on this machine or another. */
import { AppError, type ErrorCode } from '../../platform/errors.js';
import { stageText } from '../rules/unit.js';
import { lookAgain } from './look.js';
import { account, NOTHING_PROVED, type Run } from './run.js';

/** How often a run goes on after the work of others has made a step of its own fail. */
const MOST_TRIES = 5;

/**
 * Failures that say nothing against the rotation: every state is safe to stay in, and the next run goes on from it.
 * Undoing would need the very thing that failed.
 */
export const LEFT_AS_IT_IS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ConcurrentModification',
  'ConfirmationNeeded',
  'CredentialsExpired',
  'Interrupted',
  'JournalNotWritable',
  'LockLost',
  'Locked',
  'ProofInconclusive',
  'RotationWaiting',
  'ServiceUnreachable',
  'Throttled',
  'TrustStoreLocked',
]);

/**
 * Of two runs that made a certificate for the same place, one takes its own back; both know which. Where the new
 * certificate is gone, or is marked as a rotation's no more, an abort took it back, on whatever machine.
 */
export function overtaken(run: Run): AppError | undefined {
  const { next } = account(run).unit;
  const lostId = run.generatedId ?? run.nextId;
  if (next) run.nextId = next.clientCertificateId;
  if (!next && lostId !== undefined) {
    return new AppError(
      'RotationOvertaken',
      `another run aborted this rotation, or someone deleted the new certificate or removed its mark: ${lostId}`,
      { hint: 'run the same command again: it starts over if the certificate is still due' },
    );
  }
  if (!next || run.generatedId === undefined || next.clientCertificateId === run.generatedId)
    return undefined;
  // Its own, made by a call whose answer was lost and that AWS finished late: no rival, but the one to go on with.
  if (next.mark?.rotationId === run.rotationId) return undefined;
  return new AppError(
    'RotationOvertaken',
    `another run (rotation ${next.mark?.rotationId ?? 'unknown'}) is already rotating the same certificate to ${next.clientCertificateId}`,
    { hint: 'no action needed: a later run makes sure that it completes' },
  );
}

/**
 * Whether the failure may come from others at work: AWS shows something else than this run believed. Then there is
 * nothing to undo yet; the rotation goes on from what is there.
 */
async function isOutdated(run: Run, error: unknown): Promise<boolean> {
  if (!(error instanceof AppError) || LEFT_AS_IT_IS.has(error.code) || AT_ONCE.has(error.code)) return false;
  // Of what this rotation is about alone: other rotations of the process change the rest all the time.
  const picture = (): string => {
    const { unit, moving } = account(run);
    return JSON.stringify([
      [unit.old, unit.next, ...unit.spares].map((one) => one?.clientCertificateId),
      moving.map((stage) => [stageText(stage), stage.clientCertificateId]).sort(),
    ]);
  };
  const before = picture();
  try {
    await lookAgain(run);
  } catch {
    return false;
  }
  run.progress = NOTHING_PROVED;
  return picture() !== before;
}

/** Failures whose cause is known and not in AWS. */
const AT_ONCE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'HookFailed',
  'RolledBack',
  'RotationOvertaken',
  'StackUpdateFailed',
  'StageChanged',
]);

/** Does it again, from what is there by then, where the work of others has made it fail. */
export async function despiteOthers<T>(run: Run, action: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await action();
    } catch (error) {
      if (tries < MOST_TRIES && (await isOutdated(run, error))) continue;
      throw error;
    }
  }
}
