/** What a rotation of one target is handed: its own ways, and those of the targets that share its certificate. */
import { randomBytes } from 'node:crypto';
import { isTargetOf, type PublishedTarget, type RotationJob, type TrustDescription } from './jobs.js';
import { sameStage } from './observe.js';
import type { Acknowledger, PublishingTarget, RotationDeps } from './ports.js';
import type { RestApi, Stage, StageRef } from '../../control-plane/api-gateway.js';
import type { Caller } from '../../control-plane/caller.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { AppError } from '../../platform/errors.js';
import { openedOnce } from '../../platform/opened-once.js';
import type { Publication } from '../../publications/publication.js';
import { openReports } from '../../acknowledgements/reports.js';
import { parseReportPlace, type AcknowledgeSettings } from '../../settings/report-place.js';
import type { StateAccess } from '../../state/connect.js';
import type { TrustContext } from '../../trust/context.js';
import { underJournalName, type TrustStore } from '../../trust/trust-store.js';

/**
 * The trust stores of a job, and of the other targets that share its certificate, made when they are first needed: a run
 * with nothing due loads none of it.
 */
export function storesOf(
  { trust, others }: RotationJob,
  apis: readonly RestApi[],
  context: TrustContext,
): RotationDeps['stores'] {
  const made = new Map<string, Promise<TrustStore>>();
  return async (moving, changed) => {
    const own = await Promise.all(trust.map(open));
    const lent = await Promise.all(
      others.flatMap((other) => {
        const isSharing = moving.some((stage) => isTargetOf(other, stage, apis));
        if (!isSharing && changed.length === 0) return [];
        return other.trust.map(async (description) => {
          const store = await open(description);
          // One that a rotation has changed stays its own, even when the stage that lent it presents something else by now.
          return isSharing || changed.includes(underJournalName(store, changed).name) ? [store] : [];
        });
      }),
    );
    // Two targets may describe the same store; what one target names twice is for the gates to say.
    const stores = [...own, ...new Set(lent.flat().filter((store) => !own.includes(store)))];
    return stores.map((store) => underJournalName(store, changed));
  };

  function open(description: TrustDescription): Promise<TrustStore> {
    const key = JSON.stringify(description);
    const store = made.get(key) ?? make(description);
    made.set(key, store);
    return store;
  }

  async function make(description: TrustDescription): Promise<TrustStore> {
    const { openTrustStore } = await import('./stores.js');
    return openTrustStore(description, context);
  }
}

const ACKNOWLEDGED_WITHIN = 15 * 60_000;

/**
 * The hosts behind a job's target, and behind the other targets that share its certificate.
 * @param access how the account of the reports is reached
 */
export function acknowledgersOf(
  { acknowledge, others }: RotationJob,
  apis: readonly RestApi[],
  access: StateAccess,
): RotationDeps['acknowledgers'] {
  const made = new Map<AcknowledgeSettings, Acknowledger>();
  const open = (settings: AcknowledgeSettings): Acknowledger => {
    const { hosts, reports, timeout = ACKNOWLEDGED_WITHIN } = settings;
    const known = made.get(settings) ?? {
      reports: openReports(parseReportPlace(reports), access),
      hosts: hosts === 'all' ? 1 : hosts,
      timeout,
    };
    made.set(settings, known);
    return known;
  };
  return (moving) => [
    ...(acknowledge ? [open(acknowledge)] : []),
    ...others.flatMap((other) =>
      other.acknowledge && moving.some((stage) => isTargetOf(other, stage, apis))
        ? [open(other.acknowledge)]
        : [],
    ),
  ];
}

/**
 * The targets that publish an id, for the rotation of one certificate.
 * @param named the stages that the job names, as they were read
 * @param region of the account's control plane
 */
export function publishingOf(
  { publishing, account }: Pick<RotationJob, 'publishing' | 'account'>,
  {
    target,
    named,
    apis,
    region,
  }: { target: Stage; named: readonly Stage[]; apis: readonly RestApi[]; region: string },
): RotationDeps['publishing'] {
  if (publishing.length === 0) return undefined;
  const { profile, roleArn, externalId } = account;
  const place = {
    region,
    ...(profile === undefined ? {} : { profile }),
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(externalId === undefined ? {} : { externalId }),
  };
  return publishing.map((published): PublishingTarget => {
    const { isOwn, stages, publish } = published;
    const has =
      stages.length === 0
        ? (stage: StageRef) => sameStage(stage, target)
        : (stage: StageRef) => isTargetOf(published, stage, apis);
    let opened: Promise<readonly Publication[]> | undefined;
    return {
      isOwn,
      has,
      stages: (controlPlane) => stagesOf(published, named.filter(has), apis, controlPlane),
      publications: () =>
        (opened ??= import('../../publications/open.js').then(({ openPublication }) =>
          publish.map((entry) => openPublication(entry, place)),
        )),
    };
  });
}

/** The stages of a target: those that are known, and the others, which are asked for. One that does not exist is left out. */
async function stagesOf(
  { api, stages }: PublishedTarget,
  known: readonly Stage[],
  apis: readonly RestApi[],
  controlPlane: Parameters<PublishingTarget['stages']>[0],
): Promise<Stage[]> {
  const found = apis.find(({ id, name }) => id === api || name === api);
  const missing = stages.filter((name) => !known.some(({ stageName }) => stageName === name));
  if (found === undefined || missing.length === 0) return [...known];
  const { id: restApiId, protocolType } = found;
  const read = await Promise.all(
    missing.map((stageName) =>
      controlPlane
        .getStage({ restApiId, stageName, ...(protocolType === undefined ? {} : { protocolType }) })
        .catch((error: unknown) => {
          if (error instanceof AppError && error.code === 'StageNotFound') return undefined;
          throw error;
        }),
    ),
  );
  return [...known, ...read.filter((stage) => stage !== undefined)];
}

/** The stack that switches the stages of a job. Nothing is opened until it is used. */
export function stackOf(
  { switch: settings, account }: Pick<RotationJob, 'switch' | 'account'>,
  controlPlane: Pick<ControlPlane, 'region'> & { caller: () => Promise<Pick<Caller, 'endpoint'>> },
): RotationDeps['stack'] {
  if (settings === undefined) return undefined;
  const { profile, roleArn, externalId } = account;
  const stack = openedOnce(async () => {
    const { openStack } = await import('../../stacks/aws.js');
    return openStack(settings.cloudformation, {
      region: controlPlane.region,
      ...(profile === undefined ? {} : { profile }),
      ...(roleArn === undefined ? {} : { roleArn }),
      ...(externalId === undefined ? {} : { externalId }),
      endpointOfStages: async () => (await controlPlane.caller()).endpoint,
    });
  });
  return {
    settings,
    name: settings.cloudformation,
    describe: async () => (await stack()).describe(),
    template: async () => (await stack()).template(),
    update: async (input) => (await stack()).update(input),
    events: async (token) => (await stack()).events(token),
  };
}

/** A new rotation's id: sorts by time, and says when it was made. */
export function newRotationId(now: Date): string {
  return `${now.toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;
}

/** Asks a stage as its clients do, through the proxies of the environment. @returns the status, or 0 without an answer */
export async function askStage(url: string): Promise<number> {
  const { sendRequest } = await import('../../net/request.js');
  return sendRequest(new URL(url), { timeoutMs: 30_000 }).catch(() => 0);
}
