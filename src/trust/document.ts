import type { BeforeEffect } from './trust-store.js';

/** A text as it was read, so that a later write can tell whether somebody else was quicker. */
export interface Revision {
  readonly text: string;
  /** The service's own name of this version (an ETag, a version id, a resourceVersion); files compare the text. */
  readonly version?: string;
}

/** A text that is read and replaced as a whole: a file, an object in S3, a key of a Kubernetes Secret. */
export interface TextDocument {
  /** @throws AppError `TrustStoreUnreadable` */
  read(): Promise<Revision>;

  /**
   * Replaces the text, in one step, if it still is what `expected` says.
   * @param beforeEffect called when all is prepared; when it throws, nothing was changed and nothing is left behind
   * @returns the revision that this very write made, whatever others have written since
   * @throws AppError `TrustStoreFailed` when somebody changed it in between, `FileNotWritable` for the disk's refusals
   */
  write(text: string, expected: Revision, beforeEffect: BeforeEffect): Promise<Revision>;

  /**
   * Runs `work` while no other run of this tool changes the same document.
   * @throws AppError `Locked`
   */
  exclusively<T>(work: () => Promise<T>): Promise<T>;

  /**
   * Remembers beside the document that its text is written and not yet live, so that a run which was killed in
   * between is finished by the next one. Absent where nothing can be kept beside it.
   */
  readonly unfinished?: UnfinishedMark;
}

/** The reason of a change whose run did not live to say more. */
export const STOPPED = 'a run was stopped before the server had loaded it';

/** What is remembered of a change that may not be live. */
export interface Unfinished {
  /** What happened, for a person. */
  reason: string;
  /** ISO 8601, UTC; absent where it cannot be read any more. */
  since?: string;
}

export interface UnfinishedMark {
  read(): Promise<Unfinished | undefined>;
  mark(reason: string): Promise<void>;
  clear(): Promise<void>;
}
