/** Who calls AWS, and where, as the SDK resolved it: the same however a person spelled it. Holds no secret. */
export interface Caller {
  /** Twelve digits, where the credentials say it. */
  accountId?: string;
  accessKeyId: string;
  region: string;
  /** Where it is not AWS's own: the origin and path of an emulator. */
  endpoint?: string;
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * The account in an access key id of AWS's format, which its makers do not document: after the prefix come 80 bits in
 * base32 (RFC 4648), of which the first is set and the next 40, without the last, are the account's number. Ids made
 * before 2019 (AKIAI…, AKIAJ…) have the first bit unset, and no account in them.
 * @returns twelve digits
 */
export function accountIdIn(accessKeyId: string): string | undefined {
  const digits = /^A[KS]IA([Q-Z2-7][A-Z2-7]{15})$/.exec(accessKeyId)?.[1];
  if (digits === undefined) return undefined;
  const bits = digits.split('').reduce((value, digit) => value * 32n + BigInt(BASE32.indexOf(digit)), 0n);
  const account = (bits >> 39n) & 0xff_ffff_ffffn;
  return account < 1_000_000_000_000n ? String(account).padStart(12, '0') : undefined;
}

/** The account's number, or, where nothing tells it, the access key id, which belongs to one account. */
export function accountOf({ accountId, accessKeyId }: Caller): string {
  if (accountId !== undefined && /^\d{12}$/.test(accountId)) return accountId;
  return accountIdIn(accessKeyId) ?? accessKeyId;
}

/** Account, Region and endpoint, for people and as the name of what only one run at a time may work on. */
export function callerText(caller: Caller): string {
  const account = accountOf(caller);
  const { region, endpoint } = caller;
  const kind = /^\d{12}$/.test(account) ? 'account' : 'access key';
  return [`${kind} ${account}`, region, ...(endpoint === undefined ? [] : [endpoint])].join(', ');
}
