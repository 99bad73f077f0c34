import pLimit from 'p-limit';
import { abandon } from '../aws/abandoned.js';
import type { RestApi, Stage, StagePresentation, StageRef } from './api-gateway.js';
import { AppError } from '../platform/errors.js';
import type { ControlPlane } from './control-plane.js';
import { untilAborted } from '../platform/until-aborted.js';
import type { RememberingControlPlane } from './remembering.js';

/**
 * Calls in progress at once. At AWS's 10 a second these keep the pace as long as an answer takes less than 1.6 s; more
 * would only wait for their turn, and what waits is the most of the memory that a look at a large account takes.
 */
const SIDE_BY_SIDE = 16;

/** What is told of a listing under way: how many calls are still needed once that is known, and each that is done. */
export interface StagesProgress {
  expect(calls: number): void;
  done(): void;
}

/**
 * Every stage of the account and Region, of REST and WebSocket APIs: one call a page of APIs of either kind, and one an
 * API, at the control plane's pace. An API that is deleted meanwhile has no stages.
 * @param signal ends it at once, with its reason: nothing but answers is lost
 */
export async function allStages(
  controlPlane: ControlPlane,
  progress?: StagesProgress,
  signal?: AbortSignal,
): Promise<{ apis: RestApi[]; stages: Stage[] }> {
  // Calls that wait for their turn are left behind.
  return untilAborted(
    signal,
    async () => stagesOfApis(controlPlane, await allApis(controlPlane), whole, progress, signal),
    abandon,
  );
}

/** As {@link allStages}, of each stage only what it presents: the rest of thousands of stages is most of their memory. */
export async function allPresentations(
  controlPlane: ControlPlane,
  progress?: StagesProgress,
): Promise<{ apis: RestApi[]; stages: StagePresentation[] }> {
  return stagesOfApis(controlPlane, await allApis(controlPlane), presentation, progress);
}

const allApis = async (controlPlane: ControlPlane): Promise<RestApi[]> =>
  (await Promise.all([controlPlane.getRestApis(), controlPlane.getWebSocketApis()])).flat();

const whole = (stage: Stage): Stage => stage;

const presentation = ({
  restApiId,
  stageName,
  protocolType,
  clientCertificateId,
}: Stage): StagePresentation => ({
  restApiId,
  stageName,
  ...(protocolType === undefined ? {} : { protocolType }),
  ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
});

/** Every stage of the WebSocket APIs alone: few accounts have many. */
export async function webSocketStages(
  controlPlane: ControlPlane,
): Promise<{ apis: RestApi[]; stages: Stage[] }> {
  return stagesOfApis(controlPlane, await controlPlane.getWebSocketApis(), whole);
}

async function stagesOfApis<T>(
  controlPlane: ControlPlane,
  apis: RestApi[],
  keep: (stage: Stage) => T,
  progress?: StagesProgress,
  signal?: AbortSignal,
): Promise<{ apis: RestApi[]; stages: T[] }> {
  progress?.expect(apis.length);
  const limit = pLimit(SIDE_BY_SIDE);
  const stages = await limit.map(apis, async (api) => {
    signal?.throwIfAborted();
    const found = (await stagesOf(controlPlane, api)).map(keep);
    progress?.done();
    return found;
  });
  return { apis, stages: stages.flat() };
}

/**
 * Some stages as they are now, with the fewest calls: one for each, or one for all of an API.
 * @throws AppError `StageNotFound`
 */
export async function stagesNow(
  controlPlane: Pick<RememberingControlPlane, 'getStage' | 'currentStages'>,
  wanted: readonly StageRef[],
): Promise<Stage[]> {
  const byApi = new Map<string, StageRef[]>();
  for (const stage of wanted) byApi.set(stage.restApiId, [...(byApi.get(stage.restApiId) ?? []), stage]);
  const found = await Promise.all(
    [...byApi.values()].map(async (its) => {
      const [{ restApiId: id, protocolType } = { restApiId: '' }] = its;
      const kind = protocolType === undefined ? {} : { protocolType };
      const all = its.length > 1 ? await controlPlane.currentStages({ id, ...kind }) : [];
      return Promise.all(
        // A list may come late: what it lacks is asked for itself.
        its.map(
          async (stage) =>
            all.find(({ stageName }) => stageName === stage.stageName) ??
            (await controlPlane.getStage(stage)),
        ),
      );
    }),
  );
  return found.flat();
}

/** The stages of one API of either kind. @throws AppError `StageNotFound` for an unknown API */
export function stagesOfApi(controlPlane: ControlPlane, { id, protocolType }: RestApi): Promise<Stage[]> {
  return protocolType === undefined ? controlPlane.getStages(id) : controlPlane.getWebSocketStages(id);
}

async function stagesOf(controlPlane: ControlPlane, api: RestApi): Promise<Stage[]> {
  try {
    return await stagesOfApi(controlPlane, api);
  } catch (error) {
    if (error instanceof AppError && error.code === 'StageNotFound') return [];
    throw error;
  }
}
