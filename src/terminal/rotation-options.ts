import type { Command } from 'commander';
import type { IdentityFiles } from '../certificates/client-identity.js';
import type { JobFlags } from '../rotation/engine/jobs.js';
import type { HeldIdentity, InPlace } from '../rotation/engine/ports.js';
import { AppError } from '../platform/errors.js';
import { parseProbes } from '../rotation/rules/probe.js';
import { publicationsFromFlags } from '../settings/publication.js';
import { flagValues, ROTATION_SETTINGS } from '../settings/table.js';
import { accountFlags } from './account.js';
import { collect, settingOption } from './command.js';
import type { CommonOptions } from './context.js';
import { renamedOption } from './deprecated.js';
import { identityFiles, readNamed } from './identity-files.js';
import type { StateOptions } from './state.js';
import { trustDescriptions } from './trust-options.js';

/** What a rotation is to be and how, under commander's names; those of the settings table are read by it. */
export interface RotationOptions {
  api?: string;
  stage?: string;
  target?: string;
  trust?: string[];
  reload?: string;
  probe?: string[];
  publish?: string[];
  to?: string;
  cert?: string;
  key?: string;
  root?: string;
  import?: string;
  chain?: string;
  inPlace?: boolean;
  previousCert?: string;
  previousKey?: string;
  previousChain?: string;
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
  ] as const;
  const clash = exclusive.find(([a, b]) => options[a] !== undefined && options[b] !== undefined);
  if (clash) {
    throw new AppError('Usage', `${clash.map(flagOf).join(' and ')} cannot be used together`, {
      hint: 'specify one of them',
    });
  }
  if (options.inPlace === true && options.import === undefined && options.abort !== true) {
    throw new AppError('Usage', '--in-place needs --import', { hint: 'add the certificate: --import FILE' });
  }
}

const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The certificate of `--cert` or `--import`, with its key. @throws AppError */
async function identityOf(
  options: RotationOptions,
): Promise<Pick<JobFlags['values'], 'identity' | 'importing' | 'inPlace'>> {
  const { cert, key, chain } = options;
  const isImport = options.import !== undefined;
  const inPlace = await inPlaceOf(options);
  if (chain !== undefined && !isImport) {
    throw new AppError('Usage', '--chain needs --import', { hint: 'add the certificate: --import FILE' });
  }
  if (isImport && key === undefined) {
    throw new AppError('Usage', '--import needs --key', { hint: 'add its private key: --key FILE' });
  }
  const own = options.import ?? cert;
  const files = await identityFiles({
    ...(own === undefined ? {} : { cert: own }),
    ...(key === undefined ? {} : { key }),
  });
  if (files === undefined) return { inPlace };
  const { identity, importing } = await held(files, chain);
  return { identity, ...(isImport ? { importing } : {}), inPlace };
}

/** What `--in-place` says. @throws AppError */
async function inPlaceOf(options: RotationOptions): Promise<InPlace | undefined> {
  const { inPlace, previousCert, previousKey, previousChain } = options;
  const given = (['previousCert', 'previousKey', 'previousChain'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (given === undefined) return inPlace === true ? {} : undefined;
  if (inPlace !== true) {
    throw new AppError('Usage', `${flagOf(given)} needs --in-place`, { hint: 'add --in-place' });
  }
  if (previousCert === undefined || previousKey === undefined) {
    throw new AppError('Usage', '--previous-cert and --previous-key must be specified together', {
      hint: 'specify both: --previous-cert old.pem --previous-key old.key',
    });
  }
  const files = { certificate: await readNamed(previousCert), privateKey: await readNamed(previousKey) };
  return { previous: await held(files, previousChain, '--previous-') };
}

/** @param chain a file whose certificates follow those of the certificate's file */
async function held(
  { certificate, privateKey }: IdentityFiles,
  chain: string | undefined,
  prefix = '--',
): Promise<HeldIdentity> {
  const { importedIdentity, presentedIdentity } = await import('../rotation/engine/identity.js');
  const { clientIdentity } = await import('../certificates/client-identity.js');
  const above = chain === undefined ? [] : [Buffer.from('\n'), await readNamed(chain)];
  const identity = clientIdentity(
    { certificate: Buffer.concat([certificate, ...above]), privateKey },
    prefix,
  );
  return { identity: presentedIdentity(identity), importing: importedIdentity(identity, new Date()) };
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
  if (options.import !== undefined && options.stage === undefined && options.target === undefined) {
    throw new AppError('Usage', '--import needs --stage or --target', { hint: 'add one of them' });
  }
  if (options.publish !== undefined && options.stage === undefined && options.target === undefined) {
    throw new AppError('Usage', '--publish needs --stage or --target', {
      hint: 'add one of them; apigw-cert.yaml has publish: for each target',
    });
  }
  const identity = await identityOf(options);
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
