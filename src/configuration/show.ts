/** What is in force, and what decided it: asked of the same functions that a run asks, never decided here. */
import { basename, dirname } from 'node:path';
import type { AwsSettings, Setting } from '../aws/settings.js';
import { DEFAULT_THRESHOLDS } from '../control-plane/certificate-view.js';
import type { ProbeRequest } from '../rotation/rules/probe.js';
import { stateDirectory } from '../platform/state-directory.js';
import { namedProxies } from '../net/proxy.js';
import { trustKind } from '../trust/kinds/index.js';
import type { RotationJob, TrustDescription } from '../rotation/engine/jobs.js';
import type { Path } from '../settings/problems.js';
import type { ExplainedAccount, FleetOrigin, Layer } from '../settings/resolve.js';
import type { PublicationSettings } from '../settings/publication.js';
import type { StatePlace } from '../settings/state-place.js';
import type { Notification } from '../settings/schema.js';
import {
  flagName,
  ROTATION_SETTINGS,
  settingsOf,
  STATE_SETTINGS,
  thresholdText,
  valueText,
  type RotationKey,
} from '../settings/table.js';
import type { LoadedConfiguration } from './load.js';

/** The kinds of what may decide a setting. */
export type SettingSource = 'flag' | 'file' | 'environment' | 'profile' | 'default';

/** One setting in force. */
export interface ShownSetting {
  /** `targets.orders.soak` */
  setting: string;
  /** As it is written in a configuration, secrets left out; absent: nothing says, or nothing is done. */
  value?: string;
  source: SettingSource;
  /** What exactly: `--soak`, `apigw-cert.yaml:9`, `AWS_REGION`, `region of the profile "prod"`. */
  from: string;
}

/** The file that was read, if any. */
export type ShownFile = LoadedConfiguration;

type Explain = (path: Path) => Pick<ShownSetting, 'source' | 'from'>;

const valued = (value: string | undefined): Pick<ShownSetting, 'value'> =>
  value === undefined ? {} : { value };

const DEFAULT = { source: 'default', from: 'default' } as const;

const flag = (name: string) => ({ source: 'flag', from: name }) as const;

const inFile =
  (read: ShownFile | undefined): Explain =>
  (path) =>
    read === undefined ? DEFAULT : { source: 'file', from: `${basename(read.file)}:${read.lineOf(path)}` };

/** The place of the state, and what named it. */
export interface ShownPlace {
  place: StatePlace;
  layer: Layer;
}

/** The state as `--state` and `state:` write it. */
function placeText(place: StatePlace): string {
  if (place.kind === 'folder') return place.directory;
  if (place.kind === 'dynamodb') return `dynamodb:${place.table}`;
  return `s3://${place.bucket}${place.prefix === '' ? '' : `/${place.prefix}`}`;
}

function stateRow(
  state: ShownPlace | undefined,
  read: ShownFile | undefined,
  env: NodeJS.ProcessEnv,
): ShownSetting {
  if (state) {
    const from = state.layer === 'flag' ? flag(flagName(STATE_SETTINGS.state)) : inFile(read)(['state']);
    return { setting: 'state', value: placeText(state.place), ...from };
  }
  const directory = stateDirectory(env);
  const isOwn = directory.startsWith(`${env['XDG_STATE_HOME'] ?? ''}/`) && Boolean(env['XDG_STATE_HOME']);
  return {
    setting: 'state',
    value: directory,
    ...(isOwn ? { source: 'environment', from: 'XDG_STATE_HOME' } : DEFAULT),
  };
}

/** The file itself, and where state is kept. @param state where a flag or the file names it */
export function placeSettings(
  read: ShownFile | undefined,
  state?: ShownPlace,
  env: NodeJS.ProcessEnv = process.env,
): ShownSetting[] {
  return [
    {
      setting: 'configuration',
      ...valued(read?.file),
      ...(read?.isNamed === true
        ? flag('--config')
        : { ...DEFAULT, from: read ? `found in ${dirname(read.file)}` : 'no file is read' }),
    },
    stateRow(state, read, env),
  ];
}

/**
 * How AWS is reached.
 * @param settings as a run finds them
 * @param fromFile what in the file says the profile and the Region, as the settings were told
 */
