/** Where rotations are recorded, who may work on them, and what was notified: one place for all of it. */
import { dirname, join } from 'node:path';
import { AppError } from '../../platform/errors.js';
import { readRegularFile } from '../../platform/read-regular-file.js';
import { makePrivateDirectory, notWritable, stateDirectory } from '../../platform/state-directory.js';
import { writeFileAtomically } from '../../platform/write-file.js';
import type { StatePlace } from '../../settings/state-place.js';
import type { StateAccess } from '../../state/connect.js';
import type { DocumentStore } from '../../state/documents.js';
import { openStore } from '../../state/open.js';
import { openFileJournal } from './file-journal.js';
import { fileLease } from './file-lease.js';
import type { Journal } from './journal.js';
import type { Lease } from './lease.js';

/** One small text that is replaced as a whole, under a lease of the caller's. */
export interface Memo {
  /** As messages name it; the same for all that share it. */
  readonly name: string;
  /** What to do where its text is no good. */
  readonly remedy: string;
  /** @throws the system's error or an AppError where it cannot be read */
  read(): Promise<string | undefined>;
  /** @throws AppError */
  write(text: string): Promise<void>;
}

/** The state of rotations and notifications. */
export interface State {
  readonly journal: Journal;
  readonly lease: Lease;
  /** @param key letters and digits */
  memo(key: string): Memo;
  /** Whether other machines work with it too, as far as is known. */
  readonly isShared: boolean;
}

/** A file that holds a memo. */
export function fileMemo(file: string): Memo {
  return {
    name: file,
    remedy: 'delete the file',
    async read() {
      try {
        return (await readRegularFile(file)).toString('utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async write(text) {
      try {
        await makePrivateDirectory(dirname(file));
      } catch (cause) {
        throw notWritable(dirname(file), cause);
      }
      await writeFileAtomically(file, text, { mode: 0o600 });
    },
  };
}

/** State in a folder: journals and memos as files, leases as locks. The folder of memos has a former name. */
export const folderState = (directory: string = stateDirectory()): State => ({
  journal: openFileJournal(join(directory, 'rotations')),
  lease: fileLease({ directory: join(directory, 'locks') }),
  memo: (key) => fileMemo(join(directory, 'told', `${key}.json`)),
  isShared: false,
});

const MEMOS = 'notified';

function documentMemo(store: DocumentStore, name: string): Memo {
  const key = { group: MEMOS, name };
  return {
    name: `${MEMOS}/${name} in ${store.name}`,
    remedy: 'delete it',
    read: async () => (await store.read(key))?.text,
    async write(text) {
      const there = await store.read(key);
      if ((await store.write(key, text, there?.version)) !== undefined) return;
      throw new AppError('LockLost', `another run has written ${MEMOS}/${name} in ${store.name}`, {
        hint: 'run the same command again',
      });
    },
  };
}

/**
 * The state in a place; nothing is asked yet.
 * @param access how the account of a store of AWS is reached
 */
export async function openState(place: StatePlace, access: StateAccess = {}): Promise<State> {
  if (place.kind === 'folder') return folderState(place.directory);
  const [store, { documentJournal }, { documentLease }] = await Promise.all([
    openStore(place, access),
    import('./document-journal.js'),
    import('./document-lease.js'),
  ]);
  return {
    journal: documentJournal(store),
    lease: documentLease(store),
    memo: (key) => documentMemo(store, key),
    isShared: true,
  };
}
