/**
 * The only place that decides which of several values counts. Pure: flags, the file and the environment are handed in.
 * `aws/settings.ts` adds what the shared AWS configuration says, by the same {@link resolve}.
 */
import { AppError } from '../platform/errors.js';
import type { FleetAccount } from './accounts.js';
import { listText } from '../platform/list-text.js';

/**
 * What may say a setting, first one first: a flag; the file, where a target's own entry goes before the top level; the
 * environment; the profile of the shared AWS configuration; the default.
 */
export const ORDER = ['flag', 'target', 'file', 'environment', 'profile', 'default'] as const;

export type Layer = (typeof ORDER)[number];

/** What each layer says of one setting. */
export type Candidates<T> = Readonly<Partial<Record<Layer, T | undefined>>>;

/** A value, and the layer that said it. */
export interface Resolved<T> {
  value: T;
  layer: Layer;
}

/** What the first layer that says anything says. */
export function resolve<T>(candidates: Candidates<T> & { readonly default: NonNullable<T> }): Resolved<T>;
export function resolve<T>(candidates: Candidates<T>): Resolved<T> | undefined;
export function resolve<T>(candidates: Candidates<T>): Resolved<T> | undefined {
  for (const layer of ORDER) {
    const value = candidates[layer];
    if (value !== undefined) return { value, layer };
  }
  return undefined;
}

/** The layer that decided each of several settings; what none said is not in it. */
export type Origins<T> = { readonly [K in keyof T]?: Layer };

/** What one layer says of several settings. */
export type Said<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Several settings at once, by their keys. @returns what was said, and by which layers */
export function resolveAll<T extends object>(
  layers: Readonly<Partial<Record<Layer, Said<T>>>>,
): { values: Partial<T>; origins: Origins<T> } {
  const keys = [...new Set(Object.values(layers).flatMap((layer) => Object.keys(layer) as (keyof T)[]))];
  const decided = keys.flatMap((key) => {
    const found = resolve<T[keyof T]>(
      Object.fromEntries(ORDER.map((layer) => [layer, layers[layer]?.[key]])) as Candidates<T[keyof T]>,
    );
    return found === undefined ? [] : [[key, found] as const];
  });
  return {
    values: Object.fromEntries(decided.map(([key, { value }]) => [key, value])) as Partial<T>,
    origins: Object.fromEntries(decided.map(([key, { layer }]) => [key, layer])) as Origins<T>,
  };
}

/** An entry of `accounts`. */
export interface AccountEntry {
  name?: string;
  profile?: string;
  roleArn?: string;
  externalId?: string;
  regions?: readonly string[] | 'all';
}

/** What `apigw-cert.yaml` says of accounts and Regions. */
export interface FileAccounts {
  profile?: string;
  region?: string;
  regions?: readonly string[] | 'all';
  accounts?: readonly AccountEntry[];
}

/** What flags say of accounts and Regions, as they were typed. */
export interface AccountFlags {
  /** `--account`: the name of an entry of `accounts`. */
  account?: string | undefined;
  /** `--profile`, of several accounts with commas. */
  profile?: string | undefined;
  /** `--region`, of several with commas, or `all`. */
  region?: string | undefined;
}

/** A value of an account or its Region, and what said it. */
export interface AccountOrigins {
  profile?: Layer | 'account';
  region?: Layer | 'account' | 'regions';
}

/** Keys that lead to a value in the file. */
export type FilePath = readonly (string | number)[];

/**
 * Where the file has the profile and the Region of an account, if it is the file that says them.
 * @param target the name of the target whose account it is
 */
export function filePaths(
  { origins, entry = 0 }: Pick<ResolvedAccount, 'origins' | 'entry'>,
  target: string | undefined,
): { readonly profile?: FilePath; readonly region?: FilePath } {
  const pathOf = (key: 'profile' | 'region'): FilePath | undefined => {
    const origin = origins[key];
    if (origin === 'target') return ['targets', target ?? '', key];
    if (origin === 'file') return [key];
    if (origin === 'account') return ['accounts', entry];
    return origin === 'regions' ? ['regions'] : undefined;
  };
  const [profile, region] = [pathOf('profile'), pathOf('region')];
  return { ...(profile === undefined ? {} : { profile }), ...(region === undefined ? {} : { region }) };
}

/** The one account and Region of a command that works in one. What is left out is for the environment and the profile. */
export interface ResolvedAccount {
  /** What the file or the profile calls it. */
  name?: string;
  /** Its place in the file's `accounts`, where it is one of them. */
  entry?: number;
  profile?: string;
  roleArn?: string;
  externalId?: string;
  region?: string;
  origins: AccountOrigins;
}

/** The same for accounts that are reached in the same way, so that one session serves both. */
export const accountKey = ({
  profile,
  roleArn,
  externalId,
  region,
}: Pick<ResolvedAccount, 'profile' | 'roleArn' | 'externalId' | 'region'>): string =>
  JSON.stringify([profile, roleArn, externalId, region]);

