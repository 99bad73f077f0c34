import type { Stage } from '../../core/api-gateway.js';
import { AppError } from '../../core/errors.js';
import { dueAt, isDue } from '../../core/expiry.js';
import { closedGate, closedGateBack, type GateFailure, type GateInput } from '../../core/rotation/gates.js';
import { keepOldMark } from '../../core/rotation/marks.js';
import type { Step } from '../../core/rotation/next-step.js';
import { isLast, planSteps } from '../../core/rotation/plan.js';
import {
  oldIdOf,
  stageText,
  unitOf,
  type RotationCertificate,
  type RotationUnit,
} from '../../core/rotation/unit.js';
import type { Gateway } from '../../gateway/gateway.js';
import { sameCaller } from '../../journal/same-caller.js';
import {
  allowAgain,
  canGoBack,
  eraseWithdrawal,
  goBack,
  goingBack,
  lastError,
  rollBack,
  takeSteps,
  withdrawn,
} from './drive.js';
import { runHook } from './hooks.js';
import {
  isOldMissing,
  lookAtCertificates,
  lookAtStages,
  lookAtStores,
  replaceCertificate,
  see,
} from './look.js';
import { assertAdoptable } from './make.js';
import { writeMark } from './mark.js';
import { observeCertificates, sameStage } from './observe.js';
import { askStage } from './perform.js';
import type { RotationDeps, RotationRequest } from './ports.js';
import { callsToCome, probeChoices } from './prove.js';
import { confirmPublishing } from './publishing.js';
import { isOutdated, overtaken, recover } from './recover.js';
import { plannedStep, reportOf, type RotationReport } from './report.js';
import {
  account,
  changedStores,
  end,
  NOTHING_PROVED,
  openJournal,
  record,
  rememberCertificates,
  stopIfAsked,
  storesOf,
  type Run,
} from './run.js';
import { situation } from './situation.js';

/** More steps than any rotation of so many stages needs; somebody who keeps changing them must not keep it running. */
const mostSteps = ({ stages }: Run): number => 500 + 4 * stages.length;
/** How often a run goes on after the work of others has made a step of its own fail. */
const MOST_TRIES = 5;
/** Before a list that lacks something is asked for again, in milliseconds. */
const LIST_AGAIN_AFTER = 2_000;

/** What to rotate: the certificate that this stage presents, with all stages that share it. */
export type Target = Stage;

/**
 * The account's certificates. AWS deletes none that a stage presents, so that a list without this one is no list of them
 * all, and is asked for again.
 * @throws AppError `ServiceUnreachable` when it stays so
 */
async function certificatesWith(
  { gateway, sleep, signal }: RotationDeps,
  currentId: string,
): Promise<RotationCertificate[]> {
  for (let tries = 1; ; tries++) {
    const certificates = await observeCertificates(gateway);
    if (certificates.some(({ clientCertificateId }) => clientCertificateId === currentId))
      return certificates;
    if (!(await certificateExists(gateway, currentId))) return certificates;
    if (tries === MOST_TRIES) {
      throw new AppError(
        'ServiceUnreachable',
        `AWS's list of client certificates lacks ${currentId}, which AWS shows when it is asked for it`,
        { hint: 'nothing was concluded from it; run the same command again later' },
      );
    }
    await sleep(LIST_AGAIN_AFTER, signal);
  }
}

