import type { RestApi, Stage, StageRef } from '../../core/api-gateway.js';
import { AppError } from '../../core/errors.js';
import { isAcmArn } from '../../core/inventory.js';
import type { ProbeRequest } from '../../core/rotation/probe.js';
import { DEFAULT_SETTINGS, type RotationSettings } from '../../core/rotation/settings.js';
import type { Gateway } from '../../gateway/gateway.js';
import type { Configuration, Target as TargetConfig } from '../config/schema.js';
import { resolveStage, type StageAddress } from '../resolve-stage.js';
import { allStages } from '../stages.js';
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
  /** The other targets: one whose stage shares the certificate lends its trust stores and its probe. */
  others: readonly OtherTarget[];
  probeUrl?: string;
  to?: string;
  hooks: Hooks;
}

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
  probeUrl?: string;
  to?: string;
}

function settingsOf(
  target: Partial<TargetConfig>,
  configuration: Configuration,
  flags: JobFlags,
): RotationSettings {
  const {
    settle,
    soak,
    inFlight,
    keepOld,
    redeploy,
    onlyStage,
    allowDrift,
    allowUncheckedBackend,
    allowUnproved,
  } = target;
  const renewBefore = target.renewBefore ?? configuration.renewBefore;
  const probes = target.probe?.count;
  const configured = {
    renewBefore,
    probes,
    settle,
    soak,
    inFlight,
    keepOld,
    redeploy,
    onlyStage,
    allowDrift,
    allowUncheckedBackend,
    allowUnproved,
  };
  const given = Object.fromEntries(Object.entries(configured).filter(([, value]) => value !== undefined));
  return { ...DEFAULT_SETTINGS, ...given, ...flags.settings };
}

function probeOf({ probe }: TargetConfig): { probe?: ProbeRequest } {
  return probe === undefined ? {} : { probe: { method: probe.method ?? 'GET', path: probe.path } };
}

/** A target of the configuration as a job; flags go before it. */
export function targetJob(
  name: string,
  target: TargetConfig,
  configuration: Configuration,
  flags: JobFlags,
): RotationJob {
  const region = target.region ?? configuration.region;
  const profile = target.profile ?? configuration.profile;
  const probe = flags.probe ?? probeOf(target).probe;
  const probeUrl = flags.probeUrl ?? target.probeUrl;
  const others = Object.entries(configuration.targets ?? {}).flatMap(([key, other]): OtherTarget[] => {
    const isElsewhere =
      (other.region ?? configuration.region) !== region ||
      (other.profile ?? configuration.profile) !== profile;
    if (key === name || isElsewhere || flags.trust.length > 0) return [];
    return [{ api: other.api, stages: other.stages, trust: other.trust, ...probeOf(other) }];
  });
  return {
    target: name,
    others,
    addresses: target.stages.map((stage) => ({ api: target.api, stage })),
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    settings: settingsOf(target, configuration, flags),
    trust: flags.trust.length > 0 ? flags.trust : target.trust,
    ...(probe === undefined ? {} : { probe }),
    ...(probeUrl === undefined ? {} : { probeUrl }),
    ...(flags.to === undefined ? {} : { to: flags.to }),
    hooks: target.hooks ?? {},
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
    throw new AppError('Usage', 'nothing says what to rotate', {
      hint: 'name a stage (--stage orders/prod --trust pem-bundle:FILE), or write targets into apigw-cert.yaml',
    });
  }
  const chosen = name === undefined ? targets : targets.filter(([key]) => key === name);
  if (chosen.length === 0) {
    throw new AppError('Usage', `the configuration has no target "${name ?? ''}"`, {
      hint: `it has: ${targets.map(([key]) => key).join(', ')}`,
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
  const region = configuration?.region;
  const profile = configuration?.profile;
  return {
    addresses: [address],
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    settings: settingsOf({}, configuration ?? {}, flags),
    trust: flags.trust,
    others: [],
    ...(flags.probe === undefined ? {} : { probe: flags.probe }),
    ...(flags.probeUrl === undefined ? {} : { probeUrl: flags.probeUrl }),
    ...(flags.to === undefined ? {} : { to: flags.to }),
    hooks: {},
  };
}

/** A certificate in use: a stage that presents it, and all ways of writing any stage that does. */
export interface UsedCertificate {
  address: StageAddress;
  names: string[];
}

/** Every certificate in use: a rotation moves all stages that share one. ACM's certificates renew themselves. */
export async function everyCertificate(gateway: Gateway): Promise<UsedCertificate[]> {
  const { apis, stages } = await allStages(gateway);
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
