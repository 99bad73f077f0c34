import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { AppError } from '../core/errors.js';
import { notWritable } from './replace-file.js';

/** How long a lock outlives a run that was killed, and how long another run waits for one: ms. */
const STALE_MS = 5_000;
const PATIENCE_MS = 15_000;

function acquire(path: string, lockfilePath: string): Promise<() => Promise<void>> {
  return lock(path, {
    lockfilePath,
    realpath: false,
    stale: STALE_MS,
    update: 1_000,
    // A lock that is lost (the machine slept) is noticed by the comparison before each write.
    onCompromised: () => undefined,
  });
}

/**
 * Runs `work` while no other run of this tool on this host changes `path`.
 * @param lockfilePath the folder that stands for the lock while it is held; a killed run's is taken over after 5 s
 * @throws AppError `Locked` when another run keeps it for more than 15 s
 */
export async function exclusively<T>(path: string, lockfilePath: string, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  let release: (() => Promise<void>) | undefined;
  while (!release) {
    try {
      release = await acquire(path, lockfilePath);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ELOCKED') throw notWritable(path, cause);
      if (performance.now() > deadline) {
        throw new AppError('Locked', 'another run of apigw-cert is changing it', {
          cause,
          hint: 'run the same command again when that one has ended',
        });
      }
      await sleep(100);
    }
  }
  try {
    return await work();
  } finally {
    // It may have been taken over; whoever did so releases it.
    await release().catch(() => undefined);
  }
}
