import pLimit from 'p-limit';
import type { RestApi, Stage } from '../core/api-gateway.js';
import { AppError } from '../core/errors.js';
import type { Gateway } from '../gateway/gateway.js';

/** Calls under way at once, as many as AWS takes in a burst: more would only wait for their turn in memory. */
const SIDE_BY_SIDE = 40;

/** What is told of a listing under way: how many calls are still needed once that is known, and each that is done. */
export interface StagesProgress {
  expect(calls: number): void;
  done(): void;
}

/**
 * Every stage of the account and Region: one call a page of APIs, and one an API, at the gateway's pace. An API that
 * is deleted meanwhile has no stages.
 */
export async function allStages(
  gateway: Gateway,
  progress?: StagesProgress,
): Promise<{ apis: RestApi[]; stages: Stage[] }> {
  const apis = await gateway.getRestApis();
  progress?.expect(apis.length);
  const limit = pLimit(SIDE_BY_SIDE);
  const stages = await limit.map(apis, async ({ id }) => {
    const found = await stagesOf(gateway, id);
    progress?.done();
    return found;
  });
  return { apis, stages: stages.flat() };
}

async function stagesOf(gateway: Gateway, restApiId: string): Promise<Stage[]> {
  try {
    return await gateway.getStages(restApiId);
  } catch (error) {
    if (error instanceof AppError && error.code === 'StageNotFound') return [];
    throw error;
  }
}
