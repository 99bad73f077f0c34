import type { Command } from 'commander';
import type { LoadedConfiguration } from '../configuration/load.js';
import { parseThreshold } from '../platform/duration.js';
import { AppError } from '../platform/errors.js';
import type { FleetAccount } from '../settings/accounts.js';
import { explainedAccounts, type FleetInput } from '../settings/resolve.js';
import type { PaceOptions } from '../control-plane/pace.js';
import type { AwsFleet } from '../control-plane/aws-fleet.js';
import { environmentProfile, environmentRegion, mfaAsker, reachOf } from './compose.js';
import type { CommonOptions } from './context.js';

/** Options of every command that looks into several accounts and Regions. */
export interface FleetOptions {
  rate: string;
}

export function addFleetOptions(command: Command): Command {
  return command
    .option('--rate <share>', 'share of the request limit of each account and Region to use', '80%')
    .addHelpText(
      'after',
      '\nSeveral accounts and Regions: --profile a,b and --region x,y, or --region all for those enabled.',
    );
}

/** What an emulator without a limit is asked at. */
const UNLIMITED: PaceOptions = { share: 1, limit: { perSecond: 1e6, burst: 1e6 } };

/** `80%` as the share of a pace. */
function parseRate(text: string): PaceOptions {
  if (text === 'unlimited') return UNLIMITED;
  const rate = text.trim().endsWith('%') ? parseThreshold(text) : { kind: 'duration' as const };
  if (rate.kind === 'share' && rate.percent >= 1) return { share: rate.percent / 100 };
  throw new AppError('Usage', `--rate "${text}" is not a share of the request limit`, {
    hint: `specify a percentage from 1% to 100%, such as ${/^\d+$/.test(text) ? text : '80'}%; unlimited is for emulators`,
  });
}

export interface ChosenFleet {
  fleet: AwsFleet;
  accounts: FleetAccount[];
  loaded: LoadedConfiguration | undefined;
}

/** What flags, environment and configuration say of the accounts and Regions. */
export function fleetInput(
  { account, profile, region }: Pick<CommonOptions, 'account' | 'profile' | 'region'>,
  configuration: FleetInput['configuration'],
): FleetInput {
  return {
    accountFlag: account,
    profileFlag: profile,
    regionFlag: region,
    environmentProfile: environmentProfile(),
    environmentRegion: environmentRegion(),
    configuration,
  };
}

/** The accounts and Regions that flags, environment and configuration name, and the way to them. */
export async function fleetFor(options: CommonOptions & FleetOptions): Promise<ChosenFleet> {
  const { config, rate } = options;
  const pace = parseRate(rate);
  const reach = reachOf(options);
  const { loadConfiguration } = await import('../configuration/load.js');
  const loaded = await loadConfiguration({ file: config });
  const explained = explainedAccounts(fleetInput(options, loaded?.configuration));
  if (options.debug === true) {
    const [{ placeSettings, watchRows }, { debugSettings }, { statePlace }] = await Promise.all([
      import('../configuration/show.js'),
      import('./account.js'),
      import('./state.js'),
    ]);
    debugSettings([...placeSettings(loaded, statePlace(options, loaded)), ...watchRows(explained, loaded)]);
  }
  const accounts = explained.map(({ account }) => account);
  const { createAwsFleet } = await import('../control-plane/aws-fleet.js');
  const fleet = createAwsFleet({ ...reach, ...mfaAsker(), pace });
  return { fleet, accounts, loaded };
}
