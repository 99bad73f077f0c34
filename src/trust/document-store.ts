import type { RemovableCertificate } from '../core/certificate.js';
import { AppError, type ErrorCode } from '../core/errors.js';
import type { Revision, TextDocument } from './document.js';
import { fingerprints, type TrustFormat } from './format.js';
import { gated, UNGUARDED, type Gate } from './gate.js';
import type { BeforeEffect, TrustStore } from './trust-store.js';

/** A trust store whose whole content is one text in a known notation. */
export interface DocumentStore {
  name: string;
  document: TextDocument;
  format: TrustFormat;
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

/**
 * Puts the former text back and live, after `cause` stopped a change. Throws in every case: what the gate threw where it
 * was the cause.
 */
async function undo(
  store: DocumentStore,
  before: Revision,
  written: Revision,
  { cause, wasTried, gate }: { cause: unknown; wasTried: boolean; gate: Gate },
): Promise<never> {
  const outcome = (text: string): unknown => (gate.isRefused() ? cause : failure(store, text, cause));
  try {
    await store.document.write(before.text, written, UNGUARDED);
  } catch (error) {
    throw new AppError(
      'TrustStoreNotRestored',
      `${store.name}: ${messageOf(cause)}; then the former content could not be put back: ${messageOf(error)}`,
      {
        cause: error,
        hint: 'look at it now: it still holds the content that did not work',
        details: { trustStore: store.name, ...(cause instanceof AppError ? cause.details : {}) },
      },
    );
  }
  if (!wasTried) {
    await store.document.unfinished?.clear();
    throw outcome('the former content is back, the server was not touched');
  }
  try {
    await store.makeLive?.(before.text, UNGUARDED);
  } catch (error) {
    throw outcome(`the former content is back, but making it live failed as well: ${messageOf(error)}`);
  }
  await store.document.unfinished?.clear();
  throw outcome('the former content is back and live');
}

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

/** One change, from reading to live: everything that can go wrong ends with the former text in place. */
async function change(store: DocumentStore, edit: Edit, gate: Gate): Promise<void> {
  const { document } = store;
  const before = await document.read();
  const text = edit.apply(before.text);
  // Where no mark can be kept, only making it live again is sure to heal a run that was killed before it did.
  const unfinished = (await document.unfinished?.isMarked()) ?? true;
  if (text === before.text && !unfinished) return;

  let written = before;
  if (text !== before.text) {
    try {
      written = await document.write(text, before, async () => {
        await gate.pass();
        await document.unfinished?.mark();
      });
    } catch (error) {
      if (!unfinished) await document.unfinished?.clear();
      throw error;
    }
  }
  let wasTried = unfinished;
  try {
    await store.check?.();
    await store.makeLive?.(text, async () => {
      await gate.pass();
      wasTried = true;
    });
  } catch (error) {
    if (written === before) {
      if (gate.isRefused()) throw error;
      throw failure(store, 'its content was not changed', error, 'TrustStoreNotLive');
    }
    // Taking an addition back ends trust. Where no mark warns of it, whoever has the lock by now may rely on it.
    if (!edit.ends && !document.unfinished && !(await gate.mayPass())) throw leftAdded(store, gate, error);
    await undo(store, before, written, { cause: error, wasTried, gate });
  }
  await document.unfinished?.clear();
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

function without(store: DocumentStore, text: string, certificate: RemovableCertificate): string {
  const segments = store.format.parse(text);
  const isIt = (fingerprint: string | undefined): boolean => fingerprint === certificate.fingerprintSha256;
  if (!segments.some(({ fingerprint }) => isIt(fingerprint))) return text;
  const kept = segments.filter(({ fingerprint }) => !isIt(fingerprint));
  if (kept.every(({ fingerprint }) => fingerprint === undefined)) {
    throw new AppError(
      'TrustStoreFailed',
      'this is the last certificate in it, and an empty list admits everybody on some servers',
      {
        hint: 'add its successor first; to trust nobody any more, take the server’s configuration down by hand',
      },
    );
  }
  return kept.map((segment) => segment.text).join('');
}

/** Makes a trust store of a document: the one transaction that all of them share. */
export function documentTrustStore(store: DocumentStore): TrustStore {
  const { document, format } = store;
  const changing = (edit: Edit, beforeEffect: BeforeEffect): Promise<void> => {
    const gate = gated(beforeEffect);
    return named(store, gate, async () => {
      await store.suits?.();
      await document.exclusively(() => change(store, edit, gate));
    });
  };
  return {
    name: store.name,
    observe: () =>
      named(store, undefined, async () => {
        await store.suits?.();
        const found = fingerprints(format, (await document.read()).text);
        return (await document.unfinished?.isMarked()) ? undefined : found;
      }),
    add: (certificate, { beforeEffect = UNGUARDED } = {}) =>
      changing(
        {
          ends: false,
          apply: (text) =>
            fingerprints(format, text).includes(certificate.fingerprintSha256)
              ? text
              : format.insert(text, certificate),
        },
        beforeEffect,
      ),
    remove: (certificate, { beforeEffect = UNGUARDED } = {}) =>
      changing({ ends: true, apply: (text) => without(store, text, certificate) }, beforeEffect),
  };
}
