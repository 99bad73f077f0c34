import { notFound } from '../errors.js';
import type { Resource, RestApi, Stage, World } from '../model.js';

/** @throws ServiceError 404 */
export function findApi(world: World, id: string): RestApi {
  const api = world.apis.get(id);
  if (api === undefined) throw notFound(`Invalid API identifier specified ${world.account}:${id}`);
  return api;
}

/** @throws ServiceError 404 */
export function findResource(api: RestApi, id: string): Resource {
  const resource = api.resources.get(id);
  if (resource === undefined) throw notFound('Invalid Resource identifier specified');
  return resource;
}

/** @throws ServiceError 404 */
export function findStage(api: RestApi, name: string): Stage {
  const stage = api.stages.get(name);
  if (stage === undefined) throw notFound('Invalid stage identifier specified');
  return stage;
}
