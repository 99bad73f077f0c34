import type { BackendCall } from '../../core/rotation/calls.js';
import type { RotationWarning } from '../../core/rotation/event.js';
import type { Goal, Step } from '../../core/rotation/next-step.js';
import { stageText } from '../../core/rotation/unit.js';
import { account, isShown, type Run } from './run.js';

/** What a run came to, for people and JSON alike. */
export interface RotationReport {
  /**
   * `notDue`: nothing to do. `completed`: the new certificate is in place and the old one gone, or kept for the
   * stages that still use it. `keepingOld`: in place, the old one stays until `until`. `planned` and `plannedAbort`: a dry run.
   */
  outcome: 'notDue' | 'completed' | 'keepingOld' | 'planned' | 'plannedAbort' | 'aborted' | 'nothingToAbort';
  region: string;
  stages: string[];
  oldCertificateId: string;
  newCertificateId?: string;
  rotationId?: string;
  /** `notDue`: when it will be. `keepingOld`: when the old one goes. */
  until?: Date;
  /** When the certificate in place expires. */
  notAfter?: Date;
  /** What became of the old certificate: deleted, or still presented by other stages, or just still there. */
  oldCertificate: 'deleted' | 'inUse' | 'present';
  /** The calls to backends that are, or would be, made; while a backend reloads, it is called more often. */
  calls: readonly BackendCall[];
  /** What was done, or would be. */
  steps: {
    step: string;
    subject?: string;
    /** Where a step is about several. */
    stages?: readonly string[];
    ms?: number;
    evidence?: Record<string, unknown>;
  }[];
  warnings: { code: RotationWarning; message: string }[];
}

/** What has become of the rotation so far. */
export function reportOf(run: Run, outcome: RotationReport['outcome']): RotationReport {
  const { unit, moving, elsewhere } = account(run);
  const inPlace = unit.next ?? unit.old;
  return {
    outcome,
    region: run.deps.gateway.region,
    stages: moving.map(stageText),
    oldCertificateId: run.oldId,
    oldCertificate: unit.old
      ? elsewhere.includes(run.oldId) ||
        moving.some(({ clientCertificateId }) => clientCertificateId === run.oldId)
        ? 'inUse'
        : 'present'
      : 'deleted',
    ...(unit.next ? { newCertificateId: unit.next.clientCertificateId } : {}),
    ...(outcome === 'notDue' || outcome === 'nothingToAbort' ? {} : { rotationId: run.rotationId }),
    ...(inPlace ? { notAfter: inPlace.trusted.notAfter } : {}),
    calls: run.calls,
    steps: run.records.flatMap((entry) =>
      entry.type === 'done' && isShown(entry.step)
        ? [
            {
              step: entry.step,
              ...(entry.subject === undefined ? {} : { subject: entry.subject }),
              ms: entry.ms,
              ...(entry.evidence === undefined ? {} : { evidence: entry.evidence }),
            },
          ]
        : [],
    ),
    warnings: run.warnings,
  };
}

/** What a step that switches stages is about. @param names `apiId/stageName` */
const stagesOfStep = (names: readonly string[]): { subject?: string; stages?: readonly string[] } => {
  const [only] = names;
  return only !== undefined && names.length === 1 ? { subject: only } : { stages: names };
};

const BACK = { switch: 'rollBack', untrust: 'untrustNew', delete: 'deleteNew' } as const;

/** A step that a dry run foresees, by the name that it has in a run. */
export function plannedStep(step: Step, goal: Goal): RotationReport['steps'][number] {
  const { kind } = step;
  const named = { step: goal !== 'rotate' && kind in BACK ? BACK[kind as keyof typeof BACK] : kind };
  switch (step.kind) {
    case 'trust':
    case 'untrust':
      return { ...named, subject: `${step.store}: ${step.certificate.clientCertificateId}` };
    case 'switch':
      return { ...named, ...stagesOfStep(step.stages.map(stageText)) };
    case 'redeploy':
      return { ...named, subject: stageText(step.stage) };
    case 'adopt':
    case 'delete':
    case 'release':
      return { ...named, subject: step.certificate.clientCertificateId };
    case 'soak':
    case 'settle':
    case 'keep':
      return { ...named, subject: `until ${step.until.toISOString()}` };
    default:
      return named;
  }
}
