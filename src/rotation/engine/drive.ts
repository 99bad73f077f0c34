/** The loop of a rotation, forward and back: look, take the next step, look again. */
import { arnOfVersion, isAcmVersion } from '../../control-plane/acm-version.js';
import type { Certificate } from '../../control-plane/certificate.js';
import { stageIdsText } from '../../control-plane/stages-text.js';
import { verbOf } from '../../platform/list-text.js';
import { AppError } from '../../platform/errors.js';
import { nextStep, type Step } from '../rules/next-step.js';
import { isLast, type LastStep } from '../rules/plan.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { stageText } from '../rules/unit.js';
import { replaceCertificate } from './look.js';
import { forgetRemoved, forgetSuccessor, writeMark } from './mark.js';
import { despiteOthers } from './others.js';
import { perform } from './perform.js';
import { account, NOTHING_PROVED, step, stopIfAsked, tell, warn, type Run } from './run.js';
import { situation } from './situation.js';

type End = LastStep | Extract<Step, { kind: 'keep' }>;

/**
 * Takes one step after another until nothing more is to be done, or can be.
 * @param most more than are ever needed
 * @param before called with each step before it is taken
 */
export async function takeSteps(
  run: Run,
  most: number,
  before: (next: Step) => Promise<void> = () => Promise.resolve(),
): Promise<End> {
  for (let steps = 0; steps < most; steps++) {
    stopIfAsked(run);
    const next = nextStep(await situation(run));
    await before(next);
    if (isLast(next) || next.kind === 'keep') return next;
    await perform(run, next);
  }
  throw new AppError('StageChanged', 'the stages keep changing during the rotation', {
    hint: 'find out what else sets their client certificate',
  });
}

/** What to throw where a rotation can neither go on nor is done. */
export function lastError(run: Run, { kind, ...rest }: End): AppError {
  const { oldId } = run;
  if (kind === 'impossible' && isAcmVersion(oldId)) {
    return new AppError(
      'UndoImpossible',
      `the import under ${arnOfVersion(oldId)} cannot be rolled back: ACM keeps no earlier certificate, and the files of ${oldId} are not specified`,
      {
        hint: 'specify them (--in-place --previous-cert FILE --previous-key FILE) with --abort; or make the backends accept the new certificate, then run the same command with --force',
      },
    );
  }
  if (kind === 'impossible') {
    return new AppError(
      'UndoImpossible',
      isAcmArn(oldId)
        ? `the trust in the old certificate ${oldId} ends, so no stage is switched back to it`
        : `the old certificate ${oldId} is deleted, so no stage can be switched back to it`,
      {
        hint: `the rotation can only be completed: run the same command without --abort${isAcmArn(oldId) ? `; after that, --to ${oldId} rotates back` : ''}`,
      },
    );
  }
  if (kind === 'inUse' && 'certificate' in rest) {
    const id = rest.certificate.clientCertificateId;
    const users = run.stages.filter(({ clientCertificateId }) => clientCertificateId === id).map(stageText);
    return new AppError(
      'CertificateInUse',
      `${stageIdsText(users)} ${verbOf(users, 'present')} ${id}, so it stays`,
      {
        details: { stages: users },
        hint: 'check whether this is intended (`apigw-cert list --usage`), then run the same command again',
      },
    );
  }
  if (kind === 'stillPublished' && 'publication' in rest) {
    const { clientCertificateId: id } = rest.certificate;
    return new AppError(
      'PublicationAmbiguous',
      `${rest.publication} contains ${id}, and the stages of its target present different certificates, so ${id} and the trust in it stay`,
      {
        details: { publication: rest.publication, clientCertificateId: id },
        hint: 'attach the same certificate to all stages of the target, or write the ID of one that is in use to that place, then run the same command again',
      },
    );
  }
  return new AppError(
    'StageChanged',
    `no stage presents ${oldId} or its successor any more: someone else changed it`,
    {
      hint: 'check what the stage presents now (`apigw-cert list --usage`), then run the command again',
    },
  );
}

const mostStepsBack = ({ stages }: Run): number => 200 + 4 * stages.length;

/**
 * Takes the rotation back by the same loop: `abort` everything that was made for the place of the old certificate, once
 * begun gone on with by each further run; `cancel` only what this rotation made, and only while no stage presents it.
 * @throws AppError `UndoImpossible`, `CertificateInUse`, `RotationWaiting`
 */
