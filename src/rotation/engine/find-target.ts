/** Which target of the configuration a stage or a certificate belongs to, and so its account and Region. */
import { parseAddress, type ResolvedStage, type StageAddress } from '../../control-plane/resolve-stage.js';
import { AppError } from '../../platform/errors.js';
import { accountKey, resolveAccount, type ResolvedAccount } from '../../settings/resolve.js';
import {
  isSameAccount,
  withoutUndefined,
  type Configuration,
  type FoundTarget,
  type JobFlags,
  type NamedTarget,
  type TargetConfig,
} from './jobs.js';

/** Whether flags leave a target where it is: those that name another account or Region are about something else. */
function isWithin(
  { account: { profile, region, account } }: Pick<JobFlags, 'account'>,
  target: TargetConfig,
  configuration: Configuration,
): boolean {
  const own = {
    ...withoutUndefined({ profile: target.profile ?? configuration.profile }),
    ...withoutUndefined({ region: target.region ?? configuration.region, roleArn: target.roleArn }),
  };
  const entry = account === undefined ? undefined : resolveAccount({ account, region }, configuration);
  // Only an account of the file names a role; a profile leaves the target its own.
  const { roleArn } = entry ?? target;
  return isSameAccount(own, withoutUndefined({ profile: entry?.profile ?? profile, roleArn, region }));
}

/** @throws AppError `Usage` for more than one */
function onlyTarget(about: readonly NamedTarget[], stage: string): NamedTarget | undefined {
  if (about.length < 2) return about[0];
  const names = about.map(([name]) => name);
  throw new AppError('Usage', `apigw-cert.yaml has ${about.length} targets for ${stage}`, {
    hint: `specify one: --target ${names.join('|')}`,
    details: { targets: names },
  });
}

/**
 * Finds the target that a stage belongs to, and its account and Region. A target may name the API by its id and the user
 * by its name, or the user may omit it: then it is looked up, where a target may be meant.
 * @param lookUp the stage as the account knows it. @throws AppError `StageNotFound`
 * @throws AppError `Usage` where several targets, or several accounts, can be meant; what `lookUp` throws
 */
export async function findTarget(
  address: StageAddress,
  configuration: Configuration | undefined,
  flags: Pick<JobFlags, 'account'>,
  lookUp: (account: ResolvedAccount) => Promise<Pick<ResolvedStage, 'restApiId' | 'apiName'>>,
): Promise<FoundTarget> {
  const { api, stageName } = parseAddress(address);
  const stageText = api === undefined ? stageName : `${api}/${stageName}`;
  const candidates = Object.entries(configuration?.targets ?? {}).filter(
    ([, target]) =>
      target.stages.includes(stageName) &&
      configuration !== undefined &&
      isWithin(flags, target, configuration),
  );
  const accountOf = (target?: TargetConfig): ResolvedAccount =>
    resolveAccount(flags.account, configuration, target);
  const exact = onlyTarget(
    candidates.filter(([, target]) => target.api === api),
    stageText,
  );
  if (exact) return { account: accountOf(exact[1]), target: exact };
  const places = new Map(
    candidates.map(([, target]) => {
      const account = accountOf(target);
      return [accountKey(account), account] as const;
    }),
  );
  for (const account of places.values()) {
    const found = await lookUp(account).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'StageNotFound') return undefined;
      throw error;
    });
    if (found === undefined) continue;
    const target = onlyTarget(
      candidates.filter(
        ([, each]) =>
          isSameAccount(accountOf(each), account) && [found.restApiId, found.apiName].includes(each.api),
      ),
      stageText,
    );
    if (target) return { account, target };
  }
  return { account: accountOf() };
}

/**
 * The account and Region of a stage, as {@link findTarget} finds them, without a look where all targets that may be meant
 * are where the command would go anyway.
 */
export async function findAccount(
  address: StageAddress,
  configuration: Configuration | undefined,
  flags: Pick<JobFlags, 'account'>,
  lookUp: Parameters<typeof findTarget>[3],
): Promise<FoundTarget> {
  const { api, stageName } = parseAddress(address);
  const { accounts = [], targets = {} } = configuration ?? {};
  const isOpen =
    accounts.length > 1 && flags.account.account === undefined && flags.account.profile === undefined;
  const mayBeMeant = Object.values(targets).filter((target) => target.stages.includes(stageName));
  const isExact = mayBeMeant.some((target) => target.api === api);
  const isElsewhere = (target: TargetConfig): boolean =>
    isWithin(flags, target, configuration ?? {}) &&
    !isSameAccount(
      resolveAccount(flags.account, configuration, target),
      resolveAccount(flags.account, configuration),
    );
  if (!isExact && !isOpen && !mayBeMeant.some(isElsewhere))
    return { account: resolveAccount(flags.account, configuration) };
  return findTarget(address, configuration, flags, lookUp);
}

/** The target of a certificate in use, whose stages may be named by their API's id or name. */
export function targetOfCertificate(
  names: readonly string[],
  configuration: Configuration | undefined,
  account: ResolvedAccount,
): FoundTarget {
  const about = Object.entries(configuration?.targets ?? {}).filter(
    ([, { api, stages, profile = configuration?.profile, roleArn, region = configuration?.region }]) =>
      stages.some((stage) => names.includes(`${api}/${stage}`)) &&
      isSameAccount(withoutUndefined({ profile, roleArn, region }), account),
  );
  const [target] = about;
  return { account, ...(target && about.length === 1 ? { target } : {}) };
}
