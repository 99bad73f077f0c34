import type { Stage, StageRef } from '../../core/api-gateway.js';
import { AppError, type ErrorCode } from '../../core/errors.js';
import { dueAt, isDue } from '../../core/expiry.js';
import type { RotationWarning } from '../../core/rotation/event.js';
import { closedGate } from '../../core/rotation/gates.js';
import { nextStep, type Step } from '../../core/rotation/next-step.js';
import { planSteps } from '../../core/rotation/plan.js';
import { presentedIds, stageText, unitOf, type RotationUnit } from '../../core/rotation/unit.js';
import { allStages } from '../stages.js';
import { runHook } from './hooks.js';
import { observeCertificates } from './observe.js';
import { perform, type DoableStep } from './perform.js';
import type { RotationDeps, RotationRequest } from './ports.js';
import { probeChoices } from './prove.js';
import {
  account,
  end,
  NOTHING_PROVED,
  openJournal,
  record,
  situation,
  stopIfAsked,
  warn,
  type Run,
} from './run.js';
import { isUndoing, rollBack, undo } from './undo.js';

/** More looks than any rotation needs; somebody who keeps changing the stages must not keep it running. */
const MOST_STEPS = 500;

/** What a run came to, for people and JSON alike. */
export interface RotationReport {
  /**
   * `notDue`: nothing to do. `completed`: the new certificate is in place and the old one gone, or kept for the
   * stages that still use it. `keepingOld`: in place, the old one stays until `until`. `planned`: a dry run.
   */
  outcome: 'notDue' | 'completed' | 'keepingOld' | 'planned' | 'aborted' | 'nothingToAbort';
  region: string;
  stages: string[];
  oldCertificateId: string;
  newCertificateId?: string;
  rotationId?: string;
  /** `notDue`: when it will be. `keepingOld`: when the old one goes. */
  until?: Date;
  /** When the certificate in place ends. */
  notAfter?: Date;
  /** What was done, or would be. */
  steps: { step: string; subject?: string; ms?: number; evidence?: Record<string, unknown> }[];
  warnings: { code: RotationWarning; message: string }[];
}

/** What to rotate: the certificate that this stage presents, with all stages that share it. */
export type Target = Stage;

/** Everything about the certificate that the target presents, before anything is asked of trust stores or backends. */
async function begin(
  deps: RotationDeps,
  request: RotationRequest,
  target: Target,
): Promise<{ unit: RotationUnit; run: Run }> {
  const currentId = target.clientCertificateId;
  if (currentId === undefined) {
    throw new AppError('StageWithoutCertificate', `${stageText(target)} presents no client certificate`, {
      hint: `make one and set it: \`apigw-cert generate\`, then \`apigw-cert attach <id> --stage ${stageText(target)}\``,
    });
  }
  const certificates = await observeCertificates(deps.gateway);
  const unit = unitOf(currentId, certificates, new Set([currentId]));
  const only: StageRef | undefined =
    request.settings.onlyStage || unit.next?.mark?.onlyStage === stageText(target) ? target : undefined;
  const run: Run = {
    deps,
    request,
    rotationId: unit.next?.mark?.rotationId ?? deps.newRotationId(),
    oldId: unit.oldId,
    only,
    certificates,
    stages: [target],
    progress: NOTHING_PROVED,
    records: [],
    warnings: [],
  };
  return { unit, run };
}

/** Nothing to do, and since when there will be: the answer of almost every run from a timer. */
function notDue({ unit, run }: { unit: RotationUnit; run: Run }, target: Target): RotationReport | undefined {
  const { settings } = run.request;
  const { old, next } = unit;
  if (next || settings.force || !old || run.request.to !== undefined) return undefined;
  if (isDue(old.trusted, settings.renewBefore, run.deps.now())) return undefined;
  return {
    ...reportOf(run, 'notDue'),
    stages: [stageText(target)],
    until: dueAt(old.trusted, settings.renewBefore),
    notAfter: old.trusted.notAfter,
  };
}

