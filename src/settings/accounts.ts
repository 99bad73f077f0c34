import type { AppError } from '../platform/errors.js';

/** An AWS account to look into, and how to get there. Without profile and role: the default credentials. */
export interface FleetAccount {
  /** What reports call it. Unique in a fleet. */
  name: string;
  profile?: string;
  /** The profile is the environment's: beside it, keys of the environment count. */
  fromEnvironment?: true;
  /** Assumed with the profile's or the default credentials. */
  roleArn?: string;
  externalId?: string;
  /** `all`: those enabled in the account. `default`: the one that the environment or the profile names. */
  regions: readonly string[] | 'all' | 'default';
}

/** One account in one Region: what has certificates, quotas and a request limit of its own. */
export interface Source {
  account: string;
  region: string;
}

/** Stand for a Region in a source that failed before its Regions were known: they are not of AWS's form. */
const NO_REGION = ['all', '(no Region)'] as const;

/** What could not even be asked for its Regions. */
export function regionlessSource(account: string, wanted: FleetAccount['regions']): Source {
  return { account, region: wanted === 'all' ? NO_REGION[0] : NO_REGION[1] };
}

/** Whether a source stands for all Regions of its account. */
export function isRegionless({ region }: Pick<Source, 'region'>): boolean {
  return NO_REGION.some((word) => word === region);
}

/** `production/eu-west-1`. */
export function sourceName({ account, region }: Source): string {
  return `${account}/${region}`;
}

/** What came of one source. One that cannot be read is `unknown`, and never taken for one without certificates. */
export type SourceResult<T> =
  | { state: 'read'; source: Source; accountId?: string; clockOffsetMs?: number; value: T }
  | { state: 'unknown'; source: Source; clockOffsetMs?: number; error: AppError };
