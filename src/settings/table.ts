/**
 * Every setting once. From this come the options of the commands, the keys of `apigw-cert.yaml` and their JSON Schema, the
 * tables of docs/configuration.md, and the defaults. Which of several values counts is decided in resolve.ts alone.
 */
import { durationText, parseDuration, parseThreshold, type Threshold } from '../platform/duration.js';
import { AppError } from '../platform/errors.js';
import { DEFAULT_SETTINGS, MANAGERS, type Manager, type RotationSettings } from './rotation.js';
import { parseStatePlace } from './state-place.js';

/** What the types of settings hold once they are read. */
export interface ValueTypes {
  text: string;
  region: string;
  /** Milliseconds. */
  duration: number;
  threshold: Threshold;
  count: number;
  boolean: boolean;
  url: string;
  redeploy: 'never' | 'always';
  manager: Manager;
  /** As it is written; see `parseStatePlace`. */
  state: string;
}

export type ValueType = keyof ValueTypes;

/** What is wrong with a value, and what would be right. */
const refuse = (flag: string, text: string, what: string, hint: string): AppError =>
  new AppError('Usage', `${flag} "${text}" is not ${what}`, { hint });

/** From 1 to 100, as a proof may be repeated. */
export const MOST_PROBES = 100;

const REDEPLOY = ['never', 'always'] as const;

/** How a value that was typed after a flag is read, by its type. @throws AppError */
const PARSERS: { readonly [T in ValueType]: (text: string, flag: string) => ValueTypes[T] } = {
  text: (text) => text,
  region: (text) => text,
  duration: parseDuration,
  threshold: parseThreshold,
  boolean: () => true,
  count: (text, flag) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= MOST_PROBES) return value;
    throw refuse(flag, text, 'a number of calls', `specify a number from 1 to ${MOST_PROBES}`);
  },
  state: (text) => {
    parseStatePlace(text);
    return text;
  },
  url: (text, flag) => {
    if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
    throw refuse(flag, text, 'an http or https URL', 'write it in full: https://api.example.com/health');
  },
  redeploy: (text, flag) => {
    const found = REDEPLOY.find((each) => each === text);
    if (found !== undefined) return found;
    throw refuse(flag, text, 'one of never, always', 'specify never or always');
  },
  manager: (text, flag) => {
    const found = MANAGERS.find((each) => each === text);
    if (found !== undefined) return found;
    throw refuse(flag, text, 'a tool that is known', `specify ${MANAGERS.join(', ')}`);
  },
};

/** One setting. */
export interface Setting<Type extends ValueType = ValueType> {
  type: Type;
  /** What it is and does: in `--help`, in the JSON Schema and in docs/configuration.md. */
  help: string;
  /** As commander writes it: `--soak <duration>`. */
  flag?: string;
  /** Its key in the file, where that is not its name: `probe.count`. */
  yaml?: string;
  /** Where the file may have it: in a target, at the top level, or both; absent: flags alone. */
  in?: readonly ('target' | 'top')[];
  /** Variables of the environment that say it, first one first. */
  variables?: readonly string[];
  /** The key of an AWS profile that says it. */
  ofProfile?: string;
  /** What holds where nobody says anything. */
  default?: ValueTypes[Type] | undefined;
  /** The default in words, where it is not a value. */
  defaultText?: string;
  /** A value for the documents. */
  example?: string;
}

