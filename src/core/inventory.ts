import type { RestApi, StagePresentation, StageRef } from './api-gateway.js';

/** Client certificates that an account may hold in a Region, unless AWS raised it (API Gateway quotas). */
export const DEFAULT_CERTIFICATE_QUOTA = 60;

/** A stage with the name of its API, which is what people call it by. */
export interface StageUse extends StageRef {
  apiName: string;
}

/** Which stages present which certificates. */
export interface Inventory {
  /** By certificate id, every id of the account once, in the order given. Empty for an unused certificate. */
  usedBy: ReadonlyMap<string, readonly StageUse[]>;
  /** Ids that no stage presents. */
  unused: readonly string[];
  /** How many more can be made; 0 also when there are more than `quota`, since AWS can raise it. */
  quotaLeft: number;
  /** Stages whose certificate is not among the account's client certificates. */
  elsewhere: readonly (StageUse & { clientCertificateId: string; kind: ForeignCertificate })[];
}

/** `acm`: a certificate of ACM, which API Gateway takes since September 2026. `unknown`: deleted, or not readable. */
export type ForeignCertificate = 'acm' | 'unknown';

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
  const apiNames = new Map(apis.map(({ id, name }) => [id, name]));
  const usedBy = new Map<string, StageUse[]>(
    certificates.map(({ clientCertificateId }) => [clientCertificateId, []]),
  );
  const elsewhere: Inventory['elsewhere'][number][] = [];
  for (const { restApiId, stageName, protocolType, clientCertificateId } of stages) {
    if (clientCertificateId === undefined) continue;
    const use = {
      restApiId,
      stageName,
      apiName: apiNames.get(restApiId) ?? restApiId,
      ...(protocolType === undefined ? {} : { protocolType }),
    };
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
