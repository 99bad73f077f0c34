import { AppError } from '../../platform/errors.js';
import { certificateFacts } from '../../certificates/parse.js';
import type { TrustDescription } from '../../rotation/engine/jobs.js';
import { openTrustStore } from '../../rotation/engine/stores.js';

/** What a trust store that was just described is seen to hold. */
export interface StoreSight {
  name: string;
  /** `unknown`: it cannot be read from here, which `reason` explains. */
  holds: 'current' | 'not current' | 'unknown';
  reason?: string;
}

/**
 * Looks whether a trust store holds the certificate that the stages present. Changes nothing.
 * @param pem of that certificate; without it nothing can be said
 * @throws AppError `TrustStoreUnsuitable`, `ConfigurationInvalid`
 */
export async function lookAtStore(
  description: TrustDescription,
  pem: string | undefined,
): Promise<StoreSight> {
  const store = openTrustStore(description, { announce: () => undefined, ask: undefined });
  const { name } = store;
  if (pem === undefined)
    return { name, holds: 'unknown', reason: 'the certificate in use could not be read' };
  try {
    const fingerprints = await store.observe();
    if (fingerprints === undefined) return { name, holds: 'unknown', reason: 'this kind cannot be read' };
    const isThere = fingerprints.includes(certificateFacts(pem).fingerprintSha256);
    return { name, holds: isThere ? 'current' : 'not current' };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { name, holds: 'unknown', reason: error.message };
  }
}
