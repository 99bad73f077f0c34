import type { RestApi, Stage } from '../core/api-gateway.js';
import type { Gateway } from '../gateway/gateway.js';
import { AppError } from '../core/errors.js';

/** Calls under way at once: API Gateway allows an account 10 a second and a burst of 40 over all callers. */
const CONCURRENCY = 8;

/**
 * Every stage of the account and Region: one call a page of APIs, and one an API. An API that is deleted meanwhile
 * has no stages.
 */
export async function allStages(gateway: Gateway): Promise<{ apis: RestApi[]; stages: Stage[] }> {
  const apis = await gateway.getRestApis();
  const stages: Stage[][] = [];
  const remaining = apis.entries();
  const worker = async (): Promise<void> => {
    for (const [index, { id }] of remaining) stages[index] = await stagesOf(gateway, id);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
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
