import { accountOf, type Caller } from '../../control-plane/caller.js';
import type { RotationRecord } from '../rules/record.js';

type Started = Extract<RotationRecord, { type: 'started' }>;

/** What the first record of a journal says of whose rotation it is. */
export type CallerFields = Pick<Started, 'region' | 'endpoint'> & Required<Pick<Started, 'account'>>;

/** Account, Region and endpoint as the first record of a journal holds them. */
export function callerFields(caller: Caller): CallerFields {
  const { region, endpoint } = caller;
  return { account: accountOf(caller), region, ...(endpoint === undefined ? {} : { endpoint }) };
}

/**
 * Whether a journal is of a rotation in the caller's account and Region, at its endpoint. One that does not say its
 * account is taken for another's.
 */
export function sameCaller(
  { account, region, endpoint }: Pick<Started, 'account' | 'region' | 'endpoint'>,
  caller: Caller,
): boolean {
  const own = callerFields(caller);
  return account === own.account && region === own.region && endpoint === own.endpoint;
}

/** The caller whose rotation a journal is of; nothing where it does not say its account. */
export function callerOf({
  account,
  region,
  endpoint,
}: Pick<Started, 'account' | 'region' | 'endpoint'>): Caller | undefined {
  if (account === undefined) return undefined;
  return {
    ...(/^\d{12}$/.test(account) ? { accountId: account, accessKeyId: '' } : { accessKeyId: account }),
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}