function reportOf(run: Run, outcome: RotationReport['outcome']): RotationReport {
  const { unit, moving } = account(run);
  const inPlace = unit.next ?? unit.old;
  return {
    outcome,
    region: run.deps.gateway.region,
    stages: moving.map(stageText),
    oldCertificateId: run.oldId,
    ...(unit.next ? { newCertificateId: unit.next.clientCertificateId } : {}),
    ...(outcome === 'notDue' ? {} : { rotationId: run.rotationId }),
    ...(inPlace ? { notAfter: inPlace.trusted.notAfter } : {}),
    steps: run.records.flatMap((entry) =>
      entry.type === 'done'
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

/** Looks at the whole account, and lets the gates decide whether anything may begin. */
async function passGates(run: Run): Promise<void> {
  run.stages = (await allStages(run.deps.gateway)).stages;
  const { unit, moving } = account(run);
  const { request, deps } = run;
  if (request.to !== undefined && unit.next && unit.next.clientCertificateId !== request.to) {
    throw new AppError(
      'Usage',
      `a rotation to ${unit.next.clientCertificateId} is under way, so it cannot go to ${request.to}`,
      { hint: 'finish it by leaving --to away, or take it back by --abort' },
    );
  }
  const failure = closedGate({
    unit,
    moving,
    probes: await probeChoices(run, moving),
    trustStores: (await deps.stores()).map(({ name }) => name),
    settings: request.settings,
  });
  if (failure) throw new AppError(failure.code, failure.message, { hint: failure.hint });
}

/**
 * Rotates the certificate that the target presents, from whatever state an earlier run left: looks, takes the next
 * step, looks again. When it throws before a stage was switched, everything is as it was; after that, the stages
 * present what their backends accept, and the next run goes on.
 *
 * @throws AppError of a gate or a proof; `RotationWaiting` and `RotationOvertaken` when a later run has to go on;
 * `Interrupted` after a signal
 */
export async function rotate(
  deps: RotationDeps,
  request: RotationRequest,
  target: Target,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<RotationReport> {
  const begun = await begin(deps, request, target);
  const idle = notDue(begun, target);
  if (idle) return idle;
  const { run } = begun;
  await passGates(run);
  if (dryRun) return { ...reportOf(run, 'planned'), steps: planSteps(await situation(run)).map(plannedStep) };

  await openJournal(run, account(run).moving);
  if (isUndoing(run)) {
    await undo(run, 'an earlier run began to');
    await end(run, 'aborted');
    return reportOf(run, 'aborted');
  }
  try {
    await runHook(run, 'pre');
    return await drive(run);
  } catch (error) {
    throw await recover(run, error);
  }
}

async function drive(run: Run): Promise<RotationReport> {
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    stopIfAsked(run);
    yieldToRival(run);
    const next = nextStep(await situation(run));
    switch (next.kind) {
      case 'done':
        await runHook(run, 'switched');
        await runHook(run, 'done');
        await end(run, 'completed');
        return reportOf(run, 'completed');
      case 'keep':
        await runHook(run, 'switched');
        return { ...reportOf(run, 'keepingOld'), until: next.until };
      case 'stageChanged':
        throw new AppError(
          'StageChanged',
          `no stage presents ${run.oldId} or its successor any more: somebody else changed it`,
          {
            hint: 'look at what the stage presents now (`apigw-cert list --usage`), then run the command again',
          },
        );
      default:
        if (next.kind === 'check') await runHook(run, 'trusted');
        if (next.kind === 'soak' || next.kind === 'recount') await runHook(run, 'switched');
        await perform(run, next satisfies DoableStep);
    }
  }
  throw new AppError('StageChanged', 'the stages keep changing under the rotation', {
    hint: 'find out who else sets their client certificate',
  });
}

/** Of two runs that made a certificate for the same place, one takes its own back; both know which. */
function yieldToRival(run: Run): void {
  const { next } = account(run).unit;
  if (run.generatedId === undefined || !next || next.clientCertificateId === run.generatedId) return;
  throw new AppError(
    'RotationOvertaken',
    `another run (rotation ${next.mark?.rotationId ?? 'unknown'}) rotates the same certificate to ${next.clientCertificateId} and goes first`,
    { hint: 'nothing is to be done: a later run sees to it that it is finished' },
  );
}

/**
 * Failures that say nothing against the rotation: every state is safe to stay in, and the next run goes on from it.
 * Undoing would need the very thing that failed.
 */
const LEFT_AS_IT_IS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ConfirmationNeeded',
  'CredentialsExpired',
  'Interrupted',
  'JournalNotWritable',
  'LockLost',
  'RotationWaiting',
  'ServiceUnreachable',
  'Throttled',
]);

/** Leaves a safe state after a failure, and says what to throw. */
async function recover(run: Run, error: unknown): Promise<unknown> {
  const code = error instanceof AppError ? error.code : undefined;
  if (code !== undefined && LEFT_AS_IT_IS.has(code)) return error;
  const { unit, moving } = account(run);
  const { next, oldId } = unit;
  if (code === 'RotationOvertaken') return takeBackOwn(run, error);

  const switched = moving.some(({ clientCertificateId }) => clientCertificateId !== oldId);
  if (switched) {
    const refused = code === 'NewCertificateRefused' && unit.old !== undefined;
    const untrusted = run.records.some((entry) => entry.type === 'done' && entry.step === 'untrust');
    if (!refused || untrusted || next?.mark?.rolledBack !== undefined) return error;
    return attempt(run, error, async () => {
      const rolledBack = await rollBack(run, error);
      await failedHook(run);
      return rolledBack;
    });
  }
  if (!next) {
    await failedHook(run);
    return error;
  }
  return attempt(run, error, async () => {
    await undo(run, error instanceof Error ? error.message : String(error));
    await failedHook(run);
    await end(run, 'rolledBack');
    return error;
  });
}

/** A failure of the way back must not hide why it was taken. */
async function attempt(run: Run, error: unknown, way: () => Promise<unknown>): Promise<unknown> {
  try {
    return await way();
  } catch (second) {
    if (!(error instanceof AppError) || !(second instanceof Error)) return second;
    await record(run, {
      type: 'note',
      at: run.deps.now().toISOString(),
      text: `undoing failed: ${second.message}`,
    });
    return new AppError(error.code, `${error.message}; and undoing it stopped: ${second.message}`, {
      hint: 'run the same command again to go on, or with --abort to go back',
      cause: second,
    });
  }
}

async function takeBackOwn(run: Run, error: unknown): Promise<unknown> {
  const own = run.certificates.find(({ clientCertificateId }) => clientCertificateId === run.generatedId);
  if (!own || presentedIds(run.stages).has(own.clientCertificateId)) return error;
  return attempt(run, error, async () => {
    // Seen alone, its own certificate is the only successor, and undoing the rotation takes back just that.
    const rivals = run.certificates;
    run.certificates = rivals.filter(
      ({ mark, clientCertificateId }) =>
        mark?.replaces !== run.oldId || clientCertificateId === own.clientCertificateId,
    );
    await undo(run, 'another run goes first');
    await end(run, 'yielded');
    return error;
  });
}

async function failedHook(run: Run): Promise<void> {
  try {
    await runHook(run, 'failed');
  } catch (error) {
    warn(run, 'HookFailed', error instanceof Error ? error.message : String(error));
  }
}

/**
 * Undoes the rotation that is under way for the target: ends with the old certificate in place and the new one gone
 * from stages, trust stores and account.
 * @throws AppError `UndoImpossible` when the old certificate is deleted or refused
 */
export async function abort(
  deps: RotationDeps,
  request: RotationRequest,
  target: Target,
): Promise<RotationReport> {
  const { unit, run } = await begin(deps, request, target);
  if (!unit.next) return { ...reportOf(run, 'nothingToAbort'), stages: [stageText(target)] };
  run.stages = (await allStages(deps.gateway)).stages;
  await openJournal(run, account(run).moving);
  await undo(run, 'asked for');
  await end(run, 'aborted');
  return reportOf(run, 'aborted');
}

function plannedStep(step: Step): RotationReport['steps'][number] {
  switch (step.kind) {
    case 'trust':
    case 'untrust':
      return { step: step.kind, subject: `${step.store}: ${step.certificate.clientCertificateId}` };
    case 'switch':
      return { step: step.kind, subject: stageText(step.stage) };
    case 'delete':
      return { step: step.kind, subject: step.certificate.clientCertificateId };
    case 'soak':
    case 'keep':
      return { step: step.kind, subject: `until ${step.until.toISOString()}` };
    default:
      return { step: step.kind };
  }
}
