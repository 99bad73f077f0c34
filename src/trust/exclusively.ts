import { AppError } from '../core/errors.js';
import { holderHint, holderText, isHeldLock, takeLock } from '../platform/lock.js';
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
  const lock = await takeLock(lockPath, { wait }).catch((cause: unknown) => {
    throw notWritable(path, cause);
  });
  if (!isHeldLock(lock)) {
    throw new AppError('TrustStoreLocked', `${holderText(lock)} is changing it`, {
      hint: holderHint(lock),
      details: { lock: lockPath, ...(lock.holder && { pid: lock.holder.pid, host: lock.holder.host }) },
    });
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
