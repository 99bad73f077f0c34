import type { Command } from 'commander';
import type { JobFlags } from '../rotation/engine/jobs.js';
import { AppError } from '../platform/errors.js';
import { parseProbes } from '../rotation/rules/probe.js';
import { publicationsFromFlags } from '../settings/publication.js';
import { flagValues, ROTATION_SETTINGS } from '../settings/table.js';
import { accountFlags } from './account.js';
import { collect, settingOption } from './command.js';
import { optionName } from './option-name.js';
import type { CommonOptions } from './context.js';
import { renamedOption } from './deprecated.js';
import { readNamed } from './identity-files.js';
import type { FileOptions } from './rotation-identity.js';
import type { StateOptions } from './state.js';
import { trustDescriptions } from './trust-options.js';

/** What a rotation is to be and how, under commander's names; those of the settings table are read by it. */
export interface RotationOptions extends FileOptions {
  api?: string;
  stage?: string;
  target?: string;
  trust?: string[];
  reload?: string;
  probe?: string[];
  publish?: string[];
  to?: string;
  root?: string;
  force?: boolean;
  redeploy?: string;
  watchRenewal?: boolean;
}

/** With what concerns a run alone. */
export interface RotateOptions extends RotationOptions, StateOptions {
  all?: boolean;
  abort?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  splay?: string;
  events?: string;
}

/** The options that say what is rotated and how; `config show` takes the same. */
export function addRotationOptions(to: Command): Command {
  to.option('--stage <stage>', 'stage whose certificate is rotated: prod, or with its API orders/prod')
    .option('--api <name>', 'REST or WebSocket API, by name or id')
    .option('--target <name>', 'target in the configuration')
    .option(
      '--trust <kind:file>',
      'trust store of the backend: pem-bundle:FILE, nginx:FILE, manual…; may be repeated',
      collect,
    )
    .option('--reload <command>', 'shell command that reloads the server after a trust store change')
    .option(
      '--probe <call>',
      "test call: 'GET /health', or for one API or backend orders=GET:/health; may be repeated",
      collect,
    );
  for (const setting of Object.values(ROTATION_SETTINGS)) to.addOption(settingOption(setting));
  to.option(
    '--publish <place>',
    'write the ID of the certificate in use there: ssm:NAME, file:PATH; may be repeated',
    collect,
  );
  to.option(
    '--to <id>',
    'rotate to this certificate instead of a new one: an ID, the ARN of an ACM certificate, or "generated" for a new one in place of an ACM certificate',
  )
    .option(
      '--cert <file>',
      'PEM file of the ACM certificate with its chain, to present it to the backends from this machine; requires --key',
    )
    .option('--key <file>', 'PEM file of its unencrypted private key; requires --cert or --import')
    .option(
      '--import <file>',
      'import this certificate (PEM, with its chain) into ACM under a new ARN (or with --in-place the same one) and rotate to it; requires --key',
    )
    .option('--chain <file>', 'PEM file of the chain of --import, if its file does not contain it')
    .option('--in-place', 'import under the ARN that the stages present, which changes all of them at once')
    .option(
      '--previous-cert <file>',
      'PEM file of the certificate that --in-place replaces, with its chain, to roll back to; requires --previous-key',
    )
    .option('--previous-key <file>', 'PEM file of its unencrypted private key; requires --previous-cert')
    .option(
      '--previous-chain <file>',
      'PEM file of its chain, if the file of --previous-cert does not contain it',
    )
    .option('--root <file>', 'PEM file of the root CA of an ACM certificate, if its chain in ACM omits it');
  return renamedOption(to, '--probes <n>', '--probe-count');
}

/** @throws AppError `Usage` for options that cannot be used together */
function assertTogether(options: Partial<RotateOptions> & Pick<CommonOptions, 'output'>): void {
  const ways = ['stage', 'target', 'all'] as const;
  const named = ways.filter((way) => options[way] !== undefined);
  if (named.length > 1) {
    throw new AppError('Usage', `--${named.join(' and --')} cannot be used together`, {
      hint: 'specify one of them',
    });
  }
  if (options.api !== undefined && options.stage === undefined) {
    throw new AppError('Usage', '--api needs --stage', { hint: 'add the stage: --stage prod' });
  }
  if (options.events === '-' && options.output === 'json') {
    throw new AppError('Usage', '--events - and --output json both write to stdout', {
      hint: 'write the events to a file, or omit --output json: the last event has the outcome',
    });
  }
  const exclusive = [
    ['abort', 'to'],
    ['all', 'to'],
    ['import', 'to'],
    ['import', 'all'],
    // An import in place that was not made yet is aborted with the files that it began with.
    ...(options.inPlace === true ? [] : ([['import', 'abort']] as const)),
    ['import', 'cert'],
    ['inPlace', 'to'],
    ['inPlace', 'all'],
    ...(['abort', 'force', 'import', 'inPlace', 'redeploy', 'to'] as const).map(
      (other) => ['watchRenewal', other] as const,
    ),
  ] as const;
  const clash = exclusive.find(([a, b]) => options[a] !== undefined && options[b] !== undefined);
  if (clash) {
    throw new AppError('Usage', `${clash.map(optionName).join(' and ')} cannot be used together`, {
      hint: 'specify one of them',
    });
  }
  if (options.inPlace === true && options.import === undefined && options.abort !== true) {
    throw new AppError('Usage', '--in-place needs --import', { hint: 'add the certificate: --import FILE' });
  }
}

/** Options that name files of certificates and keys. */
const FILES = [
  'cert',
  'key',
  'import',
  'chain',
  'inPlace',
  'previousCert',
  'previousKey',
  'previousChain',
] as const;

/** What was given on the command line, read and judged. @throws AppError `Usage` */
export async function jobFlags(options: RotationOptions & CommonOptions): Promise<JobFlags> {
  assertTogether(options);
  const { probe, named } = parseProbes(options.probe ?? []);
  if (named.length > 0 && options.stage === undefined && options.target === undefined) {
    throw new AppError('Usage', '--probe for one API or backend needs --stage or --target', {
      hint: 'add one of them; apigw-cert.yaml has a probe for each target',
    });
  }
  if (options.import !== undefined && options.stage === undefined && options.target === undefined) {
    throw new AppError('Usage', '--import needs --stage or --target', { hint: 'add one of them' });
  }
  if (options.publish !== undefined && options.stage === undefined && options.target === undefined) {
    throw new AppError('Usage', '--publish needs --stage or --target', {
      hint: 'add one of them; apigw-cert.yaml has publish: for each target',
    });
  }
  const identity = FILES.some((name) => options[name] !== undefined)
    ? await (await import('./rotation-identity.js')).identityOf(options)
    : {};
  const roots = options.root === undefined ? undefined : await readNamed(options.root);
  const trust = await trustDescriptions(options.trust ?? [], options.reload);
  return {
    account: accountFlags(options),
    values: {
      ...flagValues({ ...options }),
      ...identity,
      trust: trust.length > 0 ? trust : undefined,
      probe,
      namedProbes: named.length > 0 ? named : undefined,
      to: options.to,
      roots: roots && Buffer.from(roots).toString('latin1'),
      publish: options.publish && publicationsFromFlags(options.publish),
    },
  };
}
