/** The account and Region that a command works in, and telling people which. */
import type { LoadedConfiguration } from '../configuration/load.js';
import type { ShownSetting } from '../configuration/show.js';
import type { ResolvedStage, StageAddress } from '../control-plane/resolve-stage.js';
import { accountRegionOf, accountRegionText } from '../control-plane/account-text.js';
import { printable } from '../platform/printable.js';
import type { ControlPlane } from '../control-plane/control-plane.js';
import type { FoundTarget, NamedTarget } from '../rotation/engine/jobs.js';
import type { ManagerSettings } from '../rotation/rules/manager.js';
import { accountKey, resolve, type AccountFlags, type ResolvedAccount } from '../settings/resolve.js';
import { flagValues } from '../settings/table.js';
import { controlPlaneFor } from './compose.js';
import type { CommonOptions } from './context.js';
import type { Output } from './output.js';

/** What flags say of the account and Region. */
export const accountFlags = ({ account, profile, region }: CommonOptions): AccountFlags => ({
  account,
  profile,
  region,
});

/** Says which account and Region a control plane leads to. Credentials that are not found are for the first call to report. */
export async function sayWhere(
  controlPlane: ControlPlane,
  { name }: Pick<ResolvedAccount, 'name'>,
  out: Pick<Output, 'where'>,
): Promise<void> {
  const caller = await controlPlane.caller().catch(() => undefined);
  if (caller !== undefined) out.where(accountRegionText(accountRegionOf(caller, name)));
}

/** `--debug`: each setting with what decided it. */
export function debugSettings(rows: readonly ShownSetting[]): void {
  for (const { setting, value, from } of rows)
    process.stderr.write(`debug: ${printable(`${setting} = ${value ?? '-'} (${from})`)}\n`);
}

/** How AWS is reached, for `--debug`: what the session of an account finds. */
export async function debugAccount(
  options: CommonOptions,
  loaded: LoadedConfiguration | undefined,
  account: ResolvedAccount,
  target?: string,
): Promise<void> {
  const [{ awsRows, placeSettings }, { awsSettings }, { fromFileOf }, { statePlace }] = await Promise.all([
    import('../configuration/show.js'),
    import('../aws/settings.js'),
    import('../configuration/load.js'),
    import('./state.js'),
  ]);
  const fromFile = fromFileOf(loaded, account, target);
  const { profile, region } = account;
  const settings = await awsSettings({ profile, region, endpointUrl: options.endpointUrl, fromFile });
  debugSettings([...placeSettings(loaded, statePlace(options, loaded)), ...awsRows(settings, fromFile)]);
}

/** A stage that a command is about, where it is about one: its target in the file says where it is. */
function addressOf(options: object): StageAddress | undefined {
  const { stage, api }: { stage?: unknown; api?: unknown } = options;
  if (typeof stage !== 'string') return undefined;
  return typeof api === 'string' ? { api, stage } : { stage };
}

/** The account and Region that a command works in. */
export interface OpenedPlace {
  controlPlane: ControlPlane;
  /** What flags and the file say of the tool that manages a stage, or a certificate that no stage presents. */
  managerOf: (stage?: ResolvedStage) => ManagerSettings;
  /**
   * The target of the file that the stage of the options belongs to, where there is one. It is looked up where the file
   * may mean it by another name. @throws AppError `StageNotFound`, `Usage` for more than one
   */
  ownTarget: () => Promise<NamedTarget | undefined>;
}

/**
 * Opens the account and Region that flags, the file, the environment and the profile name.
 * @throws AppError `Usage` where the file has several and nothing says which; `ConfigurationInvalid`
 */
export const openAccount = async (options: CommonOptions, out: Output): Promise<ControlPlane> =>
  (await openPlace(options, out)).controlPlane;

/** The same, with what is said of who else works there. @throws AppError as openAccount, and `Usage` */
export async function openPlace(options: CommonOptions, out: Output): Promise<OpenedPlace> {
  const flags = flagValues({ ...options });
  const { fromFileOf, loadConfiguration } = await import('../configuration/load.js');
  const loaded = await loadConfiguration({ file: options.config });
  const controlPlanes = new Map<string, Promise<ControlPlane>>();
  const open = (account: ResolvedAccount, target?: string): Promise<ControlPlane> => {
    const key = JSON.stringify([account.name, accountKey(account)]);
    const controlPlane =
      controlPlanes.get(key) ??
      controlPlaneFor(options, account, { fromFile: fromFileOf(loaded, account, target) });
    controlPlanes.set(key, controlPlane);
    return controlPlane;
  };
  const { account, target } = await placeOf(options, loaded, open);
  if (options.debug === true) await debugAccount(options, loaded, account, target?.[0]);
  const controlPlane = await open(account, target?.[0]);
  await sayWhere(controlPlane, account, out);
  const configuration = loaded?.configuration;
  return {
    controlPlane,
    managerOf: (stage) => {
      const own = target?.[1] ?? (stage && targetOf(stage, configuration?.targets, controlPlane.region));
      const managedBy = resolve({
        flag: flags.managedBy,
        target: own?.managedBy,
        file: configuration?.managedBy,
      })?.value;
      return {
        allowDrift: flags.allowDrift ?? own?.allowDrift ?? false,
        ...(managedBy === undefined ? {} : { managedBy }),
      };
    },
    ownTarget: async () => target ?? (await placeOf(options, loaded, open, 'findTarget')).target,
  };
}

type Targets = NonNullable<LoadedConfiguration['configuration']['targets']>;

/** The target of a stage, by the name or the id of its API. */
const targetOf = (
  { restApiId, apiName, stageName }: ResolvedStage,
  targets: Targets = {},
  inRegion: string,
): Targets[string] | undefined =>
  Object.values(targets).find(
    ({ api, stages, region }) =>
      stages.includes(stageName) &&
      (api === restApiId || api === apiName) &&
      (region ?? inRegion) === inRegion,
  );

async function placeOf(
  options: CommonOptions,
  loaded: LoadedConfiguration | undefined,
  open: (account: ResolvedAccount) => Promise<ControlPlane>,
  find: 'findAccount' | 'findTarget' = 'findAccount',
): Promise<FoundTarget> {
  const address = addressOf(options);
  const flags = accountFlags(options);
  const configuration = loaded?.configuration;
  if (address === undefined || configuration?.targets === undefined) {
    const { resolveAccount } = await import('../settings/resolve.js');
    return { account: resolveAccount(flags, configuration) };
  }
  const [finders, { resolveStage }] = await Promise.all([
    import('../rotation/engine/find-target.js'),
    import('../control-plane/resolve-stage.js'),
  ]);
  return finders[find](address, configuration, { account: flags }, async (account) =>
    resolveStage(await open(account), address),
  );
}