async function certificateExists(gateway: Gateway, id: string): Promise<boolean> {
  try {
    await gateway.getClientCertificate(id);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'CertificateNotFound') return false;
    throw error;
  }
}

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
  const certificates = await certificatesWith(deps, currentId);
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
    since: deps.now(),
    goal: 'rotate',
    certificates,
    stages: [target],
    sightings: new Map(),
    apis: new Set(),
    gone: new Set(),
    deletedHere: new Set(),
    notLive: new Set(),
    progress: NOTHING_PROVED,
    hasSwitched: false,
    deployments: new Map(),
    records: [],
    calls: [],
    warnings: [],
  };
  see(run, [target]);
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
  const caller = await gateway.caller();
  const unended = (await journal.list()).findLast(({ records: [first, ...rest] }) => {
    if (first?.type !== 'started' || rest.at(-1)?.type === 'ended') return false;
    const { oldCertificateId, stages } = first;
    return (
      oldCertificateId === oldId &&
      sameCaller(first, caller) &&
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
    trustStores: (await storesOf(run)).map(({ name }) => name),
    changedStores: changedStores(run),
    settings: run.request.settings,
  };
}

function assertOpen(failure: GateFailure | undefined): void {
  if (failure) throw new AppError(failure.code, failure.message, { hint: failure.hint });
}

/** Looks at the whole account and the trust stores, and lets the gates decide whether anything may begin. */
async function passGates(run: Run): Promise<void> {
  const { unit, moving } = account(run);
  const { request } = run;
  if (request.to !== undefined && unit.next && unit.next.clientCertificateId !== request.to) {
    throw new AppError(
      'Usage',
      `a rotation to ${unit.next.clientCertificateId} is in progress, so it cannot go to ${request.to}`,
      { hint: 'omit --to to finish it, or run with --abort to take it back' },
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
  if (!unit.next && changedStores(run).length === 0) return;
  assertOpen(closedGateBack(await gateInput(run)));
  await lookAtStores(run);
}

/** Reads what the journal and AWS tell of the rotation, and looks at every stage. */
async function lookAtAll(begun: { unit: RotationUnit; run: Run }): Promise<Run> {
  const run = await readJournal(begun);
  await lookAtStages(run, { known: true });
  // What the journal names and the list lacks is asked for itself: trust may be left in what is deleted.
  await lookAtMissingCertificates(run);
  return run;
}

/** Asks for the certificates that the journal or a mark names, where the list of a moment ago lacks one. */
async function lookAtMissingCertificates(run: Run): Promise<void> {
  const listed = new Set(run.certificates.map(({ clientCertificateId }) => clientCertificateId));
  const isLacking = run.records.some(
    (entry) => entry.type === 'certificate' && !listed.has(entry.clientCertificateId),
  );
  if (isLacking || isOldMissing(run)) await lookAtCertificates(run);
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
  const run = await lookAtAll(begun);
  const [fresh] = run.stages.filter((stage) => sameStage(stage, target));
  if (fresh?.clientCertificateId !== target.clientCertificateId && account(run).moving.length === 0) {
    // Somebody was quicker: what was seen of the target is not true any more.
    return rotate(deps, request, await deps.gateway.getStage(target), options);
  }
  stopIfAsked(run);
  const back = goingBack(run);
  if (back !== undefined && canGoBack(run)) return finishEarlierWayBack(run, back, dryRun);
  await passGates(run);
  const plan = await lookAhead(run);
  if (dryRun) return planned(run, plan);

  await openJournal(run);
  try {
    await keepPromise(run);
    await eraseWithdrawal(run);
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

/** What an earlier run, on whatever machine, began to take back is taken back first. */
async function finishEarlierWayBack(
  run: Run,
  goal: 'abort' | 'cancel',
  dryRun: boolean,
): Promise<RotationReport> {
  const { deps, request, oldId } = run;
  await passGatesBack(run);
  run.goal = goal;
  const plan = await lookAhead(run);
  if (dryRun) return planned(run, plan);
  await openJournal(run);
  await goBack(run, goal, 'an earlier run began to');
  await end(run, 'aborted');
  const { old } = account(run).unit;
  const { force, renewBefore } = request.settings;
  if (!old || (!force && !isDue(old.trusted, renewBefore, deps.now()))) return reportOf(run, 'aborted');
  throw new AppError('RotationWaiting', `the earlier rotation was aborted; ${oldId} is still due`, {
    hint: 'run the same command again: it starts over',
  });
}

/** The steps to the end as they would be taken; the calls to backends that they make are announced. */
async function lookAhead(run: Run): Promise<Plan> {
  const plan = planSteps(await situation(run));
  const kinds = plan.steps.map(({ kind }) => kind);
  run.calls = await callsToCome(run, kinds, run.goal !== 'rotate');
  return plan;
}

type Plan = ReturnType<typeof planSteps>;

/** A dry run: nothing is touched. */
function planned(run: Run, { steps, last }: Plan): RotationReport {
  if (last.kind !== 'done') throw lastError(run, last);
  const outcome = run.goal === 'rotate' ? 'planned' : 'plannedAbort';
  return { ...reportOf(run, outcome), steps: steps.map((step) => plannedStep(step, run.goal)) };
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
  const last = await takeSteps(run, mostSteps(run), (next) => beforeStep(run, next));
  if (last.kind === 'keep') {
    await promiseToKeep(run, last.until);
    await runHook(run, 'switched');
    return { ...reportOf(run, 'keepingOld'), until: last.until };
  }
  if (last.kind !== 'done') throw lastError(run, last);
  await runHook(run, 'switched');
  await runHook(run, 'done');
  await end(run, 'completed');
  return reportOf(run, 'completed');
}

/** Before each step forward: whether other runs are at work on the same, and the user's hooks. */
async function beforeStep(run: Run, next: Step): Promise<void> {
  const rival = overtaken(run) ?? withdrawn(run);
  if (rival) throw rival;
  if (isLast(next) || next.kind === 'keep') return;
  await rememberCertificates(run);
  if (next.kind === 'check') await runHook(run, 'trusted');
  if (next.kind === 'soak' || next.kind === 'recount') await runHook(run, 'switched');
}

/** Later runs keep it too, without being told of it. */
async function promiseToKeep(run: Run, until: Date): Promise<void> {
  const promised = run.records.findLast((entry) => entry.type === 'kept');
  if (promised?.until === until.toISOString()) return;
  await record(run, { type: 'kept', at: run.deps.now().toISOString(), until: until.toISOString() });
}

/** The mark holds what `--keep-old` says, for runs on machines without this journal. */
async function keepPromise(run: Run): Promise<void> {
  const { keepOld } = run.request.settings;
  const { next } = account(run).unit;
  if (keepOld === undefined || keepOld === 0 || !next?.mark || next.mark.keepOld === keepOldMark(keepOld))
    return;
  replaceCertificate(run, await writeMark(run, next, { ...next.mark, keepOld: keepOldMark(keepOld) }));
}

/**
 * Takes back the rotation that is in progress for the target: ends with the old certificate in place and the new one gone
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
  await lookAtStages(run, { known: true });
  await lookAtMissingCertificates(run);
  stopIfAsked(run);
  await passGatesBack(run);
  run.goal = 'abort';
  const plan = await lookAhead(run);
  if (dryRun) return planned(run, plan);
  await openJournal(run);
  await goBack(run, 'abort', 'asked for');
  await end(run, 'aborted');
  return reportOf(run, 'aborted');
}
