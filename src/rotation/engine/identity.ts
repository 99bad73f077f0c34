import type { ClientIdentity } from '../../certificates/client-identity.js';
import { REFUSING_STATUSES } from '../../control-plane/execution-log.js';
import { AppError } from '../../platform/errors.js';
import type { Presented, PresentedIdentity } from './ports.js';

const TIMEOUT_MS = 10_000;

/** A certificate that can be presented to backends from this machine, its key out of everybody's reach. */
export const presentedIdentity = (identity: ClientIdentity): PresentedIdentity => ({
  fingerprintSha256: identity.fingerprintSha256,
  async present(url): Promise<Presented> {
    const { tlsProbe } = await import('../../net/tls-probe.js');
    try {
      const { admission } = await tlsProbe(new URL(url), { identity, timeoutMs: TIMEOUT_MS });
      if (admission.kind === 'refused') return { outcome: 'refused', status: 0, detail: admission.reason };
      if (admission.kind === 'unclear') return { outcome: 'unknown', status: 0, detail: admission.reason };
      const { status } = admission;
      if (status < 400) return { outcome: 'accepted', status };
      return { outcome: REFUSING_STATUSES.has(status) ? 'refused' : 'unknown', status };
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'BackendUnreachable') throw error;
      return { outcome: 'unknown', status: 0, detail: error.message };
    }
  },
});
