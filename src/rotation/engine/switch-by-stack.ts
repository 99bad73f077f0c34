/** Switching stages by an update of the stack that owns them. */
import type { Stage } from '../../control-plane/api-gateway.js';
import { stagesNow } from '../../control-plane/stages.js';
import { AppError, UNKNOWN_OUTCOME } from '../../platform/errors.js';
import {
  failureReason,
  isUpdated,
  stackState,
  updateParameters,
  type StackEvent,
} from '../../stacks/rules.js';
import type { StackView, UpdateToken } from '../../stacks/stack.js';
import { LONGEST_RETRY, type SwitchEvidence, type SwitchedStage } from '../rules/switch-record.js';
import { stageText } from '../rules/unit.js';
import { lookAtSwitched, replaceStages } from './look.js';
import type { SwitchingStack } from './ports.js';
import { pause, tell, type Run } from './run.js';
import { lookUntil, newToken } from './stack.js';

/** Before an update whose answer was lost is sent again, in milliseconds: doubled up to the last. */
const FIRST_RETRY = 500;
const LAST_RETRY = 4_000;

const STACK_TYPE = 'AWS::CloudFormation::Stack';

/**
 * Sets the parameter of the stack, waits for the end of the update, and looks what the stages present then.
 * @throws AppError `StackUpdateFailed` once the update has ended without that; `ServiceUnreachable` and
 * `ConcurrentModification` when it is not known what becomes of it
 */
export async function switchByStack(
  run: Run,
  stack: SwitchingStack,
  stages: readonly Stage[],
  { step, after, switched }: { step: 'switch' | 'rollBack'; after: string; switched: SwitchedStage[] },
): Promise<SwitchEvidence> {
  const token = newToken(run);
  const before = await stack.describe();
  const begun = await beginUpdate(run, stack, before, { after, token });
  try {
    const end = begun === 'begun' ? await ended(run, stack, before, { token, step }) : before.status;
    if (!isUpdated(end) && begun === 'begun') {
      replaceStages(run, await stagesNow(run.deps.controlPlane, stages));
      throw await notUpdated(run, stack, { stages, token, end });
    }
    run.wroteAt = run.deps.now();
    await lookAtSwitched(run, stages, after);
    assertSwitched(run, stack, stages, after);
    return { after, stages: switched };
  } catch (error) {
    throw asUnknown(error, stack);
  } finally {
    run.wroteAt = run.deps.now();
  }
}

/** Begins the update; sent again with the same token where it is not known whether it began. */
async function beginUpdate(
  run: Run,
  stack: SwitchingStack,
  { parameters, capabilities }: StackView,
  { after, token }: { after: string; token: UpdateToken },
): Promise<'begun' | 'unchanged'> {
  const { now, assertHeld } = run.deps;
  const deadline = now().getTime() + Math.min(run.request.settings.inFlight, LONGEST_RETRY);
  const input = {
    parameters: updateParameters([...parameters.keys()], stack.settings.parameter, after),
    capabilities,
    token,
  };
  let mayHaveBegun = false;
  for (let retry = FIRST_RETRY; ; retry = Math.min(2 * retry, LAST_RETRY)) {
    await assertHeld();
    run.hasSwitched = true;
    run.wroteAt = now();
    try {
      return await stack.update(input);
    } catch (error) {
      const code = error instanceof AppError ? error.code : undefined;
      const isUnknown = code !== undefined && UNKNOWN_OUTCOME.has(code);
      // What is said of this attempt says nothing of an earlier one.
      if (!isUnknown && code !== 'Throttled') throw mayHaveBegun ? notKnown(error, stack) : error;
      mayHaveBegun ||= isUnknown;
      if (now().getTime() >= deadline) throw mayHaveBegun ? notKnown(error, stack) : error;
    }
    await pause(run, retry);
  }
}

