import type { Command } from 'commander';
import type { JobFlags } from '../../app/rotate/jobs.js';
import { AppError } from '../../core/errors.js';
import { parseProbes } from '../../core/rotation/probe.js';
import { flagValues, ROTATION_SETTINGS } from '../../settings/table.js';
import { accountFlags } from '../account.js';
import { action, collect, command, settingOption } from '../command.js';
import type { CommonOptions } from '../context.js';
import { renamedOption } from '../deprecated.js';
import { trustDescriptions } from '../trust-options.js';

/** What a rotation is to be and how, under commander's names; those of the settings table are read by it. */
export interface RotationOptions {
  api?: string;
  stage?: string;
  target?: string;
  trust?: string[];
  reload?: string;
  probe?: string[];
  to?: string;
}

/** With what concerns a run alone. */
export interface RotateOptions extends RotationOptions {
  all?: boolean;
  abort?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  splay?: string;
  events?: string;
}

const EXAMPLES = `
Examples:
  apigw-cert rotate --stage orders/prod --trust pem-bundle:/etc/orders/apigw.pem --probe 'GET /health' --dry-run
  apigw-cert rotate --stage orders/prod --trust pem-bundle:/etc/orders/apigw.pem --reload 'systemctl reload orders'
  apigw-cert rotate                       every target of apigw-cert.yaml: for cron
  apigw-cert rotate --stage orders/prod --trust pem-bundle:/etc/orders/apigw.pem --abort`;

/** The options that say what is rotated and how; `config show` takes the same. */
export function addRotationOptions(to: Command): Command {
  to.option('--stage <stage>', 'the stage whose certificate it is: prod, or with its API orders/prod')
    .option('--api <name>', 'the REST or WebSocket API, by name or id')
    .option('--target <name>', 'one target of the configuration')
    .option(
      '--trust <kind:file>',
      'trust store of the backend: pem-bundle:FILE, nginx:FILE, manual…; may be repeated',
      collect,
    )
    .option('--reload <command>', 'reloads the server after a trust store change: a line for the shell')
    .option(
      '--probe <call>',
      "the call that proves the backend: 'GET /health', or for one API or backend orders=GET:/health; may be repeated",
      collect,
    );
  for (const setting of Object.values(ROTATION_SETTINGS)) to.addOption(settingOption(setting));
  to.option('--to <id>', 'rotate to this certificate instead of a new one');
  return renamedOption(to, '--probes <n>', '--probe-count');
}

export function rotateCommand(): Command {
  return addRotationOptions(
    command('rotate', 'Replace a certificate when it is due, proved step by step, without a failed request'),
  )
    .option('--all', 'every certificate that a stage presents')
    .option(
      '--abort',
      'abort the rotation in progress: switch the stages back to the old certificate and delete the new one',
    )
    .option('--dry-run', 'show what would be done, and touch nothing')
    .option(
      '--yes',
      'publish the edits of the API with --redeploy always without asking; a manual trust store asks all the same',
    )
    .option('--splay <duration>', 'wait a random part of this first; not on a terminal')
    .option('--events <file>', 'a JSON line for each event, into a file or - for stdout')
    .addHelpText('after', EXAMPLES)
    .action(
      action<RotateOptions>(async (context) => {
        const flags = await jobFlags(context.options);
        const { runRotations } = await import('../rotate-run.js');
        await runRotations(context, flags);
      }),
    );
}

/** @throws AppError `Usage` for options that exclude each other */
function assertTogether(options: Partial<RotateOptions> & Pick<CommonOptions, 'output'>): void {
  const ways = ['stage', 'target', 'all'] as const;
  const named = ways.filter((way) => options[way] !== undefined);
  if (named.length > 1) {
    throw new AppError('Usage', `--${named.join(' and --')} exclude each other`, {
      hint: 'give one of them',
    });
  }
  if (options.api !== undefined && options.stage === undefined) {
    throw new AppError('Usage', '--api needs --stage', { hint: 'add the stage: --stage prod' });
  }
  if (options.events === '-' && options.output === 'json') {
    throw new AppError('Usage', '--events - and --output json both write to stdout', {
      hint: 'write the events into a file, or leave --output json away: the last event has the outcome',
    });
  }
  const exclusive = [
    ['abort', 'to'],
    ['all', 'to'],
  ] as const;
  const clash = exclusive.find(([a, b]) => options[a] !== undefined && options[b] !== undefined);
  if (clash) {
    const words = clash.map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
    throw new AppError('Usage', `${words.join(' and ')} exclude each other`, { hint: 'give one of them' });
  }
}

/** What was given on the command line, read and judged. @throws AppError `Usage` */
export async function jobFlags(options: RotationOptions & CommonOptions): Promise<JobFlags> {
  assertTogether(options);
  const { probe, named } = parseProbes(options.probe ?? []);
  if (named.length > 0 && options.stage === undefined && options.target === undefined) {
    throw new AppError('Usage', '--probe for one API or backend needs --stage or --target', {
      hint: 'add one of them; apigw-cert.yaml has a probe for each target',
    });
  }
  const trust = await trustDescriptions(options.trust ?? [], options.reload);
  return {
    account: accountFlags(options),
    settings: flagValues({ ...options }),
    trust,
    ...(probe ? { probe } : {}),
    ...(named.length > 0 ? { namedProbes: named } : {}),
    ...(options.to === undefined ? {} : { to: options.to }),
  };
}