export function awsRows(
  settings: AwsSettings,
  fromFile: { readonly profile?: string; readonly region?: string } = {},
  prefix = '',
): ShownSetting[] {
  const row = (setting: string, found: Setting<string> | undefined, unset: string): ShownSetting => {
    const name = `${prefix}${setting}`;
    if (found === undefined) return { setting: name, source: 'default', from: unset };
    const { from } = found;
    const value = setting === 'endpointUrl' ? safeUrl(found.value) : found.value;
    const sourceOf = (): SettingSource => {
      if (from.startsWith('--')) return 'flag';
      if (from === fromFile.profile || from === fromFile.region) return 'file';
      if (from === 'default') return 'default';
      return from.startsWith('AWS_') ? 'environment' : 'profile';
    };
    return { setting: name, value, source: sourceOf(), from };
  };
  return [
    row('profile', settings.profile, ''),
    row('region', settings.region, 'not set; on an EC2 instance it is its own'),
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
          ...(regions === 'default' ? {} : { value: regions === 'all' ? regions : regions.join(', ') }),
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

/** Where a job's entry is in the file, and its settings' prefix. */
const pathOf = ({ target }: RotationJob): Path => (target === undefined ? [] : ['targets', target]);

/** What the settings of a job are called: `targets.orders.`, or `rotate.` where it is of no target. */
export const prefixOf = ({ target }: Pick<RotationJob, 'target'>): string =>
  target === undefined ? 'rotate.' : `targets.${target}.`;

/** How one rotation would be done. */
export function jobRows(job: RotationJob, read: ShownFile | undefined): ShownSetting[] {
  const explain = inFile(read);
  const prefix = prefixOf(job);
  const decidedBy = (
    key: keyof RotationJob['origins'],
    option: string,
    path: Path = [key],
  ): Pick<ShownSetting, 'source' | 'from'> => {
    const origin: Layer = job.origins[key] ?? 'default';
    if (origin === 'flag') return flag(option);
    if (origin === 'default') return DEFAULT;
    return explain(origin === 'target' ? [...pathOf(job), ...path] : path);
  };
  const { account, approve, probe, namedProbes = [], probeUrl, trust, hooks, publish, acknowledge } = job;
  const { switch: stack, to = job.toGenerated ? 'generated' : undefined } = job;
  return [
    {
      setting: `${prefix}stages`,
      value: job.addresses
        .map(({ api, stage }) => (api === undefined ? stage : `${api}/${stage}`))
        .join(', '),
      ...(job.target === undefined ? flag('--stage') : explain([...pathOf(job), 'stages'])),
    },
    ...(account.roleArn === undefined
      ? []
      : [
          {
            setting: `${prefix}roleArn`,
            value: account.roleArn,
            ...explain([
              ...(account.entry === undefined ? pathOf(job) : ['accounts', account.entry]),
              'roleArn',
            ]),
          },
        ]),
    ...trust.map((description, index): ShownSetting => ({
      setting: `${prefix}trust[${index}]`,
      value: descriptionText(description),
      ...decidedBy('trust', '--trust', ['trust', index]),
    })),
    ...(trust.length > 0
      ? []
      : [{ setting: `${prefix}trust`, source: 'default', from: 'not specified' } as const]),
    {
      setting: `${prefix}probe`,
      ...(probe === undefined
        ? { ...DEFAULT, from: 'safe GET requests are chosen' }
        : { value: probeText(probe), ...decidedBy('probe', '--probe') }),
    },
    ...namedProbes.map(({ of, ...call }): ShownSetting => ({
      setting: `${prefix}probe of ${of}`,
      value: probeText(call),
      ...flag('--probe'),
    })),
    ...settingsOf<RotationKey>(ROTATION_SETTINGS).map(([key, setting]): ShownSetting => {
      const value = key === 'probeUrl' ? probeUrl : job.settings[key];
      const { yaml = key, type } = setting;
      return {
        setting: prefix + yaml,
        ...(value === undefined
          ? {}
          : { value: typeof value === 'string' && type === 'url' ? safeUrl(value) : valueText(value, type) }),
        ...decidedBy(key, flagName(setting), yaml.split('.')),
      };
    }),
    ...publish.map((entry, index): ShownSetting => ({
      setting: `${prefix}publish[${index}]`,
      value: publicationText(entry),
      ...decidedBy('publish', '--publish', ['publish', index]),
    })),
    ...Object.entries<string | number>({ ...acknowledge }).map(([key, value]): ShownSetting => ({
      setting: `${prefix}acknowledge.${key}`,
      value: key === 'timeout' ? valueText(value, 'duration') : String(value),
      ...decidedBy('acknowledge', '', ['acknowledge', key]),
    })),
    ...Object.entries({ ...stack }).map(([key, value]): ShownSetting => ({
      setting: `${prefix}switch.${key}`,
      value: String(value),
      ...decidedBy('switch', '', ['switch', key]),
    })),
    ...(approve === undefined
      ? []
      : [{ setting: `${prefix}approve`, value: approve, ...decidedBy('approve', '') }]),
    ...(to === undefined ? [] : [{ setting: `${prefix}to`, value: to, ...flag('--to') }]),
    ...Object.entries(hooks).map(([hook, command]): ShownSetting => ({
      setting: `${prefix}hooks.${hook}`,
      value: hook === 'timeout' ? String(command) : commandText(command),
      ...decidedBy('hooks', '', ['hooks', hook]),
    })),
  ];
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

function publicationText(entry: PublicationSettings): string {
  if (entry.kind === 'command') return `command:${commandText(entry.set)}`;
  if (entry.kind === 'file') return `file:${entry.file}`;
  const { parameter, region, profile, endpointUrl } = entry;
  return [
    `ssm:${parameter}`,
    ...(region === undefined ? [] : [`region: ${region}`]),
    ...(profile === undefined ? [] : [`profile: ${profile}`]),
    ...(endpointUrl === undefined ? [] : [`endpointUrl: ${safeUrl(endpointUrl)}`]),
  ].join(', ');
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
