/** What a rotation of one target is handed: its own ways, and those of the targets that share its certificate. */
import { isTargetOf, type RotationJob, type TrustDescription } from '../app/rotate/jobs.js';
import type { RotationDeps, RotationRequest } from '../app/rotate/ports.js';
import type { RestApi, StageRef } from '../core/api-gateway.js';
import type { ProbeRequest } from '../core/rotation/probe.js';
import type { TrustStore } from '../trust/trust-store.js';
import { trustContext } from './trust-context.js';

/** What is asked of the rotation of one target, with the probes of all targets that may share its certificate. */
export function requestOf(job: RotationJob, target: StageRef, apis: readonly RestApi[]): RotationRequest {
  const { settings, probe, probeUrl, to, hooks, others } = job;
  const probeCalls = new Map<string, ProbeRequest>();
  for (const other of others) {
    for (const { id, name } of apis) {
      if (other.probe && (other.api === id || other.api === name)) probeCalls.set(id, other.probe);
    }
  }
  if (probe) probeCalls.set(target.restApiId, probe);
  return {
    settings,
    hooks,
    probeCalls,
    ...(probeUrl === undefined ? {} : { probeUrl }),
    ...(to === undefined ? {} : { to }),
    ...(job.target === undefined ? {} : { target: job.target }),
  };
}

/**
 * The trust stores of a job, and of the other targets that share its certificate, made when they are first needed: a run
 * with nothing due loads none of it.
 */
export function storesOf(
  { trust, others }: RotationJob,
  apis: readonly RestApi[],
  clear: () => void,
): RotationDeps['stores'] {
  const made = new Map<string, Promise<TrustStore[]>>();
  return (moving) => {
    const sharing = others.filter((other) => moving.some((stage) => isTargetOf(other, stage, apis)));
    const described = [...trust];
    for (const each of sharing.flatMap((other) => other.trust)) {
      // Two targets may name the same store.
      if (!described.some((known) => JSON.stringify(known) === JSON.stringify(each))) described.push(each);
    }
    const key = JSON.stringify(described);
    const stores = made.get(key) ?? make(described);
    made.set(key, stores);
    return stores;
  };

  async function make(descriptions: readonly TrustDescription[]): Promise<TrustStore[]> {
    const { openTrustStores } = await import('../app/rotate/stores.js');
    return openTrustStores(descriptions, trustContext(clear));
  }
}
