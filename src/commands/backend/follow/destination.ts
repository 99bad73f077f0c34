import { AppError } from '../../../platform/errors.js';
import { trustStoreFromFlag } from '../../../trust/flag.js';
import { createTrustStore, trustKind, trustStoreSchema } from '../../../trust/kinds/index.js';
import type { DescribedTrustStore } from '../../../trust/trust-store.js';
import { followMemory, type FollowMemory } from './memory.js';

/** A trust store of this host that is kept equal to a list. */
export interface Destination {
  store: DescribedTrustStore & Required<Pick<DescribedTrustStore, 'replace'>>;
  /** What is remembered beside it. */
  memory: FollowMemory;
}

/**
 * Opens the trust store that `--to` describes. Nothing is read yet.
 * @throws AppError `Usage`, `TrustStoreUnsuitable`
 */
export function openDestination(
  text: string,
  { check, reload }: { check?: string | undefined; reload?: string | undefined },
): Destination {
  const config = trustStoreFromFlag(text, reload, '--to');
  const kind = trustKind(config.kind);
  for (const [flag, value] of Object.entries({ check, reload })) {
    if (value?.trim() === '')
      throw new AppError('Usage', `--${flag} is empty`, { hint: `specify a command, or omit --${flag}` });
    if (value === undefined || kind?.isUnsuitable === true || flag in (kind?.options ?? {})) continue;
    throw new AppError('Usage', `--${flag} has no meaning for a trust store of the kind ${config.kind}`, {
      hint: `omit --${flag}`,
    });
  }
  const entry = trustStoreSchema.parse({ ...config, ...(check === undefined ? {} : { check }) });
  const context = { announce: () => undefined };
  const store = createTrustStore(entry, context);
  const option = kind?.flag === undefined || kind.flag === 'alone' ? undefined : kind.flag.option;
  const path = option === undefined ? undefined : (entry as Record<string, unknown>)[option];
  const { replace } = store;
  if (replace === undefined || typeof path !== 'string') {
    throw new AppError('Usage', `--to ${config.kind} is not a file or folder of this host`, {
      hint: 'specify KIND:FILE, such as nginx:/etc/nginx/apigw.map',
    });
  }
  return { store: { ...store, replace }, memory: followMemory(path) };
}
