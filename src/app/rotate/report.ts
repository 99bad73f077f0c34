import type { Goal, Step } from '../../core/rotation/next-step.js';
import type { RotationReport } from '../../core/rotation/report.js';
import { stageText } from '../../core/rotation/unit.js';
import { account, isShown, type Run } from './run.js';

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