export async function goBack(run: Run, goal: 'abort' | 'cancel', reason: string): Promise<void> {
  run.goal = goal;
  run.progress = { ...NOTHING_PROVED, recounted: run.progress.recounted };
  tell(run, { type: 'rollingBack', reason });
  await step(
    run,
    'undo',
    undefined,
    async () => {
      const last = await takeBackSteps(run);
      if (last.kind !== 'done') throw lastError(run, last);
      const { old } = account(run).unit;
      await forgetSuccessor(run);
      if (old) replaceCertificate(run, await forgetRemoved(run, old));
      return { value: undefined, evidence: { goal, reason } };
    },
    { goal, reason },
  );
}

/** Where there turns out to be no way back, the rotation can only be finished, and no mark must say otherwise. */
async function takeBackSteps(run: Run): Promise<End> {
  try {
    const last = await despiteOthers(run, () => takeSteps(run, mostStepsBack(run)));
    if (last.kind === 'impossible') await eraseWithdrawal(run);
    return last;
  } catch (error) {
    if (error instanceof AppError && error.code === 'UndoImpossible') await eraseWithdrawal(run);
    throw error;
  }
}

/** The rotation goes on: no mark must keep runs from switching to the new certificate. */
export async function eraseWithdrawal(run: Run): Promise<void> {
  const { next } = account(run).unit;
  if (next?.mark?.withdrawn === undefined) return;
  const mark = { ...next.mark };
  delete mark.withdrawn;
  replaceCertificate(run, await writeMark(run, next, mark));
}

/** Whether there is a way back at all: once the old certificate is deleted, what left it cannot return to it. */
export function canGoBack(run: Run): boolean {
  const { unit, moving } = account(run);
  return (
    unit.old !== undefined || moving.every(({ clientCertificateId }) => clientCertificateId === run.oldId)
  );
}

/** Whether an earlier run began to take this rotation back and did not come to the end; by the journal, or by the mark. */
export function goingBack(run: Run): 'abort' | 'cancel' | undefined {
  const { records } = run;
  const { next } = account(run).unit;
  const begun = records.findLast((entry) => entry.type === 'intent' && entry.step === 'undo');
  const last = records.findLast((entry) => 'step' in entry && entry.step === 'undo');
  const goal = begun?.type === 'intent' && begun.evidence?.['goal'] === 'cancel' ? 'cancel' : 'abort';
  const isOver =
    last?.type === 'done' ||
    (last?.type === 'failed' &&
      // What a stage has come to present meanwhile is gone on with.
      (last.code === 'UndoImpossible' || (last.code === 'CertificateInUse' && goal === 'cancel')));
  if (last !== undefined && !isOver) return goal;
  return next?.mark?.withdrawn === undefined ? undefined : 'abort';
}

/** Another run, perhaps on another machine, is aborting the rotation. */
export function withdrawn(run: Run): AppError | undefined {
  const { next } = account(run).unit;
  if (run.goal !== 'rotate' || next?.mark?.withdrawn === undefined) return undefined;
  return new AppError(
    'RotationOvertaken',
    `another run is aborting this rotation: it withdrew ${next.clientCertificateId} at ${next.mark.withdrawn}`,
    {
      hint: 'run the same command again after that run has finished; if it did not complete the abort, this command resumes it',
    },
  );
}

/**
 * After a failure in use: switches the stages back and keeps the new certificate, marked, so that no timer tries it
 * again before a person has looked. The mark comes first: a run that finds it, and a stage that presents the
 * certificate, goes on with the roll-back.
 */
export async function rollBack(run: Run, why: string, cause?: unknown): Promise<AppError> {
  tell(run, { type: 'rollingBack', reason: why });
  const { next } = account(run).unit;
  if (next?.mark && next.mark.rolledBack === undefined) {
    try {
      replaceCertificate(
        run,
        await writeMark(run, next, { ...next.mark, rolledBack: run.deps.now().toISOString() }),
      );
    } catch (error) {
      warn(
        run,
        'MarkNotWritten',
        `${next.clientCertificateId} could not be marked as rolled back, so the next run would switch to it again: ${String(error)}`,
      );
    }
  }
  run.goal = 'rollBack';
  run.progress = NOTHING_PROVED;
  const last = await takeSteps(run, mostStepsBack(run));
  if (last.kind !== 'done') return lastError(run, last);
  return new AppError('RolledBack', `the stages present the old certificate ${run.oldId} again: ${why}`, {
    hint: 'find out why the backend refused the new one; then use `rotate --force` to try again, or `rotate --abort` to abort',
    cause,
  });
}

/** Lets a certificate that failed in use be tried again, by this run and by those that go on with it. */
export async function allowAgain(run: Run, certificate: Certificate): Promise<void> {
  if (certificate.mark?.rolledBack === undefined) return;
  const mark = { ...certificate.mark };
  delete mark.rolledBack;
  replaceCertificate(run, await writeMark(run, certificate, mark));
}
