import { AppError } from '../../platform/errors.js';
import { isDue } from '../../certificates/expiry.js';
import { closedGate, closedGateBack, type GateInput } from '../rules/gates.js';
import { assertOpen } from '../rules/gate-failure.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { keepOldMark } from '../../control-plane/marks.js';
import { stageIdsText } from '../../control-plane/stages-text.js';
import type { Step } from '../rules/next-step.js';
import { isLast, planSteps } from '../rules/plan.js';
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
import { assertReportsReadable } from './acknowledge.js';
import { chooseName, passAcmGates } from './acm-gates.js';
import { begin, lookAtAll, lookAtMissingCertificates, notDue, readJournal, type Target } from './begin.js';
import { endFinished } from './finished.js';
import { runHook } from './hooks.js';
import { isRemovedLeft, lookAtStages, lookAtStores, replaceCertificate, tellOfKept } from './look.js';
import { assertAdoptable } from './make.js';
import { writeMark } from './mark.js';
import { sameStage } from './observe.js';
import { lookingAnew } from './observed-account.js';
import { despiteOthers, overtaken } from './others.js';
import type { RotationDeps, RotationRequest } from './ports.js';
import { callsToCome, probeChoices } from './prove.js';
import { assertPublicationsReadable, keepPublished, lookAtPublications } from './publications.js';
import { confirmPublishing } from './publishing.js';
import { recover } from './recover.js';
import type { RotationReport } from '../rules/report.js';
import { plannedStep, reportOf } from './report.js';
import {
  account,
  changedStores,
  end,
  named,
  openJournal,
  record,
  rememberCertificates,
  stopIfAsked,
  storesOf,
  type Run,
} from './run.js';
import { situation } from './situation.js';
import { lookAtStack, waitForStack } from './stack.js';
import { askStage } from './stage-url.js';

/** More steps than any rotation of so many stages needs; somebody who keeps changing them must not keep it running. */
const mostSteps = ({ stages }: Run): number => 500 + 4 * stages.length;
/** What the gates look at. */
async function gateInput(run: Run): Promise<GateInput> {
  const { unit, moving } = account(run);
  return {
    unit,
    moving,
    probes: await probeChoices(run, moving),
    trustStores: (await storesOf(run)).map(({ name }) => name),
    changedStores: changedStores(run),
    publications: await lookAtPublications(run),
    settings: run.request.settings,
    stack: await lookAtStack(run),
  };
}

/** Looks at the whole account and the trust stores, and lets the gates decide whether anything may begin. */
async function passGates(run: Run, dryRun: boolean): Promise<void> {
  const { unit, moving } = account(run);
  const { request } = run;
  if (request.to !== undefined && unit.next && unit.next.clientCertificateId !== request.to) {
    throw new AppError(
      'Usage',
      `a rotation to ${unit.next.clientCertificateId} is in progress, so it cannot switch to ${request.to}`,
      { hint: 'omit --to to complete it, or use --abort to abort it' },
    );
  }
  if (request.toGenerated && unit.next?.acm) {
    throw new AppError(
      'Usage',
      `a rotation to ${unit.next.clientCertificateId} is in progress, which is not generated`,
      { hint: 'omit --to to complete it, or use --abort to abort it' },
    );
  }
  const { importing } = request;
  if (
    importing &&
    unit.next &&
    unit.next.trusted.fingerprintSha256 !== importing.acm.trusted.fingerprintSha256
  ) {
    throw new AppError(
      'Usage',
      `a rotation to ${unit.next.clientCertificateId} is in progress, which is not the certificate of --import`,
      { hint: 'omit --import to complete it, or use --abort to abort it' },
    );
  }
  if (request.to !== undefined && !unit.next) assertAdoptable(run, request.to);
  await passAcmGates(run, { dryRun });
  await assertPublicationsReadable(run);
  assertOpen(closedGate(await gateInput(run)));
  await lookAtStores(run);
  await assertReportsReadable(run);
  const isBefore = moving.every(({ clientCertificateId }) => clientCertificateId === unit.oldId);
  if (isBefore && !request.settings.force) await assertStageAnswers(run);
  if (request.settings.redeploy === 'always') await confirmPublishing(run);
}

/** A URL that fails already would be taken for a refusal of the new certificate, and the rotation back. */
async function assertStageAnswers(run: Run): Promise<void> {
  const failure = await askStage(run);
  if (failure === undefined) return;
  throw new AppError('StageUrlFails', `${failure} before anything was changed`, {
    hint: 'check --probe-url: it must return a status from 200 to 399 without credentials; or omit --probe-url',
  });
}

