import { accountOf, type Caller } from './caller.js';
import { printable } from '../platform/printable.js';

/** An account and Region, as far as they are known. */
export interface AccountRegion {
  /** What the file or the profile calls the account. */
  name?: string | undefined;
  /** Twelve digits. */
  accountId?: string | undefined;
  region: string;
  /** Where it is not AWS's own. */
  endpoint?: string | undefined;
}

/** Who is called on, where the credentials that were found say it. @param name what the file or the profile calls it */
export function accountRegionOf(caller: Caller, name: string | undefined): AccountRegion {
  const account = accountOf(caller);
  const { region, endpoint } = caller;
  return {
    name: name ?? (/^\d{12}$/.test(account) ? undefined : `of the access key ${account}`),
    accountId: /^\d{12}$/.test(account) ? account : undefined,
    region,
    endpoint,
  };
}

/** `account production (123456789012), Region eu-west-1`: the same words wherever people see where a command acts. */
export function accountRegionText({ name, accountId, region, endpoint }: AccountRegion): string {
  const id = accountId === name ? undefined : accountId;
  const account = [name, id === undefined || name === undefined ? id : `(${id})`].filter(Boolean).join(' ');
  return printable(
    [
      `account ${account || 'unknown'}`,
      `Region ${region}`,
      ...(endpoint === undefined ? [] : [`endpoint ${endpoint}`]),
    ].join(', '),
  );
}
