import type { BeforeEffect } from './trust-store.js';

/** For whoever changes a trust store without being bound to anything. */
export const UNGUARDED: BeforeEffect = () => Promise.resolve();

/** A `beforeEffect` during one change, and whether it has refused. */
export interface Gate {
  /** To be called before each effect. Throws what `beforeEffect` threw. */
  pass: BeforeEffect;
  /** The same as a question. */
  mayPass(): Promise<boolean>;
  /** Whether any call was refused. */
  isRefused(): boolean;
  /** What it was refused with. */
  refusal(): unknown;
}

/** Follows what a `beforeEffect` says: once it has refused, it is not asked again. */
export function gated(beforeEffect: BeforeEffect): Gate {
  let refusal: { error: unknown } | undefined;
  const pass = async (): Promise<void> => {
    if (refusal) throw refusal.error;
    try {
      await beforeEffect();
    } catch (error) {
      refusal = { error };
      throw error;
    }
  };
  return {
    pass,
    mayPass: () =>
      pass().then(
        () => true,
        () => false,
      ),
    isRefused: () => refusal !== undefined,
    refusal: () => refusal?.error,
  };
}
