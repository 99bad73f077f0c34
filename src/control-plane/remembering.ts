import type { ClientCertificate, Integration, Resource, RestApi, Stage } from './api-gateway.js';
import type { ControlPlane } from './control-plane.js';

/** A control plane that asks for the APIs, and each API's stages, resources and integrations, once. */
export interface RememberingControlPlane extends ControlPlane {
  /** Asks for APIs and stages again from now on. Resources and integrations are kept: they only say how a backend can be asked. */
  forget(): void;
  /** The stages of an API of either kind as they are now. Throws `StageNotFound`. */
  currentStages(api: Pick<RestApi, 'id' | 'protocolType'>): Promise<Stage[]>;
  /**
   * All certificates, as a list showed them that is at most as old as AWS's lists may be anyway, and than the last
   * change of a certificate through this control plane.
   */
  knownCertificates(): Promise<ClientCertificate[]>;
}

/** How long AWS may go on showing what was before a write, in milliseconds. */
export const STALE = 15_000;

/**
 * One observation asks the same question in several places (which stage is meant, who shares the certificate); the
 * account's requests are too few to ask twice.
 */
export function remembering(controlPlane: ControlPlane, now: () => Date): RememberingControlPlane {
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
  let certificates: { list: ClientCertificate[]; at: number } | undefined;
  let changes = 0;
  const changing = async <T>(change: () => Promise<T>): Promise<T> => {
    try {
      return await change();
    } finally {
      changes += 1;
      certificates = undefined;
    }
  };
  return {
    ...controlPlane,
    async knownCertificates() {
      const at = now().getTime();
      if (certificates && at - certificates.at < STALE) return certificates.list;
      const before = changes;
      const list = await controlPlane.getClientCertificates();
      if (before === changes) certificates = { list, at };
      return list;
    },
    generateClientCertificate: (input) => changing(() => controlPlane.generateClientCertificate(input)),
    updateClientCertificate: (id, description) =>
      changing(() => controlPlane.updateClientCertificate(id, description)),
    deleteClientCertificate: (id) => changing(() => controlPlane.deleteClientCertificate(id)),
    tagClientCertificate: (id, tags) => changing(() => controlPlane.tagClientCertificate(id, tags)),
    untagClientCertificate: (id, tagKeys) => changing(() => controlPlane.untagClientCertificate(id, tagKeys)),
    getRestApis: () => once(apis, '', () => controlPlane.getRestApis()),
    getStages: (restApiId) => once(stages, restApiId, () => controlPlane.getStages(restApiId)),
    getWebSocketApis: () => once(webSocketApis, '', () => controlPlane.getWebSocketApis()),
    getWebSocketStages: (apiId) => once(webSocketStages, apiId, () => controlPlane.getWebSocketStages(apiId)),
    async currentStages({ id, protocolType }) {
      const [known, ask] =
        protocolType === undefined
          ? [stages, () => controlPlane.getStages(id)]
          : [webSocketStages, () => controlPlane.getWebSocketStages(id)];
      const current = await ask();
      known.set(id, Promise.resolve(current));
      return current;
    },
    getResources: (restApiId) => once(resources, restApiId, () => controlPlane.getResources(restApiId)),
    getWebSocketIntegrations: (apiId) =>
      once(integrations, apiId, () => controlPlane.getWebSocketIntegrations(apiId)),
    forget() {
      for (const known of [apis, stages, webSocketApis, webSocketStages]) known.clear();
    },
  };
}