/** The account's number in the ARN of one of its roles. */
export const accountOfRole = (roleArn: string): string => roleArn.split(':')[4] ?? roleArn;

const entryName = ({ name, profile, roleArn }: AccountEntry): string =>
  name ?? (roleArn === undefined ? (profile ?? '') : accountOfRole(roleArn));

/** A flag that is set to nothing, as by an unset variable of a script, says nothing. */
const said = (flag: string | undefined): string | undefined => (flag === '' ? undefined : flag);

/** @throws AppError `Usage` for `--account` beside `--profile`, and for a name that the file does not have */
function namedEntry(
  { account, profile }: AccountFlags,
  { accounts = [] }: FileAccounts,
): AccountEntry | undefined {
  const name = said(account);
  if (name === undefined) return undefined;
  if (said(profile) !== undefined) {
    throw new AppError('Usage', '--account and --profile cannot be used together', {
      hint: 'specify one of them',
    });
  }
  const entry = accounts.find((each) => entryName(each) === name);
  if (entry) return entry;
  throw new AppError('Usage', `apigw-cert.yaml has no account "${name}"`, {
    hint:
      accounts.length === 0
        ? 'add it to "accounts" in apigw-cert.yaml, or use --profile'
        : `available accounts: ${listText(accounts.map(entryName))}`,
  });
}

function severalAccounts(accounts: readonly AccountEntry[]): AppError {
  const names = accounts.map(entryName);
  return new AppError(
    'Usage',
    `apigw-cert.yaml lists ${accounts.length} accounts, and this command works in one`,
    {
      hint: `add --account (${listText(names)}) or --profile`,
      details: { accounts: names },
    },
  );
}

function severalRegions(regions: readonly string[] | 'all'): AppError {
  const names = regions === 'all' ? 'all Regions' : listText(regions);
  return new AppError(
    'Usage',
    `apigw-cert.yaml lists several Regions (${names}), and this command works in one`,
    {
      hint: 'add --region',
      details: { regions },
    },
  );
}

/** The one Region that a list leaves. @throws AppError `Usage` where it leaves several */
function onlyRegion(
  regions: readonly string[] | 'all' | undefined,
  preferred: string | undefined,
): string | undefined {
  if (regions === undefined) return preferred;
  if (preferred !== undefined && (regions === 'all' || regions.includes(preferred))) return preferred;
  const [only] = regions;
  if (regions === 'all' || only === undefined || regions.length > 1) throw severalRegions(regions);
  return only;
}

/**
 * The account and Region of a command that works in one.
 * @param target the entry of the file that the command is about: its account is its own or the top level's, since
 * `accounts` says only where to look
 * @throws AppError `Usage` where the file has several accounts or Regions and nothing says which
 */
export function resolveAccount(
  flags: AccountFlags,
  file: FileAccounts = {},
  target?: Pick<FileAccounts, 'profile' | 'region'> & Pick<AccountEntry, 'roleArn' | 'externalId'>,
): ResolvedAccount {
  const { accounts = [] } = file;
  const named = namedEntry(flags, file);
  const profile = resolve<string>({ flag: said(flags.profile), target: target?.profile, file: file.profile });
  const isOpen = profile === undefined && named === undefined && target === undefined;
  if (isOpen && accounts.length > 1) throw severalAccounts(accounts);
  const entry = named ?? (isOpen ? accounts[0] : undefined);
  const { roleArn, externalId } = target ?? {};
  const own: AccountEntry = {
    ...(profile === undefined ? {} : { profile: profile.value }),
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(externalId === undefined ? {} : { externalId }),
  };
  const access = entry ?? own;
  const name = entryName(access) || undefined;

  const region = resolve<string>({ flag: said(flags.region), target: target?.region });
  const fromFile = (): string | undefined => {
    if (target !== undefined) return file.region;
    return entry?.regions === undefined
      ? (file.region ?? onlyRegion(file.regions, undefined))
      : onlyRegion(entry.regions, file.region);
  };
  const decided = region ?? resolve<string>({ file: fromFile() });
  const regionOrigin = (): AccountOrigins['region'] => {
    if (decided?.layer !== 'file' || target !== undefined) return decided?.layer;
    if (decided.value === file.region) return 'file';
    return entry?.regions === undefined ? 'regions' : 'account';
  };
  const profileOrigin = named ? 'flag' : entry ? 'account' : profile?.layer;
  const origin = regionOrigin();
  return {
    ...(name === undefined ? {} : { name }),
    ...(entry === undefined ? {} : { entry: accounts.indexOf(entry) }),
    ...(access.profile === undefined ? {} : { profile: access.profile }),
    ...(access.roleArn !== undefined ? { roleArn: access.roleArn } : {}),
    ...(access.externalId !== undefined ? { externalId: access.externalId } : {}),
    ...(decided === undefined ? {} : { region: decided.value }),
    origins: {
      ...(profileOrigin === undefined ? {} : { profile: profileOrigin }),
      ...(origin === undefined ? {} : { region: origin }),
    },
  };
}

