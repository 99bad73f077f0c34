import type { Stage } from '../../core/api-gateway.js';
import { AppError } from '../../core/errors.js';
import { dueAt, isDue } from '../../core/expiry.js';
import { closedGate, closedGateBack, type GateFailure, type GateInput } from '../../core/rotation/gates.js';
import { nextStep } from '../../core/rotation/next-step.js';
import { planSteps } from '../../core/rotation/plan.js';
import type { RotationRecord } from '../../core/rotation/record.js';
import { oldIdOf, stageText, unitOf, type RotationUnit } from '../../core/rotation/unit.js';
import { allStages } from '../stages.js';
import { runHook } from './hooks.js';
import { observeCertificates, sameStage } from './observe.js';
import { assertAdoptable } from './make.js';
import { askStage, perform, type DoableStep } from './perform.js';
import type { RotationDeps, RotationRequest } from './ports.js';
import { probeChoices } from './prove.js';
import { confirmPublishing } from './publishing.js';
import { isOutdated, overtaken, recover } from './recover.js';
import { plannedStep, reportOf, type RotationReport } from './report.js';
import {
  account,
  end,
  lookAtStores,
  NOTHING_PROVED,
  openJournal,
  record,
  rememberCertificates,
  situation,
  stopIfAsked,
  type Run,
} from './run.js';
import { allowAgain, isUndoing, plannedUndo, rollBack, undo } from './undo.js';

/** More looks than any rotation needs; somebody who keeps changing the stages must not keep it running. */
const MOST_STEPS = 500;
/** How often a run goes on after the work of others has made a step of its own fail. */
const MOST_TRIES = 5;

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
  const scope = stageText(target);
  const current = certificates.find(({ clientCertificateId }) => clientCertificateId === currentId);
  // Where this machine has not seen its end, all that is left of a rotation may be a hook.
  const oldId =
    current?.mark && (await deps.journal.isUnended(current.mark.rotationId))
      ? current.mark.replaces
      : oldIdOf(currentId, certificates, scope);
  const unit = unitOf(oldId, certificates, new Set([currentId]), scope);
  const run: Run = {
    deps,
    request,
    rotationId: unit.next?.mark?.rotationId ?? deps.newRotationId(),
    oldId,
    target,
    onlyTarget: request.settings.onlyStage || unit.next?.mark?.onlyStage === scope,
    certificates,
    stages: [target],
    progress: NOTHING_PROVED,
    hasSwitched: false,
    deployments: new Map(),
    records: [],
    warnings: [],
  };
  return { unit, run };
}

/**
 * Reads the journal. A run that was stopped before it had a certificate left nothing in AWS that tells its id, so it
 * is looked for by what it was about.
 */
async function readJournal({ unit, run }: { unit: RotationUnit; run: Run }): Promise<Run> {
  const { deps, oldId, target } = run;
  const { journal, gateway } = deps;
  if (unit.next) return { ...run, records: await journal.open(run.rotationId) };
  const unended = (await journal.list()).findLast(({ records: [first, ...rest] }) => {
    if (first?.type !== 'started' || rest.at(-1)?.type === 'ended') return false;
    const { oldCertificateId, region, stages } = first;
    return (
      oldCertificateId === oldId &&
      region === gateway.region &&
      stages.some((stage) => sameStage(stage, target))
    );
  });
  return unended ? { ...run, ...unended } : run;
}

/** Nothing to do, and since when there will be: the answer of almost every run from a timer. */
function notDue({ unit, run }: { unit: RotationUnit; run: Run }, target: Target): RotationReport | undefined {
  const { settings } = run.request;
  const { old, next } = unit;
  const { to } = run.request;
  const wanted = to !== undefined && to !== run.oldId;
  if (next || settings.force || !old || wanted) return undefined;
  if (to === undefined && isDue(old.trusted, settings.renewBefore, run.deps.now())) return undefined;
  return {
    ...reportOf(run, 'notDue'),
    stages: [stageText(target)],
    until: dueAt(old.trusted, settings.renewBefore),
    notAfter: old.trusted.notAfter,
  };
}

/** What the gates look at. */
async function gateInput(run: Run): Promise<GateInput> {
  const { unit, moving } = account(run);
  return {
    unit,
    moving,
    probes: await probeChoices(run, moving),
    trustStores: (await run.deps.stores(moving)).map(({ name }) => name),
    changedStores: changedStores(run.records),
    settings: run.request.settings,
  };
}

function assertOpen(failure: GateFailure | undefined): void {
  if (failure) throw new AppError(failure.code, failure.message, { hint: failure.hint });
}

/** Names of the trust stores in which this rotation has put something. */
function changedStores(records: readonly RotationRecord[]): string[] {
  const names = records.flatMap((entry) =>
    entry.type === 'intent' && entry.step === 'trust' ? (entry.subject ?? []) : [],
  );
  return [...new Set(names)];
}

