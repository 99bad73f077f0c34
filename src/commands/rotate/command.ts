import type { Command } from 'commander';
import { STATE_SETTINGS } from '../../settings/table.js';
import { action, command, settingOption } from '../../terminal/command.js';
import { addRotationOptions, jobFlags, type RotateOptions } from '../../terminal/rotation-options.js';

const EXAMPLES = `
Examples:
  apigw-cert rotate --stage orders/prod --trust pem-bundle:/etc/orders/apigw.pem --probe 'GET /health' --dry-run
  apigw-cert rotate --stage orders/prod --trust pem-bundle:/etc/orders/apigw.pem --reload 'systemctl reload orders'
  apigw-cert rotate                       every target of apigw-cert.yaml: for cron
  apigw-cert rotate --stage orders/prod --trust pem-bundle:/etc/orders/apigw.pem --abort`;

export function rotateCommand(): Command {
  return addRotationOptions(
    command(
      'rotate',
      'Replace certificates that are due for renewal, testing each step, without a failed request',
    ),
  )
    .option('--all', 'rotate every certificate that a stage presents')
    .option(
      '--abort',
      'abort the rotation in progress: switch the stages back to the old certificate and delete the new one',
    )
    .option('--dry-run', 'show what would be done, and change nothing')
    .option(
      '--yes',
      'with --redeploy always, publish unfinished edits without a prompt; approve a switch that is to be approved; import in place although that cannot be rolled back; a manual trust store still prompts',
    )
    .option('--splay <duration>', 'delay the start by a random time up to this long (ignored on a terminal)')
    .addOption(settingOption(STATE_SETTINGS.state))
    .option('--events <file>', 'write events as JSON lines to this file; - is stdout')
    .addHelpText('after', EXAMPLES)
    .action(
      action<RotateOptions>(async (context) => {
        const flags = await jobFlags(context.options);
        const { runRotations } = await import('./run.js');
        await runRotations(context, flags);
      }),
    );
}
