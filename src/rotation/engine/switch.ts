import type { Stage } from '../../control-plane/api-gateway.js';
import { AppError, UNKNOWN_OUTCOME } from '../../platform/errors.js';
import {
  LONGEST_BATCH,
  LONGEST_RETRY,
  type SwitchEvidence,
  type SwitchedStage,
} from '../rules/switch-record.js';
import { stageText } from '../rules/unit.js';
import { isCheckFresh, replaceStages } from './look.js';
import { account, pause, step, tell, type Run } from './run.js';
import { switchByStack } from './switch-by-stack.js';

/** Before a write whose outcome is not known is settled by looking and trying again, in milliseconds: doubled up to the last. */
const FIRST_RETRY = 500;
const LAST_RETRY = 4_000;

/**
 * Sets the certificate of some stages, one after another; `rollBack` is the same the other way round. It ends early, and
 * what is left is for another step, when what was looked at before is too old for the next stage, or one of them fails
 * after others were set.
 */
export async function switchStages(
  run: Run,
  name: 'switch' | 'rollBack',
  stages: readonly Stage[],
  after: string,
): Promise<void> {
  const [first] = stages;
  const subject = stages.length === 1 && first ? stageText(first) : undefined;
  const intent = evidenceOf(subject, { after, stages: stages.map(toSwitch) });
  const { stack } = run.deps;
  const effect = async () => {
    const evidence =
      stack === undefined
        ? await switchEach(run, name, stages, after)
        : await switchByStack(run, stack, stages, { step: name, after, switched: stages.map(toSwitch) });
    return { value: undefined, evidence: evidenceOf(subject, evidence) };
  };
  await step(run, name, subject, effect, intent);
}

const toSwitch = (stage: Stage): SwitchedStage => ({
  stage: stageText(stage),
  ...(stage.clientCertificateId === undefined ? {} : { before: stage.clientCertificateId }),
});

/** A step about one stage, its subject, says the same shorter. */
function evidenceOf(
  subject: string | undefined,
  { stages, triedAgain = [], ...rest }: SwitchEvidence,
): Record<string, unknown> {
  const isAgain = triedAgain.length > 0;
  if (subject === undefined) return { ...rest, stages, ...(isAgain ? { triedAgain } : {}) };
  const [only] = stages;
  return { ...rest, before: only?.before, ...(isAgain ? { triedAgain: true } : {}) };
}

async function switchEach(
  run: Run,
  name: 'switch' | 'rollBack',
  stages: readonly Stage[],
  after: string,
): Promise<SwitchEvidence> {
  const { now, signal } = run.deps;
  const of = account(run).moving.length;
  const before = switchedTo(run, after);
  const begun = now().getTime();
  const changed: SwitchedStage[] = [];
  const triedAgain: string[] = [];
  let unsettled: string | undefined;
  for (const stage of stages) {
    const isLate = now().getTime() - begun > LONGEST_BATCH || !isCheckFresh(run) || signal.aborted;
    if (changed.length > 0 && isLate) break;
    try {
      const { set, isAgain } = await setCertificate(run, stage, after);
      replaceStages(run, [set]);
      changed.push(toSwitch(stage));
      if (isAgain) triedAgain.push(stageText(stage));
    } catch (error) {
      const code = error instanceof AppError ? error.code : undefined;
      if (code === 'LockLost') throw error;
      // The next step begins with it, and says what is the matter.
      if (changed.length > 0) {
        if (code === undefined || UNKNOWN_OUTCOME.has(code)) unsettled = stageText(stage);
        break;
      }
      throw error instanceof AppError && of > 1 ? partly(run, error, after) : error;
    }
    if (of > 1) tell(run, { type: 'stepProgress', step: name, done: before + changed.length, of });
  }
  return { after, stages: changed, triedAgain, ...(unsettled === undefined ? {} : { unsettled }) };
}

const switchedTo = (run: Run, id: string): number =>
  account(run).moving.filter(({ clientCertificateId }) => clientCertificateId === id).length;

/** Says how far it has come. */
function partly(run: Run, error: AppError, id: string): AppError {
  const done = switchedTo(run, id);
  const of = account(run).moving.length;
  const hint = 'run the same command again to switch the others';
  const told = UNKNOWN_OUTCOME.has(error.code)
    ? `${done} of ${of} stages are known to present ${id}, and the trust stores accept what each may present`
    : `${done} of ${of} stages present ${id}, ${of - done} do not, and the trust stores accept what each presents`;
  return new AppError(error.code, `${error.message}; ${told}`, {
    hint: error.hint === undefined ? hint : `${error.hint}; then ${hint}`,
    cause: error,
    details: { ...error.details, switched: done, stages: of },
  });
}

/**
 * A lost answer, a conflict or an answer that says nothing is neither done nor failed: it is tried again, which ends in
 * the same state however often, until AWS says that it is done or the time for it is over.
 * @throws AppError of the first answer that told nothing
 */
async function setCertificate(run: Run, stage: Stage, id: string): Promise<{ set: Stage; isAgain: boolean }> {
  const { controlPlane, now, assertHeld } = run.deps;
  const deadline = now().getTime() + Math.min(run.request.settings.inFlight, LONGEST_RETRY);
  let unknown: AppError | undefined;
  for (let retry = FIRST_RETRY; ; retry = Math.min(2 * retry, LAST_RETRY)) {
    try {
      await assertHeld();
      run.hasSwitched = true;
      run.wroteAt = now();
      return { set: await controlPlane.setStageCertificate(stage, id), isAgain: unknown !== undefined };
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'LockLost') throw error;
      if (!UNKNOWN_OUTCOME.has(error.code)) throw unknown ? unsettled(stage, id, unknown, error) : error;
      unknown ??= error;
      if (now().getTime() >= deadline) throw unsettled(stage, id, unknown, error);
    } finally {
      run.wroteAt = now();
    }
    await pause(run, retry);
  }
}

function unsettled(stage: Stage, id: string, first: AppError, last: AppError): AppError {
  const later = last === first || last.message === first.message ? '' : `; later: ${last.message}`;
  return new AppError(
    first.code,
    `it is not known whether ${stageText(stage)} presents ${id} now: ${first.message}${later}`,
    {
      hint: 'run the same command again: it checks the state and resumes',
      cause: last,
      details: { ...first.details },
    },
  );
}
