import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '../../platform/errors.js';
import { holdLock, type Monotonic } from '../../platform/lock.js';
import type { HeldLease, Lease } from './lease.js';
import { makePrivateDirectory, notWritable, stateDirectory } from '../../platform/state-directory.js';

/** Leases as locks in a directory. @param options by default `locks` in the user's state directory, in real time */
export function fileLease({
  directory = join(stateDirectory(), 'locks'),
  clock,
}: { directory?: string; clock?: Monotonic } = {}): Lease {
  return {
    async hold(key, { wait = 0 } = {}): Promise<HeldLease> {
      const file = join(directory, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.lock`);
      try {
        await makePrivateDirectory(directory);
      } catch (cause) {
        throw notWritable(directory, cause);
      }
      const lock = await holdLock(
        file,
        { wait, ...(clock ? { clock } : {}) },
        {
          system: (cause) => notWritable(file, cause),
          refused: (text, hint, { holder, state }) =>
            new AppError('Locked', `${text} is already working on ${key}`, {
              hint,
              details: {
                key,
                file,
                ...(holder && { pid: holder.pid, host: holder.host, since: holder.since, state }),
              },
            }),
        },
      );
      const lost = new AbortController();
      const loss = new AppError('LockLost', `another run has taken over the work on ${key}`, {
        hint: 'run the same command again: it resumes from the current state',
      });
      lock.lost.addEventListener('abort', () => {
        lost.abort(loss);
      });
      return {
        signal: lost.signal,
        async assertHeld() {
          if (!(await lock.isHeld())) throw loss;
        },
        release: () => lock.release(),
      };
    },
  };
}
