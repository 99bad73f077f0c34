import type { TrustKinds } from '../settings/read.js';
import { trustKind, trustStoreSchema, type TrustStoreConfig } from '../trust/kinds/index.js';

/** What a configuration has to know of trust stores. */
export const TRUST_KINDS: TrustKinds<TrustStoreConfig> = {
  schema: trustStoreSchema,
  isPath: (kind, key) => trustKind(kind)?.options[key] === 'path',
};
