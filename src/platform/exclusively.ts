import { AppError } from './errors.js';
import { holdLock } from './lock.js';
import { notWritable } from './replace-file.js';

/** How long another run may take for its change before this one gives up, in milliseconds. */
const PATIENCE_MS = 15_000;

/**
 * Runs `work` while no other run of this tool changes `path`.
 * @param lockPath what stands for the lock while it is held
 * @param wait how long to wait for another run, in milliseconds
 * @throws AppError `TrustStoreLocked` when another run keeps it for longer; then nothing was changed
 */
export async function exclusively<T>(
  path: string,
  lockPath: string,
  work: () => Promise<T>,
  wait = PATIENCE_MS,
): Promise<T> {
  const lock = await holdLock(
    lockPath,
    { wait },
    {
      system: (cause) => notWritable(path, cause),
      refused: (text, hint, { holder }) =>
        new AppError('TrustStoreLocked', `${text} is changing it`, {
          hint,
          details: { lock: lockPath, ...(holder && { pid: holder.pid, host: holder.host }) },
        }),
    },
  );
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
