import type { Resource, RestApi, Stage } from '../../core/api-gateway.js';
import type { Gateway } from '../../gateway/gateway.js';

/** A gateway that asks for the APIs, and each API's stages and resources, once. */
export interface RememberingGateway extends Gateway {
  /** Asks for APIs and stages again from now on. Resources are kept: they only say how a backend can be asked. */
  forget(): void;
}

/**
 * One observation asks the same question in several places (which stage is meant, who shares the certificate); the
 * account's requests are too few to ask twice.
 */
export function remembering(gateway: Gateway): RememberingGateway {
  let apis: Promise<RestApi[]> | undefined;
  const stages = new Map<string, Promise<Stage[]>>();
  const resources = new Map<string, Promise<Resource[]>>();
  return {
    ...gateway,
    getRestApis: () => (apis ??= gateway.getRestApis()),
    getStages(restApiId) {
      const known = stages.get(restApiId) ?? gateway.getStages(restApiId);
      stages.set(restApiId, known);
      return known;
    },
    getResources(restApiId) {
      const known = resources.get(restApiId) ?? gateway.getResources(restApiId);
      resources.set(restApiId, known);
      return known;
    },
    forget() {
      apis = undefined;
      stages.clear();
    },
  };
}
