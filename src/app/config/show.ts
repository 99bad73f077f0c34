/** What is in force, and what decided it: asked of the same functions that a run asks, never decided here. */
import { basename, dirname } from 'node:path';
import type { AwsSettings, Setting } from '../../aws/settings.js';
import { DEFAULT_THRESHOLDS } from '../../core/certificate-view.js';
import { durationText, type Threshold } from '../../core/duration.js';
import type { ExplainedAccount, FleetOrigin } from '../../core/fleet.js';
import type { ProbeRequest } from '../../core/rotation/probe.js';
import type { RotationSettings } from '../../core/rotation/settings.js';
import { stateDirectory } from '../../journal/state-directory.js';
import { namedProxies } from '../../net/proxy.js';
import { trustKind } from '../../trust/kinds/index.js';
import type { RotationJob, TrustDescription } from '../rotate/jobs.js';
import type { Path } from './problems.js';
import type { Configuration, Notification } from './schema.js';

/** The kinds of what may decide a setting. */
export type SettingSource = 'flag' | 'file' | 'environment' | 'profile' | 'default';

/** One setting in force. */
export interface ShownSetting {
  /** `targets.orders.soak` */
  setting: string;
  /** As it is written in a configuration, secrets left out; null: nothing says, or nothing is done. */
  value: string | null;
  source: SettingSource;
  /** What exactly: `--soak`, `apigw-cert.yaml:9`, `AWS_REGION`, `region of the profile "prod"`. */
  from: string;
}

/** The file that was read, if any. */
export interface ShownFile {
  /** Absolute. */
  file: string;
  /** Whether `--config` named it. */
  isNamed: boolean;
  configuration: Configuration;
  lineOf: (path: Path) => number;
}

/** The values of the common flags. */
export interface GivenFlags {
  profile?: string;
  region?: string;
  endpointUrl?: string;
}

type Explain = (path: Path) => Pick<ShownSetting, 'source' | 'from'>;

const DEFAULT = { source: 'default', from: 'default' } as const;

const flag = (name: string) => ({ source: 'flag', from: name }) as const;

const inFile =
  (read: ShownFile | undefined): Explain =>
  (path) =>
    read === undefined ? DEFAULT : { source: 'file', from: `${basename(read.file)}:${read.lineOf(path)}` };

/** The file itself, and where state is kept. */
export function placeSettings(
  read: ShownFile | undefined,
  env: NodeJS.ProcessEnv = process.env,
): ShownSetting[] {
  const directory = stateDirectory(env);
  const isOwn = directory.startsWith(`${env['XDG_STATE_HOME'] ?? ''}/`) && Boolean(env['XDG_STATE_HOME']);
  return [
    {
      setting: 'configuration',
      value: read?.file ?? null,
      ...(read?.isNamed === true
        ? flag('--config')
        : { ...DEFAULT, from: read ? `found in ${dirname(read.file)}` : 'no file is read' }),
    },
    {
      setting: 'state',
      value: directory,
      ...(isOwn ? { source: 'environment', from: 'XDG_STATE_HOME' } : DEFAULT),
    },
  ];
}

/**
 * How AWS is reached.
 * @param settings as a run would find them
 * @param given what the flags say; what they do not and the settings call a flag is the file's
 * @param keys where the file has the Region and the profile
 */
export function awsRows(
  settings: AwsSettings,
  given: GivenFlags,
  read: ShownFile | undefined,
  keys: { region: Path; profile: Path } = { region: ['region'], profile: ['profile'] },
  prefix = '',
): ShownSetting[] {
  const explain = inFile(read);
  const row = (
    setting: string,
    found: Setting<string> | undefined,
    unset: string,
    file?: { path: Path; flag: string | undefined },
  ): ShownSetting => {
    const name = `${prefix}${setting}`;
    if (found === undefined) return { setting: name, value: null, source: 'default', from: unset };
    const { from } = found;
    const value = setting === 'endpointUrl' ? safeUrl(found.value) : found.value;
    if (from.startsWith('--')) {
      return { setting: name, value, ...(file?.flag ? flag(from) : file ? explain(file.path) : flag(from)) };
    }
    if (from === 'default') return { setting: name, value, ...DEFAULT };
    return { setting: name, value, source: from.startsWith('AWS_') ? 'environment' : 'profile', from };
  };
  return [
    row('profile', settings.profile, '', { path: keys.profile, flag: given.profile }),
    row('region', settings.region, 'not set; on an EC2 instance it is its own', {
      path: keys.region,
      flag: given.region,
    }),
    row('endpointUrl', settings.endpoint('API Gateway'), "AWS's own"),
    row('caBundle', settings.caBundle, "Node.js's own authorities"),
  ];
}

