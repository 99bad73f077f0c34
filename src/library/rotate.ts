import type { RotationReport } from '../rotation/rules/report.js';
import type { RotateOptions } from './settings.js';

/**
 * Rotates the certificate of a stage, if it is due, as `apigw-cert rotate` does: it resumes a rotation that was
 * interrupted, and leaves a state that is safe to stay in whatever fails. Resolves with what `--output json` prints for
 * the certificate.
 *
 * The signal stops it after the current step; another call goes on from there. The old certificate is deleted in the end,
 * unless `keepOld` says otherwise.
 *
 * @throws AppError with the codes of docs/exit-codes.md, such as `BackendRefused`, `RolledBack` or `RotationWaiting`
 */
export const rotate = (options: RotateOptions): Promise<RotationReport> => run(options, false);

/**
 * What {@link rotate} would do, as `apigw-cert rotate --dry-run` prints it. Changes nothing, and calls no backend.
 * @throws AppError
 */
export const plan = (options: RotateOptions): Promise<RotationReport> => run(options, true);

async function run(options: RotateOptions, dryRun: boolean): Promise<RotationReport> {
  options.signal?.throwIfAborted();
  const { runRotation } = await import('./run-rotation.js');
  return runRotation(options, dryRun);
}
