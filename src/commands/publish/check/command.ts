import type { Command } from 'commander';
import { AppError, EXIT } from '../../../platform/errors.js';
import { accountFlags } from '../../../terminal/account.js';
import { action, command } from '../../../terminal/command.js';

interface Options {
  target?: string;
}

export function publishCheckCommand(): Command {
  return command(
    'check',
    'Compare what is published with what the stages present; exit 1 unless it is the same',
  )
    .option('--target <name>', 'target in the configuration (default: each that has publish:)')
    .addHelpText(
      'after',
      `
Reads the places under publish: in apigw-cert.yaml, and the stages of their targets; changes nothing. For each place:
  current    the ID of the certificate that all stages of the target present is published
  different  another ID or none is published, or the stages present different certificates
  unknown    the place or the stages cannot be read
It exits with 1 unless every place is current.

Examples:
  apigw-cert publish check
  apigw-cert publish check --target orders --output json`,
    )
    .action(
      action<Options>(async ({ options, out }) => {
        const [
          { fromFileOf, loadConfiguration },
          { configuredJobs },
          { controlPlaneFor },
          { sayWhere },
          { accountKey },
          { checkPublications },
          { publicationsText },
        ] = await Promise.all([
          import('../../../configuration/load.js'),
          import('../../../rotation/engine/jobs.js'),
          import('../../../terminal/compose.js'),
          import('../../../terminal/account.js'),
          import('../../../settings/resolve.js'),
          import('./run.js'),
          import('./text.js'),
        ]);
        const loaded = await loadConfiguration({ file: options.config });
        const flags = { account: accountFlags(options), values: {} };
        const jobs = configuredJobs(loaded?.configuration, options.target, flags);
        if (jobs.every(({ publish }) => publish.length === 0)) {
          throw new AppError('Usage', 'no target publishes an ID', {
            hint: 'add publish: to a target in apigw-cert.yaml (docs/publish.md)',
          });
        }
        const opened = new Map<string, ReturnType<typeof controlPlaneFor>>();
        const report = await checkPublications(jobs, async ({ account, target }) => {
          const key = accountKey(account);
          const known = opened.get(key);
          if (known) return known;
          const connecting = controlPlaneFor(options, account, {
            fromFile: fromFileOf(loaded, account, target),
          });
          opened.set(key, connecting);
          const controlPlane = await connecting;
          await sayWhere(controlPlane, account, out);
          return controlPlane;
        });
        out.result(report, () => publicationsText(report, out.style));
        if (report.verdict !== 'current') out.exitWith(EXIT.failed);
      }),
    );
}