/** What a way back needs, looked at before it begins; nothing where nothing is left to be taken back. */
async function passGatesBack(run: Run): Promise<void> {
  const { unit } = account(run);
  if (!unit.next && changedStores(run).length === 0 && !isRemovedLeft(run)) return;
  await chooseName(run);
  assertOpen(closedGateBack(await gateInput(run)));
  await lookAtStores(run);
  if (run.request.settings.redeploy === 'always') await confirmPublishing(run);
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
  if (!dryRun) await endFinished(begun.run, target, true);
  const idle = notDue(begun, target);
  if (idle) return keepPublished(begun.run, idle, dryRun);
  const anew = { ...deps, account: lookingAnew(deps.account) };
  const again = async (): Promise<RotationReport> =>
    rotate(anew, request, await deps.controlPlane.getStage(target), options);
  if (await waitForStack(begun.run, !dryRun)) return again();
  const run = await lookAtAll(begun);
  const [fresh] = run.stages.filter((stage) => sameStage(stage, target));
  if (fresh?.clientCertificateId !== target.clientCertificateId && account(run).moving.length === 0) {
    // Somebody was quicker: what was seen of the target is not true any more.
    return again();
  }
  stopIfAsked(run);
  const back = goingBack(run);
  if (back !== undefined && canGoBack(run)) return finishEarlierWayBack(run, back, dryRun);
  await passGates(run, dryRun);
  const plan = await lookAhead(run);
  if (dryRun) return planned(run, plan);

  await openJournal(run);
  try {
    await keepPromise(run);
    await eraseWithdrawal(run);
    const { next } = account(run).unit;
    if (next?.mark?.rolledBack !== undefined) {
      if (!request.settings.force) throw await rollBack(run, 'the new certificate failed after the switch');
      await allowAgain(run, next);
    }
    await runHook(run, 'pre');
    return await despiteOthers(run, () => drive(run));
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
  run.goal = goal;
  await passGatesBack(run);
  const plan = await lookAhead(run);
  if (dryRun) return planned(run, plan);
  await openJournal(run);
  await goBack(run, goal, 'resuming the rollback that an earlier run started');
  await end(run, 'aborted');
  const { old } = account(run).unit;
  const { force, renewBefore } = request.settings;
  if (!old || (!force && !isDue(old.trusted, renewBefore, deps.now()))) return reportOf(run, 'aborted');
  throw new AppError(
    'RotationWaiting',
    `the earlier rotation was aborted; ${oldId} is still due for renewal`,
    {
      hint: 'run the same command again: it starts over',
    },
  );
}

/** The steps to the end as they would be taken; the calls to backends that they make are announced. */
async function lookAhead(run: Run): Promise<Plan> {
  const plan = planSteps(await situation(run));
  const kinds = plan.steps.map(({ kind }) => kind);
  run.calls = await callsToCome(run, kinds, run.goal !== 'rotate');
  const ending = plan.steps.flatMap((step) => (step.kind === 'untrust' ? [step.certificate] : []));
  if (run.goal === 'rotate' && ending.some(({ clientCertificateId: id }) => isAcmArn(id))) {
    const { warnOfUnread } = await import('./trusted-elsewhere.js');
    warnOfUnread(run, ending);
  }
  return plan;
}

type Plan = ReturnType<typeof planSteps>;

/** A dry run: nothing is touched. */
async function planned(run: Run, { steps, last }: Plan): Promise<RotationReport> {
  if (last.kind !== 'done') throw lastError(run, last);
  await tellOfKept(run);
  const outcome = run.goal === 'rotate' ? 'planned' : 'plannedAbort';
  return { ...reportOf(run, outcome), steps: steps.map((step) => plannedStep(run, step)) };
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
  if (next.kind === 'recheck') {
    await approveSwitch(run);
    await runHook(run, 'trusted');
  }
  if (next.kind === 'soak' || next.kind === 'verifyUnused') await runHook(run, 'switched');
}

/** Once a run: the stages of a large rotation are switched in several steps. */
async function approveSwitch(run: Run): Promise<void> {
  const { approve, stack } = run.deps;
  const { moving, unit } = account(run);
  if (approve === undefined || run.isApproved || unit.next === undefined) return;
  const stages = moving
    .map((stage) => named(run, stage))
    .map(({ apiName, stageName }) => `${apiName}/${stageName}`);
  const by =
    stack === undefined
      ? ''
      : ` by an update of the stack ${stack.name} (parameter ${stack.settings.parameter})`;
  await approve(
    `switch ${stageIdsText(stages)} to ${unit.next.clientCertificateId}${by}? The backends accept both certificates`,
  );
  run.isApproved = true;
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

/** Steps that leave everything as it is. */
const LOOKS: ReadonlySet<Step['kind']> = new Set(['verifySwitch', 'soak', 'settle', 'verifyRemoval']);

/**
 * Why nothing can be taken back. Where others have finished the rotation meanwhile, its journal on this machine ends
 * with it.
 */
async function noWayBack(run: Run): Promise<AppError> {
  const error = lastError(run, { kind: 'impossible' });
  const isOwn = run.records.some(
    (entry) => entry.type === 'done' && entry.step === 'delete' && entry.subject === run.oldId,
  );
  // What this machine has brought so far it finishes itself, with its hooks.
  if (isOwn || run.records.length === 0 || closedGateBack(await gateInput(run))) return error;
  const { steps, last } = planSteps(await situation(run));
  if (last.kind !== 'done' || steps.some(({ kind }) => !LOOKS.has(kind))) return error;
  await end(run, 'completed');
  return new AppError(error.code, `${error.message}: another run has completed the rotation`, {
    hint: 'no rotation is in progress any more; use `rotate --force` to replace the certificate in use',
  });
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
  options: { dryRun?: boolean } = {},
): Promise<RotationReport> {
  const { dryRun = false } = options;
  const begun = await begin(deps, request, target);
  if (!dryRun) await endFinished(begun.run, target, false);
  const run = await readJournal(begun);
  if (!begun.unit.next && run.records.length === 0 && !isRemovedLeft(run)) {
    return { ...reportOf(run, 'nothingToAbort'), stages: [named(run, target)] };
  }
  if (await waitForStack(run, !dryRun)) {
    const anew = { ...deps, account: lookingAnew(deps.account) };
    return abort(anew, request, await deps.controlPlane.getStage(target), options);
  }
  await lookAtStages(run, { known: true });
  await lookAtMissingCertificates(run);
  stopIfAsked(run);
  if (!canGoBack(run)) throw dryRun ? lastError(run, { kind: 'impossible' }) : await noWayBack(run);
  run.goal = 'abort';
  await passGatesBack(run);
  const plan = await lookAhead(run);
  if (dryRun) return planned(run, plan);
  await openJournal(run);
  await goBack(run, 'abort', 'requested with --abort');
  await end(run, 'aborted');
  return reportOf(run, 'aborted');
}
