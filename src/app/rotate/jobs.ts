import { listText } from '../../core/stages-text.js';
import type { RestApi, Stage, StageRef } from '../../core/api-gateway.js';
import { AppError } from '../../core/errors.js';
import { isAcmArn } from '../../core/inventory.js';
import type { NamedProbe, ProbeRequest } from '../../core/rotation/probe.js';
import { DEFAULT_SETTINGS, type RotationSettings } from '../../core/rotation/settings.js';
import type { Gateway } from '../../gateway/gateway.js';
import type { Configuration, Target as TargetConfig } from '../config/schema.js';
import { resolveStage, type StageAddress } from '../resolve-stage.js';
import type { AccountLook } from './observed-account.js';
import type { Hooks } from './ports.js';

/** A trust store as flags and configuration describe it; `createTrustStore` reads it. */
export type TrustDescription = Readonly<Record<string, unknown>> & { kind: string };

/** One certificate to look after: the stages that present it are found through these, and how it is to be done. */
export interface RotationJob {
  /** The target's name in the configuration. */
  target?: string;
  /** Empty with `--all`, where `stages` are known already. */
  addresses: readonly StageAddress[];
  region?: string;
  profile?: string;
  settings: RotationSettings;
  trust: readonly TrustDescription[];
  probe?: ProbeRequest;
  /** Calls for single APIs or backends. */
  namedProbes?: readonly NamedProbe[];
  /** The other targets: one whose stage shares the certificate lends its trust stores and its probe. */
  others: readonly OtherTarget[];
  probeUrl?: string;
  to?: string;
  hooks: Hooks;
  /** What decided each of the above; what nobody decided is not in it. */
  origins: JobOrigins;
}

/** By the names that {@link RotationJob} and its settings have. */
export type JobOrigins = Readonly<Partial<Record<string, Origin>>>;

/** As much of a target as a rotation of another one needs. */
export interface OtherTarget {
  /** Name or id. */
  api: string;
  stages: readonly string[];
  trust: readonly TrustDescription[];
  probe?: ProbeRequest;
}

/** Whether a target is about a stage. @param apis all APIs, for their names */
export function isTargetOf(
  { api, stages }: OtherTarget,
  { restApiId, stageName }: StageRef,
  apis: readonly RestApi[],
): boolean {
  if (!stages.includes(stageName)) return false;
  return api === restApiId || apis.some(({ id, name }) => id === restApiId && name === api);
}

/** What flags say, each only where it was given; it goes before the configuration. */
export interface JobFlags {
  settings: Partial<RotationSettings>;
  trust: readonly TrustDescription[];
  probe?: ProbeRequest;
  namedProbes?: readonly NamedProbe[];
  probeUrl?: string;
  to?: string;
}

/** What decided a setting of a job: a flag, the target's own entry, the top level of the file, or nobody. */
export type Origin = 'flag' | 'target' | 'file' | 'default';

/** Everything of a job that more than one place may decide. */
type Decided = RotationSettings &
  Pick<RotationJob, 'region' | 'profile' | 'trust' | 'probe' | 'namedProbes' | 'probeUrl' | 'to' | 'hooks'>;

type Layer = readonly [Origin, { readonly [K in keyof Decided]?: Decided[K] | undefined }];

/** The only precedence: what the first layer that says anything says. @param layers first one first */
function decide(layers: readonly Layer[]): { decided: Decided; origins: JobOrigins } {
  const entries = layers.toReversed().flatMap(([origin, values]) =>
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, { value, origin }] as const),
  );
  const found = [...new Map(entries)];
  return {
    // The default layer has all that must be there.
    decided: Object.fromEntries(found.map(([key, { value }]) => [key, value])) as unknown as Decided,
    origins: Object.fromEntries(found.map(([key, { origin }]) => [key, origin])),
  };
}

/** The layers of one job, those of no target's where it is the entry of none. */
function layersOf(
  target: Partial<TargetConfig>,
  { renewBefore, region, profile }: Configuration,
  flags: JobFlags,
): readonly Layer[] {
  const { settings, trust, probe, namedProbes, probeUrl, to } = flags;
  const own = Object.fromEntries(
    Object.entries(target).filter(([key]) => key !== 'api' && key !== 'stages' && key !== 'probe'),
  ) as Omit<Partial<TargetConfig>, 'api' | 'stages' | 'probe'>;
  return [
    ['flag', { ...settings, probe, namedProbes, probeUrl, to, trust: trust.length > 0 ? trust : undefined }],
    ['target', { ...own, probes: target.probe?.count, probe: probeOf(target).probe }],
    ['file', { renewBefore, region, profile }],
    ['default', { ...DEFAULT_SETTINGS, trust: [], hooks: {} }],
  ];
}

/** A job but for what it works on. */
function jobOf(
  target: Partial<TargetConfig>,
  configuration: Configuration,
  flags: JobFlags,
): Omit<RotationJob, 'addresses' | 'others'> {
  const { decided, origins } = decide(layersOf(target, configuration, flags));
  const { region, profile, trust, probe, namedProbes, probeUrl, to, hooks, ...settings } = decided;
  return {
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    settings,
    trust,
    ...(probe === undefined ? {} : { probe }),
    ...(namedProbes === undefined ? {} : { namedProbes }),
    ...(probeUrl === undefined ? {} : { probeUrl }),
    ...(to === undefined ? {} : { to }),
    hooks,
    origins,
  };
}

