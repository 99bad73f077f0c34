import type { Certificate } from '../../../src/control-plane/certificate.js';
import type { Stage } from '../../../src/control-plane/api-gateway.js';
import type { Mark } from '../../../src/control-plane/marks.js';
import {
  proofKey,
  type Progress,
  type Situation,
  type StoreView,
} from '../../../src/rotation/rules/next-step.js';

export const NOW = new Date('2026-11-24T12:00:00Z');
export const DAY = 86_400_000;
export const MINUTE = 60_000;

export const after = (ms: number): Date => new Date(NOW.getTime() + ms);

/** A certificate whose fingerprint is its id in capitals. */
export function certificate(
  id: string,
  { mark, created = NOW, notAfter = after(90 * DAY) }: { mark?: Mark; created?: Date; notAfter?: Date } = {},
): Certificate {
  return {
    clientCertificateId: id,
    createdDate: created,
    expirationDate: notAfter,
    pemEncodedCertificate: '',
    tags: {},
    trusted: {
      subject: '',
      issuer: '',
      serialNumber: '',
      notBefore: created,
      notAfter,
      fingerprintSha256: id.toUpperCase(),
      fingerprintSha1: '',
      spkiPin: '',
      pem: '',
    },
    ...(mark ? { mark } : {}),
  };
}

/** No write is open. */
export const SETTLED: Situation['unsettled'] = {
  switches: new Date(0),
  generation: new Date(0),
  release: new Date(0),
};

export const mark = (replaces: string, rest: Partial<Mark> = {}): Mark => ({
  rotationId: 'r1',
  replaces,
  ...rest,
});

export function stage(stageName: string, clientCertificateId?: string, rest: Partial<Stage> = {}): Stage {
  return {
    restApiId: 'api',
    stageName,
    deploymentId: 'd1',
    ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
    variables: {},
    tags: {},
    ...rest,
  };
}

/** A store that can be observed, in which the rotation has put whatever is in it. */
export const store = (name: string, ...trusts: string[]): StoreView => ({
  name,
  trusts,
  mayTrust: trusts,
  added: trusts,
});

export const NOTHING: Progress = { checked: false, recounted: false, confirmed: false };

/** How the backends are called, in all situations here. */
export const CALLS = 'GET /health';
export const proof = (id: string): string => proofKey(id, CALLS);

const LONG_AGO = after(-100 * DAY);

/** The start of a plain rotation of `old`, which `api/prod` presents and one store trusts. */
export function situation(changes: Partial<Situation> = {}): Situation {
  const switchedAt = changes.switchedAt ?? LONG_AGO;
  return {
    now: NOW,
    since: NOW,
    goal: 'rotate',
    rotationId: 'r1',
    unit: { oldId: 'old', old: certificate('old'), spares: [] },
    moving: [stage('prod', 'old')],
    elsewhere: [],
    stores: [store('file', 'OLD')],
    publications: [],
    deleted: [],
    trustedElsewhere: [],
    switchedAt,
    keptFrom: switchedAt,
    lastPresented: new Map(),
    presentedBefore: new Set(['old']),
    unsettled: SETTLED,
    calls: CALLS,
    redeployed: [],
    progress: NOTHING,
    settings: { soak: 5 * MINUTE, keepOld: 0, redeploy: 'never', inFlight: MINUTE },
    ...changes,
  };
}
