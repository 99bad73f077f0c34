import {
  entryKey,
  isAuthority,
  type RemovableEntry,
  crossing,
  type TrustEntry,
} from '../certificates/trust-entry.js';
import { AppError, type ErrorCode } from '../platform/errors.js';
import { type Revision, STOPPED, type TextDocument } from './document.js';
import {
  authoritiesIn,
  casIn,
  fingerprints,
  insertEntry,
  keyOf,
  keysIn,
  type TrustFormat,
} from './format.js';
import { lastCertificate } from './failures.js';
import { gated, UNGUARDED, type Gate } from './gate.js';
import { withoutControls } from './run-command.js';
import { type BeforeEffect, described, type DescribedTrustStore, type StoreContent } from './trust-store.js';

/** A trust store whose whole content is one text in a known notation. */
export interface DocumentStore {
  name: string;
  /** See `TrustStore`. */
  formerName?: string;
  document: TextDocument;
  format: TrustFormat;
  /** Completes a text that is to take the place of another, such as by its version. */
  seal?: ((text: string, before: string) => string) | undefined;
  /** Why no root with a name has a place here, where its notation has words for one; see `TrustStore.objection`. */
  holdsNoAuthority?: string | undefined;
  /** Runs before anything is read or written: throws when this kind of store cannot work here. */
  suits?: (() => Promise<void>) | undefined;
  /** Asks the server whether it could load the text that is now in place. */
  check?: (() => Promise<void>) | undefined;
  /** Makes the server use the text that is now in place. Must be repeatable, and ask before each of its effects. */
  makeLive?: ((text: string, beforeEffect: BeforeEffect) => Promise<void>) | undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function failure(
  store: DocumentStore,
  outcome: string,
  cause: unknown,
  code: ErrorCode = 'TrustStoreFailed',
): AppError {
  const known = cause instanceof AppError ? cause : undefined;
  return new AppError(code, `${store.name}: ${messageOf(cause)}; ${outcome}`, {
    cause,
    hint:
      known?.hint ??
      'is the server running, and are its commands right? They are set by --reload, or by check: and reload: in apigw-cert.yaml. Then run the same command again',
    details: { trustStore: store.name, ...known?.details },
  });
}

/** Says in the mark why the text that is in place may not be in use. It is marked already, so that it may fail. */
async function explain({ document }: DocumentStore, reason: string): Promise<void> {
  await document.unfinished?.mark(withoutControls(reason)).catch(() => undefined);
}

const sealed = ({ seal }: DocumentStore, text: string, before: string): string =>
  seal?.(text, before) ?? text;

/**
 * Puts the former text back and has the server load it, after `cause` stopped a change. Throws in every case: what the
 * gate threw where it was the cause.
 */
async function undo(
  store: DocumentStore,
  before: Revision,
  written: Revision,
  { cause, wasTried, gate }: { cause: unknown; wasTried: boolean; gate: Gate },
): Promise<never> {
  const outcome = (text: string): unknown => (gate.isRefused() ? cause : failure(store, text, cause));
  try {
    await store.document.write(sealed(store, before.text, written.text), written, UNGUARDED);
  } catch (error) {
    const what = `${messageOf(cause)}; then the former content could not be restored: ${messageOf(error)}`;
    await explain(store, what);
    throw new AppError('TrustStoreNotRestored', `${store.name}: ${what}`, {
      cause: error,
      hint: 'look at what it holds now (`apigw-cert backend show`), and put it right by hand',
      details: { trustStore: store.name, ...(cause instanceof AppError ? cause.details : {}) },
    });
  }
  if (!wasTried) {
    await store.document.unfinished?.clear();
    throw outcome('the former content is back, the server was not touched');
  }
  try {
    await store.makeLive?.(before.text, UNGUARDED);
  } catch (error) {
    await explain(store, `the former content was restored, but reloading it failed: ${messageOf(error)}`);
    throw outcome(`the former content is back, but reloading it failed as well: ${messageOf(error)}`);
  }
  await store.document.unfinished?.clear();
  throw outcome('the former content is back and was reloaded');
}

/** An addition that is not taken back, since whoever has the lock by now may rely on it. */
function leftAdded(store: DocumentStore, gate: Gate, cause: unknown): unknown {
  if (cause === gate.refusal()) return cause;
  return failure(
    store,
    `the certificate is in its content and was left there: ${messageOf(gate.refusal())}`,
    cause,
    'TrustStoreNotRestored',
  );
}

/** A change of a text; `ends` says that it takes trust away, so that taking the change back harms nobody. */
interface Edit {
  ends: boolean;
  apply(text: string): string;
}

/** What a write that failed has put in place all the same, as a disk can fail after that. */
async function written({ document }: DocumentStore, text: string): Promise<Revision | undefined> {
  const now = await document.read().catch(() => undefined);
  return now?.text === text ? now : undefined;
}

/** Replaces the text, marked as unfinished from then on. @returns what was written */
async function write(store: DocumentStore, before: Revision, text: string, gate: Gate): Promise<Revision> {
  const { document } = store;
  const wasMarked = (await document.unfinished?.read()) !== undefined;
  try {
    return await document.write(text, before, async () => {
      await gate.pass();
      await document.unfinished?.mark(STOPPED);
    });
  } catch (error) {
    const ours = await written(store, text);
    if (ours) await undo(store, before, ours, { cause: error, wasTried: wasMarked, gate });
    if (!wasMarked) await document.unfinished?.clear();
    throw error;
  }
}

/**
 * One change, from reading to live: everything that can go wrong ends with the former text in place.
 * @returns whether anything was written or loaded
 */
async function change(store: DocumentStore, edit: Edit, gate: Gate): Promise<boolean> {
  const { document } = store;
  const before = await document.read();
  const edited = edit.apply(before.text);
  const text = sealed(store, store.format.renew?.(edited) ?? edited, before.text);
  // Where no mark can be kept, only making it live again is sure to heal a run that was killed before it did.
  const unfinished = document.unfinished === undefined || (await document.unfinished.read()) !== undefined;
  if (text === before.text && !unfinished) return false;

  const after = text === before.text ? before : await write(store, before, text, gate);
  let wasTried = unfinished;
  try {
    await store.check?.();
    await store.makeLive?.(text, async () => {
      await gate.pass();
      wasTried = true;
    });
  } catch (error) {
    if (after === before) {
      if (gate.isRefused()) throw error;
      await explain(store, messageOf(error));
      throw failure(store, 'its content was not changed', error, 'TrustStoreNotLive');
    }
    // Taking an addition back ends trust. Where no mark warns of it, whoever has the lock by now may rely on it.
    if (!edit.ends && !document.unfinished && !(await gate.mayPass())) throw leftAdded(store, gate, error);
    await undo(store, before, after, { cause: error, wasTried, gate });
  }
  await document.unfinished?.clear();
  return true;
}

/** Errors of the parts name what happened; this says to which trust store. */
async function named<T>(store: DocumentStore, gate: Gate | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (gate?.isRefused() || !(error instanceof AppError) || error.message.startsWith(`${store.name}: `))
      throw error;
    throw new AppError(error.code, `${store.name}: ${error.message}`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      details: { trustStore: store.name, ...error.details },
    });
  }
}

