import { listText } from '../../platform/list-text.js';
import type { RestApi, Stage, StageRef } from '../../control-plane/api-gateway.js';
import { AppError } from '../../platform/errors.js';
import type { ProbeRequest } from '../rules/probe.js';
import { DEFAULT_SETTINGS, type RotationSettings } from '../../settings/rotation.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import {
  accountKey,
  accountOfRole,
  resolveAccount,
  resolveAll,
  type AccountFlags,
  type Origins,
  type ResolvedAccount,
  type Said,
} from '../../settings/resolve.js';
import type { Configuration as AnyConfiguration, Target as AnyTarget } from '../../settings/schema.js';
import type { PublicationSettings } from '../../settings/publication.js';
import type { AcknowledgeSettings } from '../../settings/report-place.js';
import type { StackSwitchSettings } from '../../settings/stack-switch.js';
import { resolveStage, type StageAddress } from '../../control-plane/resolve-stage.js';
import type { AccountLook } from './observed-account.js';
import type { RotationRequest } from './ports.js';

/** A trust store as flags and configuration describe it; `createTrustStore` reads it. */
export type TrustDescription = Readonly<Record<string, unknown>> & { kind: string };

export type Configuration = AnyConfiguration<TrustDescription>;
export type TargetConfig = AnyTarget<TrustDescription>;

/** What more than one place may decide of a target, beside what {@link RotationRequest} has. */
interface Surroundings {
  trust: readonly TrustDescription[];
  /** The call that proves the backend of its API. */
  probe?: ProbeRequest | undefined;
  /** Where the id of the certificate in use is published. */
  publish: readonly PublicationSettings[];
  /** The hosts whose word is waited for. */
  acknowledge?: AcknowledgeSettings | undefined;
  /** The stack that owns the stages and switches them. */
  switch?: StackSwitchSettings | undefined;
  /** Someone has to approve the switch. */
  approve?: 'before-switch' | undefined;
}

/** Everything of a target that more than one place may decide. `to` may be `generated`. */
export type Decided = RotationSettings &
  Omit<RotationRequest, 'settings' | 'target' | 'toGenerated'> &
  Surroundings;

/** One certificate to look after: the stages that present it are found through these, and how it is to be done. */
export interface RotationJob extends RotationRequest, Surroundings {
  /** Empty with `--all`, where `stages` are known already. */
  addresses: readonly StageAddress[];
  account: ResolvedAccount;
  /** The other targets: one whose stage shares the certificate lends its trust stores and its probe. */
  others: readonly OtherTarget[];
  /**
   * The targets of the account and Region that publish an id, its own included: a rotation may move their stages too,
   * whatever flags say of trust stores.
   */
  publishing: readonly PublishedTarget[];
  /** The targets of other accounts and Regions: their stages may be in front of the same backends. */
  remote: readonly TargetElsewhere[];
  /** Which layer decided each setting; what nobody decided is not in it. */
  origins: Origins<Decided>;
}

/** As much of a target as a rotation of another one needs. */
export interface OtherTarget {
  /** Name or id. */
  api: string;
  stages: readonly string[];
  trust: readonly TrustDescription[];
  probe?: ProbeRequest;
  acknowledge?: AcknowledgeSettings;
}

/** A target of another account or Region. */
export interface TargetElsewhere extends Pick<OtherTarget, 'api' | 'stages' | 'trust'> {
  /** Its name in the configuration. */
  target: string;
  account: ResolvedAccount;
}

/** A target whose certificate's id is published. */
export interface PublishedTarget extends Pick<OtherTarget, 'api' | 'stages'> {
  /** Whether it is the job's own; with `--publish` that is what flags name as the stage. */
  isOwn: boolean;
  publish: readonly PublicationSettings[];
}

/** Whether a target is about a stage. @param apis all APIs, for their names */
export function isTargetOf(
  { api, stages }: Pick<OtherTarget, 'api' | 'stages'>,
  { restApiId, stageName }: StageRef,
  apis: readonly RestApi[],
): boolean {
  if (!stages.includes(stageName)) return false;
  return api === restApiId || apis.some(({ id, name }) => id === restApiId && name === api);
}

/**
 * The calls that prove backends, by the API's id: those of all targets, since one may share the certificate, and first of
 * all the job's own.
 */
export function probeCallsOf(
  { probe, others }: Pick<RotationJob, 'probe' | 'others'>,
  { restApiId }: Pick<StageRef, 'restApiId'>,
  apis: readonly RestApi[],
): Map<string, ProbeRequest> {
  const calls = new Map<string, ProbeRequest>();
  for (const other of others) {
    for (const { id, name } of apis) {
      if (other.probe && (other.api === id || other.api === name)) calls.set(id, other.probe);
    }
  }
  if (probe) calls.set(restApiId, probe);
  return calls;
}