/** What says where to look. */
export interface FleetInput {
  /** `--account`, an entry of `accounts` */
  accountFlag?: string | undefined;
  /** `--profile a,b` */
  profileFlag?: string | undefined;
  /** `--region x,y` or `all` */
  regionFlag?: string | undefined;
  /** AWS_PROFILE, AWS_DEFAULT_PROFILE */
  environmentProfile?: string | undefined;
  /** AWS_REGION, AWS_DEFAULT_REGION */
  environmentRegion?: string | undefined;
  configuration?: FileAccounts | undefined;
}

/** What decided something of a fleet: a layer, or a key of the file. */
export type FleetOrigin = 'flag' | 'account' | 'regions' | 'region' | 'profile' | 'environment' | 'default';

/** An account, and what decided which one it is and which Regions it has. */
export interface ExplainedAccount {
  account: FleetAccount;
  origin: FleetOrigin;
  regionsOrigin: FleetOrigin;
}

function words(flag: string, value: string): string[] {
  const found = value.split(',').map((word) => word.trim());
  if (found.some((word) => word === '')) {
    throw new AppError('Usage', `${flag} "${value}" contains an empty name`, {
      hint: `separate names with commas: ${flag} first,second`,
    });
  }
  return found;
}

function refuseTwice(names: readonly string[], what: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new AppError('Usage', `${what} "${twice}" is specified twice`, {
    hint: 'specify each one once',
  });
}

function regionsOf(flag: string): readonly string[] | 'all' {
  if (flag.trim() === 'all') return 'all';
  const regions = words('--region', flag);
  if (regions.includes('all')) {
    throw new AppError('Usage', `--region "${flag}" contains "all" and names of Regions`, {
      hint: 'specify --region all, or only names',
    });
  }
  refuseTwice(regions, 'the Region');
  return regions;
}

/**
 * The accounts to look into, each with its Regions.
 * @throws AppError `Usage` for an account or a Region that is named twice
 */
export function fleetAccounts(input: FleetInput): FleetAccount[] {
  return explainedAccounts(input).map(({ account }) => account);
}

const single = (region: string | undefined): readonly string[] | undefined =>
  region === undefined ? undefined : [region];

const ORIGINS = { flag: 'flag', environment: 'environment', default: 'default' } as const;

/** The origin of what a layer said; what the file says is its key's. */
const originOf = (layer: Layer, key: FleetOrigin): FleetOrigin =>
  layer in ORIGINS ? ORIGINS[layer as keyof typeof ORIGINS] : key;

/** The accounts of {@link fleetAccounts}, and why it is these. */
export function explainedAccounts(input: FleetInput): ExplainedAccount[] {
  const { accountFlag, profileFlag, regionFlag, configuration: file = {} } = input;
  const given = regionFlag === undefined ? undefined : regionsOf(regionFlag);
  /** @param own those of an entry of `accounts` */
  const regionsFor = (
    own?: AccountEntry['regions'],
  ): { regions: FleetAccount['regions']; from: FleetOrigin } => {
    const { value, layer } = resolve<FleetAccount['regions']>({
      flag: given,
      target: own,
      file: file.regions ?? single(file.region),
      environment: single(input.environmentRegion),
      default: 'default',
    });
    const key = layer === 'target' ? 'account' : file.regions === undefined ? 'region' : 'regions';
    return { regions: value, from: originOf(layer, key) };
  };

  const named = namedEntry({ account: accountFlag, profile: profileFlag }, file);
  const entries = named ? [named] : profileFlag === undefined ? file.accounts : undefined;
  if (entries === undefined) {
    const chosen = resolve<string>({
      flag: profileFlag,
      file: file.profile,
      environment: input.environmentProfile,
    });
    const { regions, from: regionsOrigin } = regionsFor();
    if (chosen === undefined)
      return [{ account: { name: 'default', regions }, origin: 'default', regionsOrigin }];
    const { value, layer } = chosen;
    const profiles = layer === 'flag' ? words('--profile', value) : [value];
    refuseTwice(profiles, 'the profile');
    const from = layer === 'environment' ? { fromEnvironment: true as const } : {};
    return profiles.map((name) => ({
      account: { name, profile: name, ...from, regions },
      origin: originOf(layer, 'profile'),
      regionsOrigin,
    }));
  }
  const accounts = entries.map((entry): ExplainedAccount => {
    const { profile, roleArn, externalId } = entry;
    const { regions, from } = regionsFor(entry.regions);
    return {
      account: {
        name: entryName(entry),
        ...(profile === undefined ? {} : { profile }),
        ...(roleArn === undefined ? {} : { roleArn }),
        ...(externalId === undefined ? {} : { externalId }),
        regions,
      },
      origin: named ? 'flag' : 'account',
      regionsOrigin: from,
    };
  });
  refuseTwice(
    accounts.map(({ account }) => account.name),
    'the account',
  );
  return accounts;
}
