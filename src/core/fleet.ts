import { AppError } from './errors.js';

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
export function isRegionless({ region }: Source): boolean {
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

/** What says where to look. Flags come before the configuration, the configuration before the environment. */
export interface FleetInput {
  /** `--profile a,b` */
  profileFlag?: string | undefined;
  /** `--region x,y` or `all` */
  regionFlag?: string | undefined;
  /** AWS_PROFILE, AWS_DEFAULT_PROFILE */
  environmentProfile?: string | undefined;
  /** AWS_REGION, AWS_DEFAULT_REGION */
  environmentRegion?: string | undefined;
  configuration?:
    | {
        profile?: string;
        region?: string;
        regions?: readonly string[] | 'all';
        accounts?: readonly {
          name?: string;
          profile?: string;
          roleArn?: string;
          externalId?: string;
          regions?: readonly string[] | 'all';
        }[];
      }
    | undefined;
}

function words(flag: string, value: string): string[] {
  const found = value.split(',').map((word) => word.trim());
  if (found.some((word) => word === '')) {
    throw new AppError('Usage', `${flag} "${value}" has an empty place in it`, {
      hint: `write names with a comma between them, such as ${flag} first,second`,
    });
  }
  return found;
}

function refuseTwice(names: readonly string[], what: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new AppError('Usage', `${what} "${twice}" is given twice`, {
    hint: 'give each once: everything is counted and paced by account and Region',
  });
}

function regionsOf(flag: string): readonly string[] | 'all' {
  if (flag.trim() === 'all') return 'all';
  const regions = words('--region', flag);
  if (regions.includes('all')) {
    throw new AppError('Usage', `--region "${flag}" names all Regions and single ones`, {
      hint: 'write --region all, or only the names',
    });
  }
  refuseTwice(regions, 'the Region');
  return regions;
}

/** The account's number in the ARN of one of its roles. */
const accountOfRole = (roleArn: string): string => roleArn.split(':')[4] ?? roleArn;

/** What decided something of a fleet: a flag, a key of the file, the environment, or nobody. */
export type FleetOrigin = 'flag' | 'account' | 'regions' | 'region' | 'profile' | 'environment' | 'default';

/** An account, and what decided which one it is and which Regions it has. */
export interface ExplainedAccount {
  account: FleetAccount;
  origin: FleetOrigin;
  regionsOrigin: FleetOrigin;
}

/**
 * The accounts to look into, each with its Regions.
 * @throws AppError `Usage` for an account or a Region that is named twice
 */
export function fleetAccounts(input: FleetInput): FleetAccount[] {
  return explainedAccounts(input).map(({ account }) => account);
}

/** The accounts of {@link fleetAccounts}, and why it is these. */
export function explainedAccounts({
  profileFlag,
  regionFlag,
  environmentProfile,
  environmentRegion,
  configuration = {},
}: FleetInput): ExplainedAccount[] {
  const given = regionFlag === undefined ? undefined : regionsOf(regionFlag);
  const single = configuration.region ?? environmentRegion;
  const common = configuration.regions ?? (single === undefined ? 'default' : [single]);
  const commonOrigin = (): FleetOrigin => {
    if (given !== undefined) return 'flag';
    if (configuration.regions !== undefined) return 'regions';
    if (configuration.region !== undefined) return 'region';
    return environmentRegion === undefined ? 'default' : 'environment';
  };

  if (profileFlag !== undefined || configuration.accounts === undefined) {
    const profile = profileFlag ?? configuration.profile ?? environmentProfile;
    const regions = given ?? common;
    const regionsOrigin = commonOrigin();
    if (profile === undefined)
      return [{ account: { name: 'default', regions }, origin: 'default', regionsOrigin }];
    const profiles = profileFlag === undefined ? [profile] : words('--profile', profile);
    refuseTwice(profiles, 'the profile');
    const chosen = profileFlag ?? configuration.profile;
    const from = chosen === undefined ? { fromEnvironment: true as const } : {};
    const origin =
      profileFlag !== undefined ? 'flag' : configuration.profile !== undefined ? 'profile' : 'environment';
    return profiles.map((name) => ({
      account: { name, profile: name, ...from, regions },
      origin,
      regionsOrigin,
    }));
  }
  const accounts = configuration.accounts.map(({ name, regions, ...access }): ExplainedAccount => ({
    account: {
      ...access,
      name: name ?? (access.roleArn === undefined ? (access.profile ?? '') : accountOfRole(access.roleArn)),
      regions: given ?? regions ?? common,
    },
    origin: 'account',
    regionsOrigin: given === undefined && regions !== undefined ? 'account' : commonOrigin(),
  }));
  refuseTwice(
    accounts.map(({ account }) => account.name),
    'the account',
  );
  return accounts;
}