/** What flags say. */
export interface JobFlags {
  account: AccountFlags;
  values: Said<Decided>;
}

/** What `--to` says instead of an id for a new certificate that API Gateway generates. */
const GENERATED = 'generated';

/** Keys of a target that say what it is about, or are written otherwise. */
const NOT_DECIDED: ReadonlySet<string> = new Set([
  'api',
  'stages',
  'region',
  'profile',
  'roleArn',
  'externalId',
  'probe',
]);

/** A job but for what it works on: by flags, the target's own entry, the top level of the file, and the defaults. */
function jobOf(
  target: Partial<TargetConfig>,
  { renewBefore, managedBy }: Configuration,
  flags: JobFlags,
): Omit<RotationJob, 'account' | 'addresses' | 'others' | 'publishing' | 'remote'> {
  const own = Object.entries(target).filter(([key]) => !NOT_DECIDED.has(key));
  const { values, origins } = resolveAll<Decided>({
    flag: flags.values,
    target: { ...Object.fromEntries(own), ...probeOf(target), probes: target.probe?.count },
    file: { renewBefore, managedBy },
    default: { ...DEFAULT_SETTINGS, trust: [], hooks: {}, publish: [] },
  });
  const { trust = [], hooks = {}, publish = [], to, ...decided } = values;
  const { probe, namedProbes, probeUrl, roots, identity, importing, inPlace, ...others } = decided;
  const { acknowledge, approve, switch: stack, ...settings } = others;
  return {
    settings: { ...DEFAULT_SETTINGS, ...settings },
    ...(to === GENERATED ? { toGenerated: true } : { to }),
    ...{ probe, namedProbes, probeUrl, roots, identity, importing, inPlace, hooks },
    ...{ trust, publish, acknowledge, approve, switch: stack },
    origins,
  };
}

function probeOf({ probe }: Partial<TargetConfig>): { probe?: ProbeRequest } {
  return probe === undefined ? {} : { probe: { method: probe.method ?? 'GET', path: probe.path } };
}

type Place = Pick<ResolvedAccount, 'profile' | 'roleArn' | 'region'>;

/** Whether both are reached without a role, or each with a role of the same account. */
const isSameRole = ({ roleArn: one }: Place, { roleArn: other }: Place): boolean =>
  one === other || (one !== undefined && other !== undefined && accountOfRole(one) === accountOfRole(other));

/** Whether nothing says that two are of different accounts or Regions; what neither says is the environment's. */
export const isSameAccount = (one: Place, other: Place): boolean =>
  isSameRole(one, other) &&
  (one.profile ?? other.profile) === (other.profile ?? one.profile) &&
  (one.region ?? other.region) === (other.region ?? one.region);

/** A target of the configuration as a job; flags go before it. */
export function targetJob(
  name: string,
  target: TargetConfig,
  configuration: Configuration,
  flags: JobFlags,
): RotationJob {
  const account = resolveAccount(flags.account, configuration, target);
  const others = Object.entries(configuration.targets ?? {}).flatMap(([key, other]): OtherTarget[] => {
    const isElsewhere =
      (other.region ?? configuration.region) !== account.region ||
      (other.profile ?? configuration.profile) !== account.profile ||
      !isSameRole(other, account);
    if (key === name || isElsewhere || flags.values.trust !== undefined) return [];
    const { api, stages, trust, acknowledge } = other;
    return [{ api, stages, trust, ...probeOf(other), ...(acknowledge === undefined ? {} : { acknowledge }) }];
  });
  const job = jobOf(target, configuration, flags);
  return {
    ...job,
    account,
    target: name,
    others,
    publishing: publishingOf(job, configuration, account, name),
    remote: remoteOf(configuration, account),
    addresses: target.stages.map((stage) => ({ api: target.api, stage })),
  };
}

