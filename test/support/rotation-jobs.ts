import { join } from 'node:path';
import { openFileJournal } from '../../src/rotation/journal/file-journal.js';
import { newRotationId, storesOf } from '../../src/rotation/engine/request.js';
import { openSession, type JobsDeps, type Session } from '../../src/rotation/engine/rotate-jobs.js';
import { createAwsControlPlane } from '../../src/control-plane/aws.js';

/** Where jobs of a test are done. */
export interface JobsPlace extends Pick<JobsDeps, 'sleep'> {
  endpoint: string;
  /** Of the journals. */
  directory: string;
  now: () => Date;
}

/** A session of an account and Region of an emulator. */
export async function sessionIn(
  { endpoint, now }: Pick<JobsPlace, 'endpoint' | 'now'>,
  region: string,
): Promise<Session> {
  const controlPlane = await createAwsControlPlane({ region, endpoint });
  const progress = { expect: () => undefined, done: () => undefined };
  return openSession(controlPlane, now, { progress, signal: new AbortController().signal });
}

/** The world of jobs that nobody else works on at the same time, and where nobody is asked anything. */
export function jobsDeps({
  directory,
  sleep,
}: Pick<JobsPlace, 'directory' | 'sleep'>): Omit<JobsDeps, 'connect'> {
  const { signal } = new AbortController();
  return {
    lease: {
      hold: () =>
        Promise.resolve({ signal, assertHeld: () => Promise.resolve(), release: () => Promise.resolve() }),
    },
    journal: openFileJournal(join(directory, 'journal')),
    stores: (job, apis) => storesOf(job, apis, { announce: () => undefined }),
    newRotationId,
    emit: () => undefined,
    sleep,
    signal,
    confirm: (question) => Promise.reject(new Error(question)),
    approve: (question) => Promise.reject(new Error(question)),
    request: async (address) => (await fetch(address)).status,
  };
}
