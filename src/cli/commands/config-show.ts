import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ShownFile, ShownSetting } from '../../app/config/show.js';
import type { JobFlags, RotationJob } from '../../app/rotate/jobs.js';
import { printable } from '../../core/printable.js';
import { action, command } from '../command.js';
import { reached } from '../compose.js';
import type { CommonOptions } from '../context.js';
import { addRotationOptions, jobFlags, needsConfiguration, type RotationOptions } from './rotate.js';

type Options = RotationOptions & CommonOptions;

export function configShowCommand(): Command {
  return addRotationOptions(
    command(
      'show',
      'The settings in force, and what decided each: flag, file, environment, profile, default',
    ),
  )
    .addHelpText(
      'after',
      `
Takes the options of \`rotate\`, and shows what a rotation with the same options would use. Without --stage or --target it
shows all targets, and what list, check-expiry, inventory, report and prune look into. All other commands read no
configuration: they use flags, the environment and the profile. No AWS API is called, and no secret is shown: commands by
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
        const { table } = await import('../table.js');
        out.result({ items }, () =>
          table(
            ['SETTING', 'VALUE', 'FROM'],
            items.map(({ setting, value, from }) => [
              printable(setting),
              value === null ? '-' : printable(value),
              printable(from),
            ]),
          ),
        );
      }),
    );
}

async function readFile({ config }: Options): Promise<ShownFile | undefined> {
  const { findConfiguration, resolvePath } = await import('../../app/config/find.js');
  const file = config === undefined ? await findConfiguration() : resolve(resolvePath(config, process.cwd()));
  if (file === undefined) return undefined;
  const { examineConfiguration, refuse } = await import('../../app/config/read.js');
  const examined = await examineConfiguration(file);
  return 'problems' in examined
    ? refuse(file, examined.problems)
    : { ...examined, file, isNamed: config !== undefined };
}

async function jobsOf(
  { api, stage, target }: Options,
  read: ShownFile | undefined,
  flags: JobFlags,
): Promise<RotationJob[]> {
  const { configuredJobs, stageJob } = await import('../../app/rotate/jobs.js');
  const configuration = read?.configuration;
  if (stage !== undefined)
    return [stageJob(api === undefined ? { stage } : { api, stage }, configuration, flags)];
  const hasTargets = Object.keys(configuration?.targets ?? {}).length > 0;
  return target !== undefined || hasTargets ? configuredJobs(configuration, target, flags) : [];
}

async function shownSettings(options: Options, flags: JobFlags): Promise<ShownSetting[]> {
  const read = needsConfiguration(options) ? await readFile(options) : undefined;
  const [show, { awsSettings }, { fleetInput }, { explainedAccounts }] = await Promise.all([
    import('../../app/config/show.js'),
    import('../../aws/settings.js'),
    import('../fleet-options.js'),
    import('../../core/fleet.js'),
  ]);
  const jobs = await jobsOf(options, read, flags);
  const isOfOne = options.stage !== undefined || options.target !== undefined;
  const { endpointUrl } = options;
  const settingsFor = (configured: { region?: string; profile?: string }) => {
    const { profile, region } = reached(options, configured);
    return awsSettings({ profile, region, endpointUrl });
  };
  const shownJobs = await Promise.all(
    jobs.map(async (job) => {
      const { keys, prefix } = show.accountKeys(job);
      return [
        ...show.awsRows(await settingsFor(job), options, read, keys, prefix),
        ...show.jobRows(job, read),
      ];
    }),
  );
  const general = isOfOne
    ? []
    : [
        ...show.awsRows(await settingsFor(read?.configuration ?? {}), options, read),
        ...show.watchRows(explainedAccounts(fleetInput(options, read?.configuration)), read),
      ];
  return [...show.placeSettings(read), ...show.proxyRows(), ...general, ...shownJobs.flat()];
}