/** Looks at the whole account and the trust stores, and lets the gates decide whether anything may begin. */
async function passGates(run: Run): Promise<void> {
  const { unit, moving } = account(run);
  const { request } = run;
  if (request.to !== undefined && unit.next && unit.next.clientCertificateId !== request.to) {
    throw new AppError(
      'Usage',
      `a rotation to ${unit.next.clientCertificateId} is under way, so it cannot go to ${request.to}`,
      { hint: 'finish it by leaving --to away, or take it back by --abort' },
    );
  }
  if (request.to !== undefined && !unit.next) assertAdoptable(run, request.to);
  assertOpen(closedGate(await gateInput(run)));
  await lookAtStores(run);
  const isBefore = moving.every(({ clientCertificateId }) => clientCertificateId === unit.oldId);
  if (isBefore && !request.settings.force) await assertStageAnswers(run);
  if (request.settings.redeploy === 'always') await confirmPublishing(run);
}

/** A URL that fails already would be taken for a refusal of the new certificate, and the rotation back. */
async function assertStageAnswers(run: Run): Promise<void> {
  const failure = await askStage(run);
  if (failure === undefined) return;
  throw new AppError('StageUrlFails', `${failure} before anything was changed`, {
    hint: 'check --probe-url: it must answer 200 to 399 without credentials; or rotate without it',
  });
}

/** What a way back needs, looked at before it begins; nothing where nothing is left to be taken back. */
async function passGatesBack(run: Run): Promise<void> {
  const { unit } = account(run);
  if (!unit.next && changedStores(run.records).length === 0) return;
  assertOpen(closedGateBack(await gateInput(run)));
  await lookAtStores(run);
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
  options: { dryRun?: boolean } = {},
): Promise<RotationReport> {
  const { dryRun = false } = options;
  const begun = await begin(deps, request, target);
  const idle = notDue(begun, target);
  if (idle) return idle;
  const run = await readJournal(begun);
  run.stages = (await allStages(deps.gateway)).stages;
  const [fresh] = run.stages.filter((stage) => sameStage(stage, target));
  if (fresh?.clientCertificateId !== target.clientCertificateId && account(run).moving.length === 0) {
    // Somebody was quicker: what was seen of the target is not true any more.
    return rotate(deps, request, await deps.gateway.getStage(target), options);
  }
  stopIfAsked(run);
  if (isUndoing(run)) {
    await passGatesBack(run);
    if (dryRun) return { ...reportOf(run, 'plannedUndo'), steps: await plannedUndo(run) };
    await openJournal(run);
    const report = await finishUndo(run, 'an earlier run began to', 'own');
    const { old } = account(run).unit;
    const { force, renewBefore } = request.settings;
    if (!old || (!force && !isDue(old.trusted, renewBefore, deps.now()))) return report;
    throw new AppError('RotationWaiting', `the earlier rotation is taken back; ${run.oldId} is still due`, {
      hint: 'run the same command again: it begins anew',
    });
  }
  await passGates(run);
  if (dryRun) return { ...reportOf(run, 'planned'), steps: planSteps(await situation(run)).map(plannedStep) };

  await openJournal(run);
  try {
    const { next } = account(run).unit;
    if (next?.mark?.rolledBack !== undefined) {
      if (!request.settings.force) throw await rollBack(run, 'the new certificate had failed in use');
      await allowAgain(run, next);
    }
    await runHook(run, 'pre');
    return await driveOn(run);
  } catch (error) {
    throw await recover(run, error);
  }
}

async function finishUndo(run: Run, reason: string, whose: 'all' | 'own'): Promise<RotationReport> {
  await undo(run, reason, whose);
  await end(run, 'aborted');
  return reportOf(run, 'aborted');
}

/** Drives the rotation to its end, also where others at work make a step fail. */
async function driveOn(run: Run): Promise<RotationReport> {
  for (let tries = 1; ; tries++) {
    try {
      return await drive(run);
    } catch (error) {
      if (tries < MOST_TRIES && (await isOutdated(run, error))) continue;
      throw error;
    }
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
        await promiseToKeep(run, next.until);
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
        await rememberCertificates(run);
        if (next.kind === 'check') await runHook(run, 'trusted');
        if (next.kind === 'soak' || next.kind === 'recount') await runHook(run, 'switched');
        await perform(run, next satisfies DoableStep);
    }
  }
  throw new AppError('StageChanged', 'the stages keep changing under the rotation', {
    hint: 'find out who else sets their client certificate',
  });
}

/** Later runs keep it too, without being told of it. */
async function promiseToKeep(run: Run, until: Date): Promise<void> {
  const promised = run.records.findLast((entry) => entry.type === 'kept');
  if (promised?.until === until.toISOString()) return;
  await record(run, { type: 'kept', at: run.deps.now().toISOString(), until: until.toISOString() });
}

function yieldToRival(run: Run): void {
  const rival = overtaken(run);
  if (rival) throw rival;
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
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<RotationReport> {
  const begun = await begin(deps, request, target);
  const run = await readJournal(begun);
  if (!begun.unit.next && run.records.length === 0) {
    return { ...reportOf(run, 'nothingToAbort'), stages: [stageText(target)] };
  }
  run.stages = (await allStages(deps.gateway)).stages;
  stopIfAsked(run);
  await passGatesBack(run);
  if (dryRun) return { ...reportOf(run, 'plannedUndo'), steps: await plannedUndo(run) };
  await openJournal(run);
  return finishUndo(run, 'asked for', 'all');
}