function without(store: DocumentStore, text: string, entry: RemovableEntry): string {
  const segments = store.format.parse(text);
  const key = entryKey(entry);
  if (!segments.some((segment) => keyOf(segment) === key)) return text;
  const kept = segments.filter((segment) => keyOf(segment) !== key);
  if (kept.every((segment) => keyOf(segment) === undefined)) {
    throw lastCertificate(
      'add its successor first; to stop trusting any certificate, change the configuration of the server by hand',
    );
  }
  return kept.map((segment) => segment.text).join('');
}

/** A text with exactly these entries, or with these beside those that are there. What is foreign in it stays. */
function replaced(
  { format }: DocumentStore,
  text: string,
  entries: readonly TrustEntry[],
  keepOthers: boolean,
): string {
  const held = keysIn(format, text);
  const wanted = new Set(entries.map(entryKey));
  const missing = entries.filter((entry) => !held.includes(entryKey(entry)));
  const whole = missing.reduce((before, entry) => insertEntry(format, before, entry), text);
  if (keepOthers || held.every((key) => wanted.has(key))) return whole;
  return format
    .parse(whole)
    .filter((segment) => {
      const key = keyOf(segment);
      return key === undefined || wanted.has(key);
    })
    .map((segment) => segment.text)
    .join('');
}

