import { InvalidArgumentError, type Command } from 'commander';
import type { JobFlags } from '../../app/rotate/jobs.js';
import { parseDuration, parseThreshold } from '../../core/duration.js';
import { AppError } from '../../core/errors.js';
import { parseProbes } from '../../core/rotation/probe.js';
import type { RotationSettings } from '../../core/rotation/settings.js';
import { action, collect, command } from '../command.js';
import type { CommonOptions } from '../context.js';
import { renamedOption } from '../deprecated.js';
import { trustDescriptions } from '../trust-options.js';

/** What a rotation is to be and how, under commander's names; all as they were written. */
export interface RotationOptions {
  api?: string;
  stage?: string;
  target?: string;
  config?: string;
  trust?: string[];
  reload?: string;
  probe?: string[];
  probeCount?: number;
  probeUrl?: string;
  settle?: string;
  soak?: string;
  inFlight?: string;
  keepOld?: string;
  wait: boolean;
  renewBefore?: string;
  force?: boolean;
  onlyStage?: boolean;
  to?: string;
  allowDrift?: boolean;
  allowUncheckedBackend?: boolean;
  allowUnproved?: boolean;
  redeploy?: 'never' | 'always';
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

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 100)
    throw new InvalidArgumentError('write a number from 1 to 100');
  return value;
}

/** The options that say what is rotated and how; `config show` takes the same. */
export function addRotationOptions(to: Command): Command {
  to.option('--stage <stage>', 'the stage whose certificate it is: prod, or with its API orders/prod')
    .option('--api <name>', 'the REST or WebSocket API, by name or id')
    .option('--target <name>', 'one target of the configuration')
    .option('--config <file>', 'configuration (default: apigw-cert.yaml, found upwards from here)')
    .option(
      '--trust <kind:file>',
      'trust store of the backend: pem-bundle:FILE, nginx:FILE, manual…; may be repeated',
      collect,
    )
    .option('--reload <command>', 'makes a changed trust store live: a line for the shell')
    .option(
      '--probe <call>',
      "the call that proves the backend: 'GET /health', or for one API or backend orders=GET:/health; may be repeated",
      collect,
    )
    .option('--probe-count <n>', 'consecutive successful test calls required (default: 5)', count)
    .option('--probe-url <url>', "the stage's own URL, watched during the soak")
    .option('--settle <duration>', 'how long a changed trust store may take to be obeyed (default 30s)')
    .option(
      '--soak <duration>',
      'how long the new certificate is in use before the old one goes (default 5m)',
    )
    .option(
      '--in-flight <duration>',
      'how long a call to AWS whose answer was lost may still take effect (default: 60s)',
    )
    .option('--keep-old <duration>', 'how long the old one stays trusted and undeleted after the switch')
    .option('--no-wait', 'do not wait for the soak: exit 75, and a later run goes on')
    .option(
      '--renew-before <threshold>',
      'due so long before the end, or at this share of the life (default 33%)',
    )
    .option('--force', 'rotate now, due or not')
    .option('--only-stage', 'move this stage alone; the old certificate stays for the others')
    .option('--to <id>', 'rotate to this certificate instead of a new one')
    .option('--allow-drift', 'also where CloudFormation manages the stage')
    .option('--allow-unchecked-backend', 'also where the backend lets anybody in')
    .option('--allow-unproved', 'also where no safe GET request reaches a backend')
    .option(
      '--redeploy <when>',
      'never, or always after the switch: publishes unfinished edits',
      oneOf('never', 'always'),
    );
  return renamedOption(to, '--probes <n>', '--probe-count');
}

/** Whether the configuration is read: it costs time, so that flags that say everything do without. */
export const needsConfiguration = ({ config, stage, trust }: RotationOptions): boolean =>
  config !== undefined || stage === undefined || trust === undefined;

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

function oneOf<T extends string>(...choices: T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
    return choice;
  };
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
export async function jobFlags(options: RotationOptions & Pick<CommonOptions, 'output'>): Promise<JobFlags> {
  assertTogether(options);
  const { probe, named } = parseProbes(options.probe ?? []);
  if (named.length > 0 && options.stage === undefined && options.target === undefined) {
    throw new AppError('Usage', '--probe for one API or backend needs --stage or --target', {
      hint: 'add one of them; apigw-cert.yaml has a probe for each target',
    });
  }
  const trust = await trustDescriptions(options.trust ?? [], options.reload);
  const settings: Partial<RotationSettings> = {
    ...(options.renewBefore === undefined ? {} : { renewBefore: parseThreshold(options.renewBefore) }),
    ...(options.force === true ? { force: true } : {}),
    ...(options.onlyStage === true ? { onlyStage: true } : {}),
    ...(options.probeCount === undefined ? {} : { probes: options.probeCount }),
    ...(options.settle === undefined ? {} : { settle: parseDuration(options.settle) }),
    ...(options.soak === undefined ? {} : { soak: parseDuration(options.soak) }),
    ...(options.inFlight === undefined ? {} : { inFlight: parseDuration(options.inFlight) }),
    ...(options.keepOld === undefined ? {} : { keepOld: parseDuration(options.keepOld) }),
    ...(options.wait ? {} : { wait: false }),
    ...(options.allowDrift === true ? { allowDrift: true } : {}),
    ...(options.allowUncheckedBackend === true ? { allowUncheckedBackend: true } : {}),
    ...(options.allowUnproved === true ? { allowUnproved: true } : {}),
    ...(options.redeploy === undefined ? {} : { redeploy: options.redeploy }),
  };
  return {
    settings,
    trust,
    ...(probe ? { probe } : {}),
    ...(named.length > 0 ? { namedProbes: named } : {}),
    ...(options.probeUrl === undefined ? {} : { probeUrl: httpUrl(options.probeUrl) }),
    ...(options.to === undefined ? {} : { to: options.to }),
  };
}

function httpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new AppError('Usage', `"${text}" is not an http or https URL`, {
    hint: 'write it in full: https://api.example.com/health',
  });
}
