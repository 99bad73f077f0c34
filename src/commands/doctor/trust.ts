/** What the trust stores of a stage are seen to hold. Changes nothing. */
import { AppError } from '../../platform/errors.js';
import type { SeenStore } from '../../findings/rules/doctor-trust.js';
import type { TrustDescription } from '../../rotation/engine/jobs.js';
import { openTrustStore } from '../../rotation/engine/stores.js';

/** A trust store, and how `backend add` takes it, such as `--target orders`. */
export interface NamedStore {
  description: TrustDescription;
  option: string;
}

/** What was thrown, of a store that cannot be read. */
function failed(store: Pick<SeenStore, 'trustStore' | 'option'>, error: unknown): SeenStore {
  if (!(error instanceof AppError) || error.code === 'ConfigurationInvalid') throw error;
  const { message, hint } = error;
  return {
    ...store,
    state: 'unknown',
    reason: message,
    ...(hint === undefined ? {} : { hint }),
    hasFailed: true,
  };
}

async function lookAtStore({ description, option }: NamedStore): Promise<SeenStore> {
  try {
    const store = openTrustStore(description, { announce: () => undefined, ask: undefined });
    const named = { trustStore: store.name, option };
    try {
      const seen = await store.describe();
      if (seen.state === 'unknown') return { ...named, ...seen, hasFailed: false };
      return { ...named, ...seen, objection: (entry) => store.objection(entry) };
    } catch (error) {
      return failed(named, error);
    }
  } catch (error) {
    return failed({ trustStore: description.kind, option }, error);
  }
}

/**
 * Reads trust stores. One that cannot be read, or does not survive a rotation, is unknown.
 * @throws AppError `ConfigurationInvalid`
 */
export const lookAtTrust = async (stores: readonly NamedStore[]): Promise<SeenStore[]> =>
  Promise.all(stores.map(lookAtStore));