/** The proxies of the environment. */
export function proxyRows(env: NodeJS.ProcessEnv = process.env): ShownSetting[] {
  return namedProxies(env).map((named) => {
    const [variable = '', host = ''] = named.split('=');
    return { setting: 'proxy', value: host, source: 'environment', from: variable };
  });
}

/** What list, check-expiry, inventory, report and prune look into, and who is notified. */
export function watchRows(
  accounts: readonly ExplainedAccount[],
  read: ShownFile | undefined,
): ShownSetting[] {
  const explain = inFile(read);
  const { thresholds, notify = [] } = read?.configuration ?? {};
  const decidedBy = (origin: FleetOrigin, index: number, option: string, variable: string) => {
    if (origin === 'flag') return flag(option);
    if (origin === 'environment') return { source: 'environment', from: variable } as const;
    if (origin === 'default') return DEFAULT;
    return explain(origin === 'account' ? ['accounts', index] : [origin]);
  };
  return [
    ...(['warning', 'critical'] as const).map((level): ShownSetting => ({
      setting: `thresholds.${level}`,
      value: thresholdText((thresholds ?? DEFAULT_THRESHOLDS)[level]),
      ...(thresholds === undefined ? DEFAULT : explain(['thresholds', level])),
    })),
    ...accounts.flatMap(({ account, origin, regionsOrigin }, index): ShownSetting[] => {
      const prefix = `accounts.${account.name}`;
      const access = [account.profile, account.roleArn].filter((part) => part !== undefined).join(', ');
      const { regions } = account;
      return [
        {
          setting: prefix,
          value: access || 'the credentials in use',
          ...decidedBy(origin, index, '--profile', 'AWS_PROFILE'),
        },
        {
          setting: `${prefix}.regions`,
          value: typeof regions === 'string' ? (regions === 'all' ? 'all' : null) : regions.join(', '),
          ...(regionsOrigin === 'default'
            ? { ...DEFAULT, from: 'the Region of the profile' }
            : decidedBy(regionsOrigin, index, '--region', 'AWS_REGION')),
        },
      ];
    }),
    ...notify.map((way, index): ShownSetting => ({
      setting: `notify[${index}]`,
      value: notificationText(way),
      ...explain(['notify', index]),
    })),
  ];
}

/** By the names of the configuration. What only flags can say has the flag's name. */
const SETTINGS: readonly (readonly [key: keyof RotationSettings, setting: string, option: string])[] = [
  ['renewBefore', 'renewBefore', '--renew-before'],
  ['probes', 'probe.count', '--probe-count'],
  ['settle', 'settle', '--settle'],
  ['soak', 'soak', '--soak'],
  ['inFlight', 'inFlight', '--in-flight'],
  ['keepOld', 'keepOld', '--keep-old'],
  ['redeploy', 'redeploy', '--redeploy'],
  ['onlyStage', 'onlyStage', '--only-stage'],
  ['allowDrift', 'allowDrift', '--allow-drift'],
  ['allowUncheckedBackend', 'allowUncheckedBackend', '--allow-unchecked-backend'],
  ['allowUnproved', 'allowUnproved', '--allow-unproved'],
  ['force', 'force', '--force'],
  ['wait', 'wait', '--no-wait'],
];

/** Where a job's entry is in the file, and its settings' prefix. */
const pathOf = ({ target }: RotationJob): Path => (target === undefined ? [] : ['targets', target]);
const prefixOf = ({ target }: RotationJob): string =>
  target === undefined ? 'rotate.' : `targets.${target}.`;

/** Where the file has what decides a job's account and Region. */
export function accountKeys(job: RotationJob): { prefix: string; keys: { region: Path; profile: Path } } {
  const at = (key: 'region' | 'profile'): Path =>
    job.origins[key] === 'target' ? [...pathOf(job), key] : [key];
  return { prefix: prefixOf(job), keys: { region: at('region'), profile: at('profile') } };
}

