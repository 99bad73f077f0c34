import type { Integration, Resource, RestApi, Stage } from '../../core/api-gateway.js';
import type { Gateway } from '../../gateway/gateway.js';

/** A gateway that asks for the APIs, and each API's stages, resources and integrations, once. */
export interface RememberingGateway extends Gateway {
  /** Asks for APIs and stages again from now on. Resources and integrations are kept: they only say how a backend can be asked. */
  forget(): void;
}

/**
 * One observation asks the same question in several places (which stage is meant, who shares the certificate); the
 * account's requests are too few to ask twice.
 */
export function remembering(gateway: Gateway): RememberingGateway {
  const apis = new Map<string, Promise<RestApi[]>>();
  const stages = new Map<string, Promise<Stage[]>>();
  const webSocketApis = new Map<string, Promise<RestApi[]>>();
  const webSocketStages = new Map<string, Promise<Stage[]>>();
  const resources = new Map<string, Promise<Resource[]>>();
  const integrations = new Map<string, Promise<Integration[]>>();
  /** Asks once; a failure is not remembered. */
  function once<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
    const asked =
      known.get(key) ??
      ask().catch((error: unknown) => {
        known.delete(key);
        throw error;
      });
    known.set(key, asked);
    return asked;
  }
  return {
    ...gateway,
    getRestApis: () => once(apis, '', () => gateway.getRestApis()),
    getStages: (restApiId) => once(stages, restApiId, () => gateway.getStages(restApiId)),
    getWebSocketApis: () => once(webSocketApis, '', () => gateway.getWebSocketApis()),
    getWebSocketStages: (apiId) => once(webSocketStages, apiId, () => gateway.getWebSocketStages(apiId)),
    getResources: (restApiId) => once(resources, restApiId, () => gateway.getResources(restApiId)),
    getWebSocketIntegrations: (apiId) =>
      once(integrations, apiId, () => gateway.getWebSocketIntegrations(apiId)),
    forget() {
      for (const known of [apis, stages, webSocketApis, webSocketStages]) known.clear();
    },
  };
}