/** How AWS is reached. */
export const ACCOUNT_SETTINGS = {
  profile: {
    type: 'text',
    flag: '--profile <name>',
    in: ['target', 'top'],
    variables: ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'],
    help: 'profile of the shared AWS configuration',
  },
  region: {
    type: 'region',
    flag: '--region <name>',
    in: ['target', 'top'],
    variables: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
    ofProfile: 'region',
    help: 'AWS Region',
    example: 'eu-west-1',
  },
  endpointUrl: {
    type: 'url',
    flag: '--endpoint-url <url>',
    variables: ['AWS_ENDPOINT_URL_API_GATEWAY', 'AWS_ENDPOINT_URL'],
    ofProfile: 'endpoint_url',
    help: 'another API Gateway, such as the emulator',
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** Where rotations are recorded, who may work on them, and what was notified. */
export const STATE_SETTINGS = {
  state: {
    type: 'state',
    flag: '--state <place>',
    in: ['top'],
    defaultText: 'a folder of this user',
    help: 'where rotations, locks and notifications are recorded: a folder, or, shared by machines, dynamodb:TABLE or s3://BUCKET/PREFIX',
    example: 'dynamodb:apigw-cert',
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** How a rotation is done: what can be said in one value. Trust stores, probes and hooks are in the schema. */
export const ROTATION_SETTINGS = {
  probes: {
    type: 'count',
    flag: '--probe-count <n>',
    yaml: 'probe.count',
    in: ['target'],
    default: DEFAULT_SETTINGS.probes,
    help: 'consecutive successful test calls required; a load balancer hides hosts, so take a few times their number',
  },
  probeUrl: {
    type: 'url',
    flag: '--probe-url <url>',
    in: ['target'],
    help: "the stage's own URL, requested as a client would during the soak",
    example: 'https://api.example.com/health',
  },
  settle: {
    type: 'duration',
    flag: '--settle <duration>',
    in: ['target'],
    default: DEFAULT_SETTINGS.settle,
    help: 'how long to wait for every host of the backend to pick up a trust store change',
  },
  soak: {
    type: 'duration',
    flag: '--soak <duration>',
    in: ['target'],
    default: DEFAULT_SETTINGS.soak,
    help: 'how long the new certificate is in use before the old one is removed',
  },
  inFlight: {
    type: 'duration',
    flag: '--in-flight <duration>',
    in: ['target'],
    default: DEFAULT_SETTINGS.inFlight,
    help: 'how long a call to AWS whose answer was lost may still take effect',
  },
  keepOld: {
    type: 'duration',
    flag: '--keep-old <duration>',
    in: ['target'],
    defaultText: 'not at all',
    help: 'how long the old certificate stays trusted and undeleted after the switch; a later run removes it',
    example: '7d',
  },
  wait: {
    type: 'boolean',
    flag: '--no-wait',
    default: DEFAULT_SETTINGS.wait,
    help: 'do not wait for the soak: exit 75, and a later run continues',
  },
  renewBefore: {
    type: 'threshold',
    flag: '--renew-before <threshold>',
    in: ['target', 'top'],
    default: DEFAULT_SETTINGS.renewBefore,
    help: 'renew when this much validity is left, such as 30d or 33% of the lifetime',
    example: '30d',
  },
  force: {
    type: 'boolean',
    flag: '--force',
    default: DEFAULT_SETTINGS.force,
    help: 'rotate now, due or not',
  },
  onlyStage: {
    type: 'boolean',
    flag: '--only-stage',
    in: ['target'],
    default: DEFAULT_SETTINGS.onlyStage,
    help: 'rotate the specified stages alone; the old certificate stays for the others that present it',
  },
  managedBy: {
    type: 'manager',
    flag: '--managed-by <tool>',
    in: ['target', 'top'],
    defaultText: 'by the tags',
    help: 'what manages the stage and its certificate: cloudformation, terraform, or sam or serverless, which cannot set a certificate',
    example: 'terraform',
  },
  allowDrift: {
    type: 'boolean',
    flag: '--allow-drift',
    in: ['target'],
    default: DEFAULT_SETTINGS.allowDrift,
    help: 'change a stage or certificate that CloudFormation or Terraform manages, although its next update may revert it',
  },
  allowUncheckedBackend: {
    type: 'boolean',
    flag: '--allow-unchecked-backend',
    in: ['target'],
    default: DEFAULT_SETTINGS.allowUncheckedBackend,
    help: 'rotate even if the backend accepts requests without a certificate, or with another one',
  },
  allowUnproved: {
    type: 'boolean',
    flag: '--allow-unproved',
    in: ['target'],
    default: DEFAULT_SETTINGS.allowUnproved,
    help: 'rotate even if no safe GET request, nor the probe, reaches a backend',
  },
  redeploy: {
    type: 'redeploy',
    flag: '--redeploy <when>',
    in: ['target'],
    default: DEFAULT_SETTINGS.redeploy,
    help: 'never, or always: deploy the stage after the switch, which publishes unfinished edits of the API',
  },
  watchRenewal: {
    type: 'boolean',
    flag: '--watch-renewal',
    in: ['target'],
    default: DEFAULT_SETTINGS.watchRenewal,
    help: 'change nothing; check that the backends are ready for the renewal that ACM makes, and test them until the soak after it is over',
  },
} as const satisfies Readonly<Record<keyof RotationSettings, Setting> & Record<string, Setting>>;

export type AccountKey = keyof typeof ACCOUNT_SETTINGS;
export type RotationKey = keyof typeof ROTATION_SETTINGS;

/** What a rotation's settings hold. */
export type RotationValues = {
  -readonly [K in RotationKey]?: ValueTypes[(typeof ROTATION_SETTINGS)[K]['type']];
};

/** Every setting, as a plain list. @returns in the order of `--help` */
export const settingsOf = <Key extends string>(
  table: Readonly<Record<Key, Setting>>,
): readonly (readonly [Key, Setting])[] => Object.entries(table) as [Key, Setting][];

/** The name of a flag without its value: `--soak`. */
export const flagName = ({ flag = '' }: Pick<Setting, 'flag'>): string => flag.split(' ')[0] ?? '';

/** A threshold as it would be written: `30d`, `33%`. */
export const thresholdText = (threshold: Threshold): string =>
  threshold.kind === 'share' ? `${threshold.percent}%` : durationText(threshold.ms);

/** A value as it would be written. */
export function valueText(value: ValueTypes[ValueType], type: ValueType): string {
  if (type === 'duration') return durationText(value as number);
  return typeof value === 'object' ? thresholdText(value) : String(value);
}

/** The default as it would be written; nothing where there is none worth telling. */
export function defaultText({ type, default: value, defaultText: words }: Setting): string | undefined {
  if (words !== undefined) return words;
  return value === undefined ? undefined : valueText(value, type);
}

/** The help of a flag, with its default. */
export function helpText(setting: Setting): string {
  const text = setting.type === 'boolean' ? undefined : defaultText(setting);
  return text === undefined ? setting.help : `${setting.help} (default: ${text})`;
}

/** Where commander keeps an option: `inFlight` of `--in-flight`, `wait` of `--no-wait`. */
const optionKey = (setting: Setting): string =>
  flagName(setting)
    .replace(/^--(no-)?/, '')
    .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/**
 * What flags say of a rotation's settings.
 * @param options under commander's names, as they were written
 * @throws AppError `Usage`
 */
export function flagValues(options: Readonly<Record<string, unknown>>): RotationValues {
  const given = settingsOf<RotationKey>(ROTATION_SETTINGS).flatMap(
    ([key, setting]): (readonly [RotationKey, unknown])[] => {
      const value = options[optionKey(setting)];
      const isNegated = flagName(setting).startsWith('--no-');
      if (setting.type === 'boolean') return value === !isNegated ? [[key, value] as const] : [];
      return typeof value === 'string'
        ? [[key, PARSERS[setting.type](value, flagName(setting))] as const]
        : [];
    },
  );
  return Object.fromEntries(given);
}