/** How one rotation would be done. */
export function jobRows(job: RotationJob, read: ShownFile | undefined): ShownSetting[] {
  const explain = inFile(read);
  const prefix = prefixOf(job);
  const decidedBy = (
    key: string,
    option: string,
    path: Path = [key],
  ): Pick<ShownSetting, 'source' | 'from'> => {
    const origin = job.origins[key] ?? 'default';
    if (origin === 'flag') return flag(option);
    if (origin === 'default') return DEFAULT;
    return explain(origin === 'target' ? [...pathOf(job), ...path] : path);
  };
  const { probe, namedProbes = [], probeUrl, to, trust, hooks } = job;
  return [
    {
      setting: `${prefix}stages`,
      value: job.addresses
        .map(({ api, stage }) => (api === undefined ? stage : `${api}/${stage}`))
        .join(', '),
      ...(job.target === undefined ? flag('--stage') : explain([...pathOf(job), 'stages'])),
    },
    ...trust.map((description, index): ShownSetting => ({
      setting: `${prefix}trust[${index}]`,
      value: descriptionText(description),
      ...decidedBy('trust', '--trust', ['trust', index]),
    })),
    ...(trust.length > 0
      ? []
      : [{ setting: `${prefix}trust`, value: null, source: 'default', from: 'not specified' } as const]),
    {
      setting: `${prefix}probe`,
      value: probe === undefined ? null : probeText(probe),
      ...(probe === undefined
        ? { ...DEFAULT, from: 'safe GET requests are chosen' }
        : decidedBy('probe', '--probe')),
    },
    ...namedProbes.map(({ of, ...call }): ShownSetting => ({
      setting: `${prefix}probe of ${of}`,
      value: probeText(call),
      ...flag('--probe'),
    })),
    {
      setting: `${prefix}probeUrl`,
      value: probeUrl === undefined ? null : safeUrl(probeUrl),
      ...decidedBy('probeUrl', '--probe-url'),
    },
    ...SETTINGS.map(([key, setting, option]): ShownSetting => ({
      setting: prefix + setting,
      value: settingText(key, job.settings),
      ...decidedBy(key, option, setting.split('.')),
    })),
    ...(to === undefined ? [] : [{ setting: `${prefix}to`, value: to, ...flag('--to') }]),
    ...Object.entries(hooks).map(([hook, command]): ShownSetting => ({
      setting: `${prefix}hooks.${hook}`,
      value: hook === 'timeout' ? String(command) : commandText(command),
      ...decidedBy('hooks', '', ['hooks', hook]),
    })),
  ];
}

const thresholdText = (threshold: Threshold): string =>
  threshold.kind === 'share' ? `${threshold.percent}%` : durationText(threshold.ms);

function settingText(key: keyof RotationSettings, settings: RotationSettings): string | null {
  if (key === 'renewBefore') return thresholdText(settings.renewBefore);
  const value = settings[key];
  if (value === undefined) return null;
  return typeof value === 'number' && key !== 'probes' ? durationText(value) : String(value);
}

// What may hold a secret: words of a command, users and queries of URLs, paths of webhooks.

/** A URL without its user and the values of its query. */
function safeUrl(text: string): string {
  if (!URL.canParse(text)) return '…';
  const { protocol, host, pathname, search } = new URL(text);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}${search === '' ? '' : '?…'}`;
}

function probeText({ method, path }: ProbeRequest): string {
  const [before = '', query] = path.split('?', 2);
  return `${method} ${before}${query === undefined ? '' : '?…'}`;
}

/** The program of a command. What may be an assignment of a shell's variable is left out too. */
function commandText(command: string | readonly string[] | undefined): string {
  const [first = '', ...rest] = typeof command === 'string' ? command.trim().split(/\s+/) : (command ?? []);
  const program = /^[\w./+-]+$/.test(first) ? first : '';
  return rest.length === 0 && program !== '' ? program : `${program} …`.trim();
}

function notificationText(way: Notification): string {
  if (way.kind === 'sns') return `sns:${way.topicArn}`;
  if (way.kind === 'webhook') return `webhook:${new URL(way.url).origin}/…`;
  return `command:${commandText(way.command)}`;
}

/** Of a trust store's options as much as is no secret. */
function descriptionText({ kind, ...rest }: TrustDescription): string {
  const { options = {} } = trustKind(kind) ?? {};
  const parts = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const role = options[key];
      if (role === 'name' || role === 'path') return `${key}: ${String(value)}`;
      if (role === 'url') return `${key}: ${safeUrl(String(value))}`;
      return `${key}: ${role === 'command' ? commandText(value as string | readonly string[]) : '…'}`;
    });
  return [kind, ...parts].join(', ');
}
