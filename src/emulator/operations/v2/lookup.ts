import { notFound } from '../../errors.js';
import type { V2Api, V2Integration, V2Stage, World } from '../../model.js';

/** @throws ServiceError 404 */
export function findApi(world: World, id: string): V2Api {
  const api = world.v2Apis.get(id);
  if (api === undefined) throw notFound(`Invalid API identifier specified ${world.account}:${id}`);
  return api;
}

/** @throws ServiceError 404 */
export function findIntegration(api: V2Api, id: string): V2Integration {
  const integration = api.integrations.get(id);
  if (integration === undefined) throw notFound('Invalid Integration identifier specified');
  return integration;
}

/** @throws ServiceError 404 */
export function findStage(api: V2Api, name: string): V2Stage {
  const stage = api.stages.get(name);
  if (stage === undefined) throw notFound('Invalid stage identifier specified');
  return stage;
}