/** Waits for the end of the update, and tells what happens meanwhile. @returns the status that it ended with */
async function ended(
  run: Run,
  stack: SwitchingStack,
  { name }: StackView,
  { token, step }: { token: UpdateToken; step: 'switch' | 'rollBack' },
): Promise<string> {
  const told = new Set<string>();
  const { now, signal } = run.deps;
  let heardAt = now().getTime();
  const status = await lookUntil(run, async () => {
    let events: StackEvent[];
    try {
      events = await stack.events(token);
    } catch (error) {
      // It has begun, and ends whether it can be watched or not.
      if (signal.aborted || now().getTime() - heardAt > run.request.settings.inFlight) throw error;
      return undefined;
    }
    heardAt = now().getTime();
    for (const event of events) {
      if (told.has(event.id)) continue;
      told.add(event.id);
      const { logicalId, type, status: reached, reason } = event;
      tell(run, {
        type: 'stackEvent',
        step,
        resource: logicalId,
        resourceType: type,
        status: reached,
        ...(reason === undefined ? {} : { reason }),
      });
    }
    // Those of the request itself: what DescribeStacks shows may be of before it.
    return events.findLast(
      (event) => event.type === STACK_TYPE && event.logicalId === name && stackState(event.status) !== 'busy',
    )?.status;
  });
  if (status !== undefined) return status;
  throw new AppError('ServiceUnreachable', `the update of the stack ${name} has not ended within an hour`, {
    hint: 'run the same command again: it waits for the stack first',
  });
}

/** Says what became of an update that was not completed. */
async function notUpdated(
  run: Run,
  stack: SwitchingStack,
  { stages, token, end }: { stages: readonly Stage[]; token: UpdateToken; end: string },
): Promise<AppError> {
  const reason = failureReason(await stack.events(token));
  const { name } = stack;
  return new AppError(
    'StackUpdateFailed',
    `the update of the stack ${name} failed${reason === undefined ? '' : `: ${reason}`}; the stack is in the status ${end}; ${presentedText(run, stages)}`,
    {
      hint:
        stackState(end) === 'ready'
          ? 'fix the cause, then run the same command again'
          : `fix the cause, run \`aws cloudformation continue-update-rollback --stack-name ${name}\`, then run the same command again`,
      details: { stack: name, status: end },
    },
  );
}

function presentedText({ stages: known }: Run, stages: readonly Stage[]): string {
  const names = new Set(stages.map(stageText));
  return known
    .filter((stage) => names.has(stageText(stage)))
    .map((stage) => `${stageText(stage)} presents ${stage.clientCertificateId ?? 'no certificate'}`)
    .join(', ');
}

/** The stack may believe that a stage presents what it does not. */
function assertSwitched(run: Run, { name }: SwitchingStack, stages: readonly Stage[], after: string): void {
  const names = new Set(stages.map(stageText));
  const seen = run.stages.filter((stage) => names.has(stageText(stage)));
  if (seen.every(({ clientCertificateId }) => clientCertificateId === after)) return;
  throw new AppError(
    'StackUpdateFailed',
    `the stack ${name} has been updated, but ${presentedText(run, stages)} instead of ${after}`,
    {
      hint: 'someone else changed the stage: detect the drift of the stack, correct it, then run the same command again',
      details: { stack: name },
    },
  );
}

/** Once an update has begun, whatever else goes wrong leaves open what becomes of it. */
function asUnknown(error: unknown, stack: SwitchingStack): unknown {
  const isSaid = error instanceof AppError && (KNOWN.has(error.code) || UNKNOWN_OUTCOME.has(error.code));
  return isSaid ? error : notKnown(error, stack);
}

function notKnown(error: unknown, { name }: SwitchingStack): AppError {
  if (error instanceof AppError && UNKNOWN_OUTCOME.has(error.code)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new AppError(
    'ServiceUnreachable',
    `it is not known what the update of the stack ${name} has changed: ${message}`,
    { hint: 'run the same command again: it looks at the stack and the stages first', cause: error },
  );
}

const KNOWN: ReadonlySet<string> = new Set(['StackUpdateFailed', 'LockLost']);
