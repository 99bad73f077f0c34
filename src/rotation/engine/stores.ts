import { AppError } from '../../platform/errors.js';
import { createTrustStore, trustStoreSchema } from '../../trust/kinds/index.js';
import type { TrustContext } from '../../trust/context.js';
import type { DescribedTrustStore } from '../../trust/trust-store.js';
import type { TrustDescription } from './jobs.js';

/**
 * Makes the trust store that a flag or the configuration describes.
 * @throws AppError `ConfigurationInvalid` for one that is described wrongly, `TrustStoreUnsuitable` for one that is
 * known not to survive a rotation
 */
export function openTrustStore(description: TrustDescription, context: TrustContext): DescribedTrustStore {
  const read = trustStoreSchema.safeParse(description);
  if (read.success) return createTrustStore(read.data, context);
  const issues = read.error.issues.map(({ path, message }) => [...path, message].join(': '));
  throw new AppError(
    'ConfigurationInvalid',
    `the options of the trust store "${description.kind}" are invalid: ${issues.join('; ')}`,
    {
      hint: 'see docs/trust-stores.md for an example of each kind',
      details: { issues },
    },
  );
}

/** Makes several; see {@link openTrustStore}. */
export const openTrustStores = (
  descriptions: readonly TrustDescription[],
  context: TrustContext,
): DescribedTrustStore[] => descriptions.map((description) => openTrustStore(description, context));
