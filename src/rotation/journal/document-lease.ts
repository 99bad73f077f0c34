/**
 * The lease in a store that machines share: a document that its holder writes again and again, each time only as it wrote
 * it last. Nobody compares clocks. A holder stops on its own once its last write that was answered is too old by its own
 * clock; another takes the lease over once it has itself seen one and the same write for longer than that, and only as
 * that write is still there. Each new holder has a higher number than the one before, which is never reset.
 */
import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../platform/errors.js';
import type { Monotonic } from '../../platform/lock.js';
import type { DocumentStore, StateDocument } from '../../state/documents.js';
import type { HeldLease, Lease } from './lease.js';
import { parseJson } from './read-records.js';

/** Whoever sees the same write of a holder for so long may take the lease over. Milliseconds. */
export const LEASE_MS = 30_000;
/** A holder whose last write was begun longer ago has lost the lease: its effects take time, and clocks do not run alike. */
export const HOLD_MS = 20_000;
/** How often a holder writes. */
export const RENEW_MS = 5_000;
/** How often who waits looks. */
const LOOK_MS = 1_000;

/** A clock that only goes forward. What is to happen `after` a while keeps no process alive. */
export interface LeaseClock extends Monotonic {
  /** @returns forgets about it */
  after(ms: number, happen: () => void): () => void;
}

