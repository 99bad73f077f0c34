import { Option, type Command } from 'commander';
import type { CertificateFilter } from '../../control-plane/certificate-filter.js';
import { DEFAULT_THRESHOLDS } from '../../control-plane/certificate-view.js';
import { CHECK_EXIT } from '../../findings/severity.js';
import { parseThreshold } from '../../platform/duration.js';
import { AppError } from '../../platform/errors.js';
import { parseFailOn } from '../../findings/fail-on.js';
import { action, command } from '../../terminal/command.js';
import { renamedOption } from '../../terminal/deprecated.js';
import { addFilterOptions, filterOf, type FilterOptions } from '../../terminal/filter-options.js';
import { addFleetOptions, fleetFor, type FleetOptions } from '../../terminal/fleet-options.js';
import { FORMATS, type FormatName } from './formats/index.js';
import { addNotifyOptions, notifyChanges, channelsOf, type NotifyOptions } from './notify-options.js';
import type { CommonOptions } from '../../terminal/context.js';
import { addReportOptions } from '../../terminal/output-option.js';
import { withProgress } from '../../terminal/progress.js';
import { reportUnknown, sayWhereRead } from '../../terminal/unknown-sources.js';
import { writeResult } from '../../terminal/write-result.js';

interface Options extends FleetOptions, FilterOptions, NotifyOptions {
  warning?: string;
  critical?: string;
  inUse?: boolean;
  unused?: boolean;
  usage?: boolean;
  all?: boolean;
  compliance?: boolean;
  failOn: string;
  quota?: number;
  output: FormatName;
  outFile?: string;
}

export function checkExpiryCommand(): Command {
  const made = command(
    'check-expiry [id...]',
    'Check when certificates expire, for cron and monitors: exit 0 ok, 1 warning, 2 critical, 3 unknown',
  )
    .option(
      '--warning <threshold>',
      'warn when this much validity is left, such as 30d or 10% of the lifetime (default: 30d)',
    )
    .option('--critical <threshold>', 'critical when this much validity is left (default: 7d)')
    .addOption(
      new Option('--in-use', 'check only certificates that a stage presents').conflicts(['unused', 'all']),
    )
    .addOption(new Option('--unused', 'check only certificates that no stage presents').conflicts('all'))
    .option(
      '--usage',
      'also read which stages present what, and the ACM certificates that they present; one more call per API',
    )
    .option('--all', 'count unused certificates like those in use; do not read stages');
  addNotifyOptions(addFleetOptions(addFilterOptions(made)))
    .option(
      '--compliance',
      'also report stages that call https backends without a certificate; one more call per API',
    )
    .option('--quota <number>', 'client certificate quota of the account (default: 60)', positive)
    .option(
      '--fail-on <what>',
      'findings that change the exit code: info, warning or critical, and codes',
      'warning',
    );
  addReportOptions(made, Object.keys(FORMATS) as FormatName[]);
  renamedOption(made, '--format <name>', '--output');
  renamedOption(made, '--out <file>', '--out-file');
  return made.action(
    action<Options, [string[]]>(async ({ args: [ids], options, out, now }) => {
      const failOn = parseFailOn(options.failOn);
      const { fleet, accounts, loaded } = await fleetFor(options);
      const configuration = loaded?.configuration;
      const channels = await channelsOf(options, configuration);
      const { warning, critical } = options;
      const common = configuration?.thresholds ?? DEFAULT_THRESHOLDS;
      const thresholds = {
        warning: warning === undefined ? common.warning : parseThreshold(warning),
        critical: critical === undefined ? common.critical : parseThreshold(critical),
      };
      const { checkExpiry, withFailedNotices } = await import('../../findings/check-expiry.js');
      const question = {
        filter: { ...filterOf(options), ...useOf(options), ...(ids.length > 0 ? { ids } : {}) },
        all: options.all ?? false,
        compliance: options.compliance ?? false,
        thresholds,
        failOn,
        ...(options.quota === undefined ? {} : { quota: options.quota }),
      };
      // A series keeps its label `apis` in good days and in bad ones.
      const usage = options.usage === true || options.output === 'prometheus';
      const checked = await withProgress(options, (progress) =>
        checkExpiry(fleet, accounts, { ...question, usage }, now, progress),
      );
      // Before the result is written: a full disk must not keep people from hearing.
      const failures = await notifyChanges(
        checked,
        { accounts, question, ...whose(options) },
        channels,
        options,
        async () => (await import('../../terminal/state.js')).stateOf(options, loaded),
        out,
      );
      const report = withFailedNotices(checked, failures);
      const format = FORMATS[options.output];
      if (options.output === 'text') await sayWhereRead(report.sources, fleet, out);
      await writeResult(out, await format(report, out.style), options.outFile);
      if (options.output === 'csv') await reportUnknown(report.sources, fleet, out);
      out.exitWith(CHECK_EXIT[report.level]);
    }),
  );
}

/**
 * Whose certificates they are, where the names of the accounts do not tell: two lines of a crontab may differ in their
 * environment alone. Keys for a while (ASIA…) change with each sign-in and tell nothing.
 */
function whose({ endpointUrl }: CommonOptions): Record<string, string | undefined> {
  const { AWS_ACCESS_KEY_ID: key, AWS_ENDPOINT_URL: endpoint } = process.env;
  return { key: key?.startsWith('AKIA') ? key : undefined, endpoint: endpointUrl ?? endpoint };
}

function useOf({ inUse, unused }: Options): Pick<CertificateFilter, 'use'> {
  if (inUse) return { use: 'inUse' };
  return unused ? { use: 'unused' } : {};
}

function positive(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new AppError('Usage', `"${text}" is not a number of certificates`, {
    hint: 'specify a number such as 120',
  });
}