/** @param name of the job's own target; what `--publish` says is about the stage that flags name */
function publishingOf(
  { publish, origins }: Pick<RotationJob, 'publish' | 'origins'>,
  { targets = {}, profile: topProfile, region: topRegion }: Configuration,
  account: ResolvedAccount,
  name?: string,
): PublishedTarget[] {
  const own = name === undefined ? undefined : targets[name];
  const isFlagged = origins.publish === 'flag';
  const owns =
    own !== undefined && !isFlagged ? { api: own.api, stages: own.stages } : { api: '', stages: [] };
  const others = Object.entries(targets).flatMap(
    ([
      key,
      { api, stages, publish: its, profile = topProfile, roleArn, region = topRegion },
    ]): PublishedTarget[] =>
      its === undefined ||
      key === name ||
      !isSameAccount(withoutUndefined({ profile, roleArn, region }), account)
        ? []
        : [{ api, stages, publish: its, isOwn: false }],
  );
  return [...(publish.length === 0 ? [] : [{ ...owns, publish, isOwn: true }]), ...others];
}

/**
 * The targets that are reached otherwise than the job. One that does not say how is reached as flags say for the job, but
 * not as the job's own target does: without flags, the environment decides.
 */
function remoteOf(configuration: Configuration, job: ResolvedAccount): TargetElsewhere[] {
  const profile = job.origins.profile === 'flag' ? job.profile : undefined;
  const region = job.origins.region === 'flag' ? job.region : undefined;
  return Object.entries(configuration.targets ?? {}).flatMap(([target, { api, stages, trust, ...place }]) => {
    const account = {
      ...withoutUndefined({ profile, region }),
      ...resolveAccount({}, configuration, place),
    };
    return accountKey(account) === accountKey(job) ? [] : [{ target, api, stages, trust, account }];
  });
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

export const withoutUndefined = <T extends Record<string, string | undefined>>(
  values: T,
): { [K in keyof T]?: string } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== '')) as {
    [K in keyof T]?: string;
  };

/** A target with its name in the configuration. */
export type NamedTarget = readonly [name: string, target: TargetConfig];

/** Where a stage that is named by flags belongs. */
export interface FoundTarget {
  account: ResolvedAccount;
  /** The one target of the configuration that is about it. */
  target?: NamedTarget;
}

/** The job of one stage. The target that it belongs to says how, where flags do not. */
export function stageJob(
  address: StageAddress,
  configuration: Configuration | undefined,
  flags: JobFlags,
  { account, target }: FoundTarget,
): RotationJob {
  if (configuration && target)
    return { ...targetJob(target[0], target[1], configuration, flags), account, addresses: [address] };
  const job = jobOf({}, configuration ?? {}, flags);
  const publishing = publishingOf(job, configuration ?? {}, account);
  const remote = remoteOf(configuration ?? {}, account);
  return { ...job, others: [], publishing, remote, account, addresses: [address] };
}

/** The stages that share a certificate: one of them, and all ways of writing any of them. */
export interface SharingStages {
  address: StageAddress;
  names: string[];
}

/** Every certificate in use: a rotation moves all stages that share one. */
export function everyCertificate({ apis, stages }: Pick<AccountLook, 'apis' | 'stages'>): SharingStages[] {
  const apiNames = new Map(apis.map(({ id, name }) => [id, name]));
  const used = new Map<string, SharingStages>();
  for (const { restApiId, stageName, clientCertificateId: id } of stages) {
    if (id === undefined) continue;
    const known = used.get(id) ?? { address: { api: restApiId, stage: stageName }, names: [] };
    known.names.push(`${restApiId}/${stageName}`, `${apiNames.get(restApiId) ?? ''}/${stageName}`);
    used.set(id, known);
  }
  return [...used.values()];
}

/** The stages that a job names, and of them one for each certificate that they present. */
export async function targetsOf(
  controlPlane: ControlPlane,
  addresses: readonly StageAddress[],
): Promise<{ targets: Stage[]; stages: Stage[] }> {
  const stages = await Promise.all(addresses.map((address) => resolveStage(controlPlane, address)));
  const first = new Map<string, Stage>();
  for (const stage of stages) {
    const key = stage.clientCertificateId ?? `none ${stage.restApiId}/${stage.stageName}`;
    if (!first.has(key)) first.set(key, stage);
  }
  return { targets: [...first.values()], stages };
}

/**
 * The APIs whose names a job uses. The WebSocket APIs are only asked for where one of its stages, or another target, is
 * of none of the REST APIs.
 */
export async function apisOf(
  controlPlane: ControlPlane,
  stages: readonly StageRef[],
  others: readonly Pick<OtherTarget, 'api'>[],
): Promise<RestApi[]> {
  const rest = await controlPlane.getRestApis();
  const isRest = (api: string): boolean => rest.some(({ id, name }) => id === api || name === api);
  const isEnough =
    stages.every(({ protocolType }) => protocolType === undefined) && others.every(({ api }) => isRest(api));
  return isEnough ? rest : [...rest, ...(await controlPlane.getWebSocketApis())];
}
