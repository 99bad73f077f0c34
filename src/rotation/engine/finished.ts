/** A rotation from a certificate of ACM that was over in AWS before this machine had recorded its end. */
import { readMark } from '../../control-plane/marks.js';
import type { Target } from './begin.js';
import { runHook } from './hooks.js';
import { end, type Run } from './run.js';

/**
 * Ends the journal of the rotation that the target's certificate came from. Its mark says no more that anything is left to
 * be done, and by the certificate that was replaced, which ACM keeps, the rotation is not found either.
 * @param isForward whether the user's command of the end is run, as by the run that was to end it
 */
export async function endFinished(run: Run, target: Target, isForward: boolean): Promise<void> {
  const { deps } = run;
  const current = run.certificates.find(
    ({ clientCertificateId }) => clientCertificateId === target.clientCertificateId,
  );
  const mark = current && current.mark === undefined ? readMark(current) : undefined;
  if (!mark || !(await deps.journal.isUnended(mark.rotationId))) return;
  const finished: Run = {
    ...run,
    rotationId: mark.rotationId,
    oldId: mark.replaces,
    certificates: run.certificates.map((one) => (one === current ? { ...one, mark } : one)),
    records: await deps.journal.open(mark.rotationId),
  };
  if (isForward) await runHook(finished, 'done');
  await end(finished, 'completed');
}
