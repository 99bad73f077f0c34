import type { Journal, JournalledRotation } from '../../src/rotation/journal/journal.js';

/** All that a journal holds. */
export async function allRotations(journal: Pick<Journal, 'ends' | 'read'>): Promise<JournalledRotation[]> {
  const read = await Promise.all((await journal.ends()).map(({ rotationId }) => journal.read(rotationId)));
  return read.filter((rotation) => rotation !== undefined);
}