function probeOf({ probe }: Partial<TargetConfig>): { probe?: ProbeRequest } {
  return probe === undefined ? {} : { probe: { method: probe.method ?? 'GET', path: probe.path } };
}

/** A target of the configuration as a job; flags go before it. */
export function targetJob(
  name: string,
  target: TargetConfig,
  configuration: Configuration,
  flags: JobFlags,
): RotationJob {
  const job = jobOf(target, configuration, flags);
  const others = Object.entries(configuration.targets ?? {}).flatMap(([key, other]): OtherTarget[] => {
    const isElsewhere =
      (other.region ?? configuration.region) !== job.region ||
      (other.profile ?? configuration.profile) !== job.profile;
    if (key === name || isElsewhere || flags.trust.length > 0) return [];
    return [{ api: other.api, stages: other.stages, trust: other.trust, ...probeOf(other) }];
  });
  return {
    ...job,
    target: name,
    others,
    addresses: target.stages.map((stage) => ({ api: target.api, stage })),
  };
}

/** The jobs of the whole configuration, or of the one target named. @throws AppError `Usage` */
export function configuredJobs(
  configuration: Configuration | undefined,
  name: string | undefined,
  flags: JobFlags,
): RotationJob[] {
  const targets = Object.entries(configuration?.targets ?? {});
  if (configuration === undefined || targets.length === 0) {
    throw new AppError('Usage', 'no stage to rotate is specified', {
      hint: 'specify a stage (--stage orders/prod --trust pem-bundle:FILE), or define targets in apigw-cert.yaml',
    });
  }
  const chosen = name === undefined ? targets : targets.filter(([key]) => key === name);
  if (chosen.length === 0) {
    throw new AppError('Usage', `the configuration has no target "${name ?? ''}"`, {
      hint: `available targets: ${listText(targets.map(([key]) => key))}`,
    });
  }
  return chosen.map(([key, target]) => targetJob(key, target, configuration, flags));
}

/** Whether a target is about a stage that is written in one of these ways; `prod` alone is any API's. */
function isAbout({ api, stages }: TargetConfig, names: readonly string[]): boolean {
  return stages.some((stage) => names.includes(`${api}/${stage}`) || names.includes(stage));
}

/**
 * The job of one stage named by flags. The one target of the configuration that is about it lends its ways.
 *
 * @param names all ways of writing the stage, and those that share its certificate, where more is known than the address
 */
export function stageJob(
  address: StageAddress,
  configuration: Configuration | undefined,
  flags: JobFlags,
  names: readonly string[] = [address.api === undefined ? address.stage : `${address.api}/${address.stage}`],
): RotationJob {
  const about = Object.entries(configuration?.targets ?? {}).filter(([, target]) => isAbout(target, names));
  const [name, target] = (about.length === 1 ? about[0] : undefined) ?? [];
  if (configuration && name !== undefined && target) {
    return { ...targetJob(name, target, configuration, flags), addresses: [address] };
  }
  return { ...jobOf({}, configuration ?? {}, flags), addresses: [address], others: [] };
}

/** A certificate in use: a stage that presents it, and all ways of writing any stage that does. */
export interface UsedCertificate {
  address: StageAddress;
  names: string[];
}

/** Every certificate in use: a rotation moves all stages that share one. ACM's certificates renew themselves. */
export function everyCertificate({ apis, stages }: Pick<AccountLook, 'apis' | 'stages'>): UsedCertificate[] {
  const apiNames = new Map(apis.map(({ id, name }) => [id, name]));
  const used = new Map<string, UsedCertificate>();
  for (const { restApiId, stageName, clientCertificateId: id } of stages) {
    if (id === undefined || isAcmArn(id)) continue;
    const known = used.get(id) ?? { address: { api: restApiId, stage: stageName }, names: [] };
    known.names.push(`${restApiId}/${stageName}`, `${apiNames.get(restApiId) ?? ''}/${stageName}`);
    used.set(id, known);
  }
  return [...used.values()];
}

/** The stages that a job names, one for each certificate that they present. */
export async function targetsOf(gateway: Gateway, addresses: readonly StageAddress[]): Promise<Stage[]> {
  const stages = await Promise.all(addresses.map((address) => resolveStage(gateway, address)));
  const first = new Map<string, Stage>();
  for (const stage of stages) {
    const key = stage.clientCertificateId ?? `none ${stage.restApiId}/${stage.stageName}`;
    if (!first.has(key)) first.set(key, stage);
  }
  return [...first.values()];
}

/**
 * The APIs whose names a job uses. The WebSocket APIs are only asked for where one of its stages, or another target, is
 * of none of the REST APIs.
 */
export async function apisOf(
  gateway: Gateway,
  stages: readonly StageRef[],
  others: readonly OtherTarget[],
): Promise<RestApi[]> {
  const rest = await gateway.getRestApis();
  const isRest = (api: string): boolean => rest.some(({ id, name }) => id === api || name === api);
  const isEnough =
    stages.every(({ protocolType }) => protocolType === undefined) && others.every(({ api }) => isRest(api));
  return isEnough ? rest : [...rest, ...(await gateway.getWebSocketApis())];
}
