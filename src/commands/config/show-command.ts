import type { Command } from 'commander';
import type { LoadedConfiguration } from '../../configuration/load.js';
import type { ShownSetting } from '../../configuration/show.js';
import type { JobFlags, RotationJob } from '../../rotation/engine/jobs.js';
import { AppError } from '../../platform/errors.js';
import { printable } from '../../platform/printable.js';
import type { ResolvedAccount } from '../../settings/resolve.js';
import { STATE_SETTINGS } from '../../settings/table.js';
import { action, command, settingOption } from '../../terminal/command.js';
import type { CommonOptions } from '../../terminal/context.js';
import { statePlace, type StateOptions } from '../../terminal/state.js';
import { addRotationOptions, jobFlags, type RotationOptions } from '../../terminal/rotation-options.js';

type Options = RotationOptions & StateOptions & CommonOptions;

export function configShowCommand(): Command {
  return addRotationOptions(
    command(
      'show',
      'Show the effective settings, and where each comes from: flag, file, environment, profile, default',
    ),
  )
    .addOption(settingOption(STATE_SETTINGS.state))
    .addHelpText(
      'after',
      `
Accepts the options of \`rotate\`, and shows what a rotation with them would use. Without --stage or --target it
shows all targets, and what list, check-expiry, inventory, report and prune look into. The order is the same for every
command: flag, file, environment, profile, default. No AWS API is called, and no secret is shown: commands by
their program alone, webhooks by their host.

Examples:
  apigw-cert config show
  apigw-cert config show --target orders --soak 10m --output json
  apigw-cert config show --stage orders/prod --trust pem-bundle:/etc/orders/apigw.pem`,
    )
    .action(
      action<Options>(async ({ options, out }) => {
        const flags = await jobFlags(options);
        const items = await shownSettings(options, flags);
        const { table } = await import('../../terminal/table.js');
        out.result({ items }, () =>
          table(
            ['SETTING', 'VALUE', 'FROM'],
            items.map(({ setting, value, from }) => [
              printable(setting),
              value === undefined ? '-' : printable(value),
              printable(from),
            ]),
          ),
        );
      }),
    );
}

async function jobsOf(
  { api, stage, target }: Options,
  loaded: LoadedConfiguration | undefined,
  flags: JobFlags,
): Promise<RotationJob[]> {
  const [{ configuredJobs, stageJob }, { findTarget }] = await Promise.all([
    import('../../rotation/engine/jobs.js'),
    import('../../rotation/engine/find-target.js'),
  ]);
  const configuration = loaded?.configuration;
  if (stage !== undefined) {
    const address = api === undefined ? { stage } : { api, stage };
    // No API is called, so a target is found by what it is called in the file alone.
    const found = await findTarget(address, configuration, flags, () => {
      throw new AppError('StageNotFound', 'nothing is looked up');
    });
    return [stageJob(address, configuration, flags, found)];
  }
  const hasTargets = Object.keys(configuration?.targets ?? {}).length > 0;
  return target !== undefined || hasTargets ? configuredJobs(configuration, target, flags) : [];
}

async function shownSettings(options: Options, flags: JobFlags): Promise<ShownSetting[]> {
  const { fromFileOf, loadConfiguration } = await import('../../configuration/load.js');
  const loaded = await loadConfiguration({ file: options.config });
  const [show, { awsSettings }, { fleetInput }, { explainedAccounts, resolveAccount }] = await Promise.all([
    import('../../configuration/show.js'),
    import('../../aws/settings.js'),
    import('../../terminal/fleet-options.js'),
    import('../../settings/resolve.js'),
  ]);
  const jobs = await jobsOf(options, loaded, flags);
  const isOfOne = options.stage !== undefined || options.target !== undefined;
  const rowsOf = async (account: ResolvedAccount, prefix = '', target?: string): Promise<ShownSetting[]> => {
    const fromFile = fromFileOf(loaded, account, target);
    const { profile, region } = account;
    const { endpointUrl } = options;
    return show.awsRows(await awsSettings({ profile, region, endpointUrl, fromFile }), fromFile, prefix);
  };
  /** Of a command that works in one account and Region; where it would have to ask, that of targets without their own. */
  const ofOne = async (): Promise<ShownSetting[]> => {
    const configuration = loaded?.configuration;
    try {
      return await rowsOf(resolveAccount(flags.account, configuration));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'Usage') throw error;
      const asked = { setting: 'account', source: 'file', from: error.message } as const;
      return [asked, ...(await rowsOf(resolveAccount(flags.account, configuration, {})))];
    }
  };
  const shownJobs = await Promise.all(
    jobs.map(async (job) => [
      ...(await rowsOf(job.account, show.prefixOf(job), job.target)),
      ...show.jobRows(job, loaded),
    ]),
  );
  const general = isOfOne
    ? []
    : [
        ...(await ofOne()),
        ...show.watchRows(explainedAccounts(fleetInput(options, loaded?.configuration)), loaded),
      ];
  return [
    ...show.placeSettings(loaded, statePlace(options, loaded)),
    ...show.proxyRows(),
    ...general,
    ...shownJobs.flat(),
  ];
}
