import { isAcmVersion } from '../../control-plane/acm-version.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import type { Step } from '../rules/next-step.js';
import type { RotationRecord, RotationStep } from '../rules/record.js';
import type { RotationReport, StackChange } from '../rules/report.js';
import { stagesSwitched } from '../rules/switch-record.js';
import { stageText } from '../rules/unit.js';
import { account, isShown, named, type Run } from './run.js';

/** Of these no journal tells. */
const NO_ROTATION: ReadonlySet<RotationReport['outcome']> = new Set(['notDue', 'renewed', 'nothingToAbort']);

/** What has become of the rotation so far. */
export function reportOf(run: Run, outcome: RotationReport['outcome']): RotationReport {
  const { unit, moving, elsewhere } = account(run);
  const inPlace = unit.next ?? unit.old;
  return {
    outcome,
    region: run.deps.controlPlane.region,
    stages: moving.map((stage) => named(run, stage)),
    oldCertificateId: run.oldId,
    oldCertificate: unit.old
      ? elsewhere.includes(run.oldId) ||
        moving.some(({ clientCertificateId }) => clientCertificateId === run.oldId)
        ? 'inUse'
        : 'present'
      : isAcmArn(run.oldId) && !isAcmVersion(run.oldId)
        ? 'present'
        : 'deleted',
    ...(unit.next ? { newCertificateId: unit.next.clientCertificateId } : {}),
    ...(NO_ROTATION.has(outcome) ? {} : { rotationId: run.rotationId }),
    ...(inPlace ? { notAfter: inPlace.trusted.notAfter } : {}),
    calls: run.calls,
    steps: doneSteps(run),
    warnings: run.warnings,
  };
}

/** Steps that are about stages. */
const OF_STAGES: ReadonlySet<RotationStep> = new Set<RotationStep>(['switch', 'rollBack', 'redeploy']);

/** The steps that were done, by the journal. */
function doneSteps(run: Run): RotationReport['steps'] {
  const known = new Map(run.stages.map((stage) => [stageText(stage), stage]));
  const stageOf = (name: string) => {
    const cut = name.indexOf('/');
    return named(run, known.get(name) ?? { restApiId: name.slice(0, cut), stageName: name.slice(cut + 1) });
  };
  const aboutOf = (entry: Extract<RotationRecord, { type: 'done' }>) => {
    if (OF_STAGES.has(entry.step)) return { stages: stagesSwitched(entry).map(stageOf) };
    return entry.subject === undefined ? {} : { subject: entry.subject };
  };
  return run.records.flatMap((entry) =>
    entry.type === 'done' && isShown(entry.step)
      ? [
          {
            step: entry.step,
            ...aboutOf(entry),
            ms: entry.ms,
            ...(entry.evidence === undefined ? {} : { evidence: entry.evidence }),
          },
        ]
      : [],
  );
}

function stackChange(
  { deps: { stack }, parameterValue: from = '' }: Run,
  to: string,
): { stack?: StackChange } {
  if (stack === undefined) return {};
  const { name, settings } = stack;
  return { stack: { name, parameter: settings.parameter, from, to } };
}

const BACK = { switch: 'rollBack', untrust: 'untrustNew', delete: 'deleteNew' } as const;

/** A step that a dry run foresees, by the name that it has in a run. */
export function plannedStep(run: Run, step: Step): RotationReport['steps'][number] {
  const { goal } = run;
  const { kind } = step;
  const of = { step: goal !== 'rotate' && kind in BACK ? BACK[kind as keyof typeof BACK] : kind };
  switch (step.kind) {
    case 'trust':
    case 'untrust':
      return { ...of, subject: `${step.store}: ${step.certificate.clientCertificateId}` };
    case 'publish':
      return { ...of, subject: `${step.publication}: ${step.clientCertificateId}` };
    case 'switch':
      return {
        ...of,
        stages: step.stages.map((stage) => named(run, stage)),
        ...stackChange(run, step.to.clientCertificateId),
      };
    case 'redeploy':
      return { ...of, stages: [named(run, step.stage)] };
    case 'acknowledge':
      return {
        ...of,
        subject: step.certificates.map(({ clientCertificateId }) => clientCertificateId).join(', '),
      };
    case 'adopt':
    case 'delete':
    case 'retire':
    case 'release':
      return { ...of, subject: step.certificate.clientCertificateId };
    case 'soak':
    case 'settle':
    case 'keep':
      return { ...of, subject: `until ${step.until.toISOString()}` };
    default:
      return of;
  }
}