/** Why a store of documents cannot hold an entry; see `TrustStore.objection`. */
function objection({ format, holdsNoAuthority }: DocumentStore, entry: TrustEntry): string | undefined {
  if (!isAuthority(entry)) return undefined;
  if (holdsNoAuthority !== undefined) return holdsNoAuthority;
  if (format.authorities === undefined) return NO_WORDS;
  return format.authorities.objection?.(entry);
}

const NO_WORDS =
  'its server compares certificates only, so a root in it would admit every certificate of that CA; use a server that compares the subject as well, see docs/acm.md';

/** @throws AppError `TrustStoreUnsuitable` */
function assertHolds(store: DocumentStore, entries: readonly TrustEntry[]): void {
  for (const entry of entries) {
    const reason = objection(store, entry);
    if (reason === undefined) continue;
    throw unsuitable(`it cannot hold a root with a name: ${reason}`);
  }
}

const unsuitable = (what: string): AppError =>
  new AppError('TrustStoreUnsuitable', what, { hint: 'nothing was changed' });

/** @throws AppError `TrustStoreUnsuitable` where the text would make more trusted than was added */
function assertSeparable({ format }: DocumentStore, text: string): void {
  const problem = crossing(authoritiesIn(format, text));
  if (problem !== undefined) throw unsuitable(problem);
}

/** Makes a trust store of a document: the one transaction that all of them share. */
export function documentTrustStore(store: DocumentStore): DescribedTrustStore {
  const { document, format } = store;
  const seen = (text: string): StoreContent => {
    const [authorities, cas] = [authoritiesIn(format, text), casIn(format, text)];
    return {
      fingerprints: fingerprints(format, text),
      ...(cas.length === 0 ? {} : { cas }),
      ...(authorities.length === 0 ? {} : { authorities }),
    };
  };
  const inserted = (text: string, entry: TrustEntry): string => {
    if (keysIn(format, text).includes(entryKey(entry))) return text;
    const more = insertEntry(format, text, entry);
    if (isAuthority(entry)) assertSeparable(store, more);
    return more;
  };
  const changing = (
    added: readonly TrustEntry[],
    edit: Edit,
    beforeEffect: BeforeEffect,
  ): Promise<boolean> => {
    const gate = gated(beforeEffect);
    return named(store, gate, async () => {
      assertHolds(store, added);
      await store.suits?.();
      return document.exclusively(() => change(store, edit, gate));
    });
  };
  return described({
    name: store.name,
    ...(store.formerName === undefined ? {} : { formerName: store.formerName }),
    describe: () =>
      named(store, undefined, async () => {
        await store.suits?.();
        const found = seen((await document.read()).text);
        const unfinished = await document.unfinished?.read();
        return unfinished ? { state: 'unfinished', ...found, ...unfinished } : { state: 'known', ...found };
      }),
    objection: (entry) => objection(store, entry),
    add: async (entry, { beforeEffect = UNGUARDED } = {}) => {
      await changing([entry], { ends: false, apply: (text) => inserted(text, entry) }, beforeEffect);
    },
    remove: async (entry, { beforeEffect = UNGUARDED } = {}) => {
      await changing([], { ends: true, apply: (text) => without(store, text, entry) }, beforeEffect);
    },
    replace: async (entries, { keepOthers = false } = {}) => {
      if (entries.length === 0) throw new Error('a trust store is never emptied');
      const apply = (text: string): string => {
        const whole = replaced(store, text, entries, keepOthers);
        assertSeparable(store, whole);
        return whole;
      };
      return changing(entries, { ends: false, apply }, UNGUARDED);
    },
  });
}
