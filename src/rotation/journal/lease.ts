/** The right to work on something, which nobody else has meanwhile. */
export interface HeldLease {
  /** Aborted, with an AppError `LockLost` as its reason, once it is known that another run has, or may have, taken over. */
  readonly signal: AbortSignal;
  /** One more than that of the holder before, where machines share the lease. */
  readonly fence?: number;
  /**
   * Looks at where the lease is kept, at the moment of the call: to be called right before each effect, since a machine
   * that slept finds out here, before its signal tells.
   * @throws AppError `LockLost`
   */
  assertHeld(): Promise<void>;
  /** Gives it back; harmless when another has it by now. */
  release(): Promise<void>;
}

/** How long to wait for another run to end, in milliseconds; by default not at all. */
export interface LeaseOptions {
  wait?: number;
}

/** Where leases are kept. `fileLease` keeps them on this machine, or on a disk that several share. */
export interface Lease {
  /**
   * Takes the lease of that name.
   * @param key free text that names what is worked on, the same however a caller spelled it, such as `callerText`
   * @throws AppError `Locked` when another run has it for longer than `wait`, `JournalNotWritable` when it cannot be
   * written down
   */
  hold(key: string, options?: LeaseOptions): Promise<HeldLease>;
}

/**
 * Runs `work` while holding the lease.
 * @throws AppError as `Lease.hold`, and whatever `work` throws
 */
export async function whileHeld<T>(
  lease: Lease,
  key: string,
  work: (held: HeldLease) => Promise<T>,
  options: LeaseOptions = {},
): Promise<T> {
  const held = await lease.hold(key, options);
  try {
    return await work(held);
  } finally {
    await held.release();
  }
}
