import type { RestApi, StagePresentation } from './api-gateway.js';
import { apiNamesOf, namedStage, type NamedStage } from './named-stage.js';

/** Client certificates that an account may hold in a Region, unless AWS raised it (API Gateway quotas). */
export const DEFAULT_CERTIFICATE_QUOTA = 60;

/** Which stages present which certificates. */
export interface Inventory {
  /** By certificate id, every id of the account once, in the order given. Empty for an unused certificate. */
  usedBy: ReadonlyMap<string, readonly NamedStage[]>;
  /** Ids that no stage presents. */
  unused: readonly string[];
  /** How many more can be made; 0 also when there are more than `quota`, since AWS can raise it. */
  quotaLeft: number;
  /**
   * Stages whose certificate is not among the account's client certificates. `acm`: one of ACM, which API Gateway takes
   * since September 2026. `unknown`: deleted, or not readable.
   */
  elsewhere: readonly (NamedStage & { clientCertificateId: string; kind: 'acm' | 'unknown' })[];
}

/** Whether what a stage names as its certificate is the ARN of an ACM certificate. */
export function isAcmArn(clientCertificateId: string): boolean {
  return /^arn:[^:]+:acm:/.test(clientCertificateId);
}

/** Joins an account's certificates with all its stages. */
export function inventory({
  certificates,
  apis,
  stages,
  quota = DEFAULT_CERTIFICATE_QUOTA,
}: {
  certificates: readonly { clientCertificateId: string }[];
  apis: readonly RestApi[];
  stages: readonly StagePresentation[];
  quota?: number;
}): Inventory {
  const apiNames = apiNamesOf(apis);
  const usedBy = new Map<string, NamedStage[]>(
    certificates.map(({ clientCertificateId }) => [clientCertificateId, []]),
  );
  const elsewhere: Inventory['elsewhere'][number][] = [];
  for (const stage of stages) {
    const { clientCertificateId } = stage;
    if (clientCertificateId === undefined) continue;
    const use = namedStage(stage, apiNames);
    const uses = usedBy.get(clientCertificateId);
    if (uses) uses.push(use);
    else {
      const kind = isAcmArn(clientCertificateId) ? 'acm' : 'unknown';
      elsewhere.push({ ...use, clientCertificateId, kind });
    }
  }
  return {
    usedBy,
    unused: [...usedBy].filter(([, uses]) => uses.length === 0).map(([id]) => id),
    quotaLeft: Math.max(0, quota - usedBy.size),
    elsewhere,
  };
}