const REAL_TIME: LeaseClock = {
  now: () => performance.now(),
  sleep: (ms) => delay(ms),
  after(ms, happen) {
    const timer = setTimeout(happen, ms).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

const GROUP = 'leases';

/** The document of a lease. Without a token nobody has it. */
interface LeaseText {
  version: 1;
  /** For people: the document's name does not tell. */
  key: string;
  fence: number;
  token?: string;
  pid?: number;
  host?: string;
  /** ISO 8601, UTC, by the holder's clock: for people alone. */
  since?: string;
}

function parseLease({ text }: StateDocument, store: DocumentStore): LeaseText {
  const { version, key, fence, token, pid, host, since } = (parseJson(text) ?? {}) as Record<string, unknown>;
  if (version !== 1 || typeof key !== 'string' || typeof fence !== 'number' || !Number.isSafeInteger(fence)) {
    throw new AppError('StateUnavailable', `a lease in ${store.name} cannot be read`, {
      hint: 'it was written by a newer version of apigw-cert, or by something else; look at the group "leases"',
    });
  }
  return {
    version,
    key,
    fence,
    ...(typeof token === 'string' ? { token } : {}),
    ...(typeof pid === 'number' ? { pid } : {}),
    ...(typeof host === 'string' ? { host } : {}),
    ...(typeof since === 'string' ? { since } : {}),
  };
}

function locked(key: string, { pid, host, since }: LeaseText, store: DocumentStore): AppError {
  return new AppError(
    'Locked',
    `process ${pid ?? '?'} on ${host ?? '?'}, since ${since ?? '?'}, is already working on ${key}`,
    {
      hint: `wait until it has finished, then run the same command again; the lease of a process that was killed expires after ${LEASE_MS / 1000} s`,
      details: { key, store: store.name, pid, host, since },
    },
  );
}

const HINT = 'run the same command again: it resumes from the current state';

/** The lease as its holder keeps it. */
class Holding implements HeldLease {
  readonly fence: number;
  readonly #lost = new AbortController();
  readonly #store: DocumentStore;
  readonly #clock: LeaseClock;
  readonly #text: LeaseText & { token: string };
  readonly #name: string;
  #version: string;
  /** When the last write that was answered was begun. */
  #writtenAt: number;
  #isReleased = false;
  /** Writes follow one another. */
  #writing: Promise<unknown> = Promise.resolve();
  readonly #timers: { renew?: () => void; end?: () => void } = {};

  constructor(
    store: DocumentStore,
    clock: LeaseClock,
    held: { name: string; text: LeaseText & { token: string }; version: string; writtenAt: number },
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#name = held.name;
    this.#text = held.text;
    this.#version = held.version;
    this.#writtenAt = held.writtenAt;
    this.fence = held.text.fence;
    this.#renewLater();
    this.#endLater();
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  #loss(why: string): AppError {
    return new AppError('LockLost', `the lease on ${this.#text.key} is lost: ${why}`, { hint: HINT });
  }

  #lose(why: string): AppError {
    this.#stop();
    if (!this.#lost.signal.aborted) this.#lost.abort(this.#loss(why));
    return this.#lost.signal.reason as AppError;
  }

  #stop(): void {
    this.#timers.renew?.();
    this.#timers.end?.();
  }

  #left(): number {
    return HOLD_MS - (this.#clock.now() - this.#writtenAt);
  }

  #loseLate(): AppError {
    return this.#lose(`it could not be renewed for ${HOLD_MS / 1000} s`);
  }

  /** The end comes by itself, whatever the store does meanwhile. */
  #endLater(): void {
    this.#timers.end = this.#clock.after(Math.max(1, this.#left()), () => {
      if (this.#left() <= 0) this.#loseLate();
      else this.#endLater();
    });
  }

  #renewLater(): void {
    this.#timers.renew = this.#clock.after(RENEW_MS, () => {
      void this.#inTurn(() => this.#renew()).finally(() => {
        if (!this.#lost.signal.aborted && !this.#isReleased) this.#renewLater();
      });
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(work);
    this.#writing = done.catch(() => undefined);
    return done;
  }

  async #renew(): Promise<void> {
    if (this.#lost.signal.aborted || this.#isReleased) return;
    try {
      const begun = this.#clock.now();
      if (await this.#write(this.#text)) this.#writtenAt = begun;
      else this.#lose('another run has taken it over');
    } catch {
      // A store that does not answer says nothing about whose the lease is: its end comes by itself.
    }
  }

  /** Writes the document as long as it is of this holder: an earlier write of its own may have come late. */
  async #write(text: LeaseText): Promise<boolean> {
    const key = { group: GROUP, name: this.#name };
    for (;;) {
      const version = await this.#store.write(key, JSON.stringify(text), this.#version);
      if (version !== undefined) {
        this.#version = version;
        return true;
      }
      const there = await this.#store.read(key);
      if (!there || parseLease(there, this.#store).token !== this.#text.token) return false;
      this.#version = there.version;
    }
  }

  async assertHeld(): Promise<void> {
    if (this.#lost.signal.aborted) throw this.#lost.signal.reason;
    let there: StateDocument | undefined;
    try {
      there = await this.#store.read({ group: GROUP, name: this.#name });
    } catch (cause) {
      const why = cause instanceof AppError ? cause.message : String(cause);
      throw this.#loss(`whether this run still has it cannot be determined: ${why}`);
    }
    const isOurs = there !== undefined && parseLease(there, this.#store).token === this.#text.token;
    if (!isOurs) throw this.#lose('another run has taken it over');
    // Meanwhile time has passed, for a process that was stopped more than it knows.
    if (this.#left() <= 0) throw this.#loseLate();
  }

  async release(): Promise<void> {
    this.#isReleased = true;
    this.#stop();
    if (this.#lost.signal.aborted) return;
    const { version, key, fence } = this.#text;
    // If it fails the lease expires.
    await this.#inTurn(() => this.#write({ version, key, fence })).catch(() => undefined);
  }
}

/** Leases as documents of a store. @param clock by default real time */
export function documentLease(store: DocumentStore, clock: LeaseClock = REAL_TIME): Lease {
  return {
    async hold(key, { wait = 0 } = {}): Promise<HeldLease> {
      const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
      const deadline = clock.now() + wait;
      /** The holder as it was seen first, and since when nothing of it has changed. */
      let watched: { token: string; version: string; since: number; isAlive: boolean } | undefined;
      for (;;) {
        const asked = clock.now();
        const seen = await store.read({ group: GROUP, name });
        const now = clock.now();
        const lease = seen && parseLease(seen, store);
        if (seen && lease?.token !== undefined) {
          const { token } = lease;
          const { version } = seen;
          if (watched?.token !== token) watched = { token, version, since: now, isAlive: false };
          else if (watched.version !== version) watched = { token, version, since: now, isAlive: true };
        } else watched = undefined;

        // From the answer of the first look to the question of this one: never more than it truly was.
        if (watched === undefined || asked - watched.since >= LEASE_MS) {
          const text = {
            version: 1,
            key,
            fence: (lease?.fence ?? 0) + 1,
            token: randomUUID(),
            pid: process.pid,
            host: hostname(),
            since: new Date().toISOString(),
          } as const;
          const writtenAt = clock.now();
          const version = await store.write({ group: GROUP, name }, JSON.stringify(text), seen?.version);
          if (version !== undefined) return new Holding(store, clock, { name, text, version, writtenAt });
          continue;
        }
        if (lease && now >= deadline && watched.isAlive) throw locked(key, lease, store);
        const left = watched.isAlive ? deadline - now : LEASE_MS;
        await clock.sleep(Math.max(1, Math.min(LOOK_MS, left)));
      }
    },
  };
}
