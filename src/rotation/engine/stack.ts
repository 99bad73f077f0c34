/** The stack that switches the stages of a rotation: looking at it, and waiting for it. */
import { AppError } from '../../platform/errors.js';
import { stackState } from '../../stacks/rules.js';
import type { ComingValue } from '../../stacks/constraints.js';
import type { StackView, UpdateToken } from '../../stacks/stack.js';
import { assertOpen } from '../rules/gate-failure.js';
import { stackFailure, type StackSight } from '../rules/stack-gate.js';
import { account, pause, tell, type Run } from './run.js';

/** Between two looks at a stack that is changing, in milliseconds: doubled up to the last. */
const FIRST_LOOK = 250;
const LAST_LOOK = 5_000;
/** How long a run waits for a change of the stack, its own or another's, in milliseconds. */
const LONGEST_CHANGE = 60 * 60_000;

/** Looks again and again until something is found. @returns `undefined` when the time for that is over */
export async function lookUntil<T>(run: Run, look: () => Promise<T | undefined>): Promise<T | undefined> {
  const deadline = run.deps.now().getTime() + LONGEST_CHANGE;
  for (let wait = FIRST_LOOK; ; wait = Math.min(2 * wait, LAST_LOOK)) {
    const found = await look();
    if (found !== undefined || run.deps.now().getTime() >= deadline) return found;
    await pause(run, wait);
  }
}

/** What the stack is, and what its template does with the parameter. */
export async function lookAtStack(run: Run): Promise<StackSight | undefined> {
  const { stack } = run.deps;
  if (stack === undefined) return undefined;
  const [view, text] = await Promise.all([
    stack.describe(),
    stack.template(),
    // An update whose events may not be read could not be waited for.
    stack.events(newToken(run)),
  ]);
  const { parameterUse, refusalOf } = await import('../../stacks/template.js');
  const { settings } = stack;
  run.parameterValue = view.parameters.get(settings.parameter) ?? '';
  const use = parameterUse(text, settings.parameter);
  return {
    look: { settings, view, use },
    stages: run.stages,
    isBehind: isBehind(run),
    refusal: use.parameter && refusalOf(use.parameter.constraints, valueOf(run), view.id),
  };
}

/** What the parameter is to be set to. */
function valueOf(run: Run): ComingValue {
  const { request, importedArn } = run;
  const { unit } = account(run);
  if (run.goal !== 'rotate') return { id: unit.oldId };
  const id = unit.next?.clientCertificateId ?? request.to ?? importedArn;
  return id === undefined ? { madeBy: request.importing ? 'import' : 'generate' } : { id };
}

/** Whether any stage is to be switched. */
function isBehind(run: Run): boolean {
  const { moving, unit } = account(run);
  const id = run.goal === 'rotate' ? unit.next?.clientCertificateId : unit.oldId;
  return run.goal !== 'cancel' && moving.some(({ clientCertificateId }) => clientCertificateId !== id);
}

/**
 * Right before a switch: the stack is still one that can switch the stages, and them alone.
 * @throws AppError `StackNotUsable`, `RotationWaiting`
 */
export async function assertStackUsable(run: Run): Promise<void> {
  const stack = await lookAtStack(run);
  if (stack === undefined) return;
  const { unit, moving } = account(run);
  assertOpen(stackFailure({ ...stack, unit, moving, settings: run.request.settings }));
}

/**
 * Waits until nothing changes the stack, before the stages are looked at: an earlier run may have ended amid its update.
 * @returns whether it was waited for, so that what was seen before is not true any more
 * @throws AppError `RotationWaiting` where it is not waited for
 */
export async function waitForStack(run: Run, isPatient: boolean): Promise<boolean> {
  const { deps, request } = run;
  const { stack } = deps;
  if (stack === undefined) return false;
  let view: StackView | undefined;
  let hasWaited = false;
  const idle = await lookUntil(run, async () => {
    view = await stack.describe();
    if (stackState(view.status) !== 'busy') return view;
    if (!isPatient || !request.settings.wait) throw stillBusy(view);
    if (!hasWaited) tell(run, { type: 'waiting', until: until(run), reason: `the stack ${view.name}` });
    hasWaited = true;
    return undefined;
  });
  if (idle === undefined && view) throw stillBusy(view);
  return hasWaited;
}

const until = ({ deps }: Run): string => new Date(deps.now().getTime() + LONGEST_CHANGE).toISOString();

const stillBusy = ({ name, status }: StackView): AppError =>
  new AppError('RotationWaiting', `a change of the stack ${name} is in progress (${status})`, {
    hint: 'run the same command again when it has ended',
  });

/**
 * What the stack would set again is not deleted, and stays trusted.
 * @throws AppError `StackNotUsable`; `RotationWaiting` while the stack is changed, by whomever
 */
export async function assertNotInStack({ deps: { stack } }: Run, id: string): Promise<void> {
  if (stack === undefined) return;
  const view = await stack.describe();
  const { name, status, parameters } = view;
  const state = stackState(status);
  if (state === 'busy') throw stillBusy(view);
  if (state === 'blocked') {
    throw new AppError(
      'StackNotUsable',
      `the stack ${name} is in the status ${status}, and may set ${id} again, so ${id} and the trust in it stay`,
      { hint: 'bring the stack into a status that can be updated, then run the same command again' },
    );
  }
  if (parameters.get(stack.settings.parameter) !== id) return;
  throw new AppError(
    'StackNotUsable',
    `the parameter ${stack.settings.parameter} of the stack ${name} is ${id}, so ${id} and the trust in it stay`,
    { hint: 'update the stack with the ID that its stages present, then run the same command again' },
  );
}

/** A token for an update. Its time comes first, so that no length of the ID cuts it off. */
export function newToken({
  rotationId,
  deps,
}: Pick<Run, 'rotationId'> & { deps: Pick<Run['deps'], 'now'> }): UpdateToken {
  const madeAt = deps.now();
  const id = rotationId.replaceAll(/[^A-Za-z0-9-]/g, '-');
  return { text: `apigw-cert-${madeAt.getTime().toString(36)}-${id}`.slice(0, 128), madeAt };
}
