/** A rotation as a durable execution: rounds, and waits between them that cost nothing. */
import { CallbackSubmitterError, type DurableContext } from '@aws/durable-execution-sdk-js';
import type {
  Answer,
  Handler,
  Job,
  LambdaContext,
  PlanAnswer,
  Request,
  RotateAnswer,
  RotateRequest,
} from '../lambda/index.js';
import type { Started } from './start.js';

/** What a person is asked. */
export interface Approval {
  /** For `aws lambda send-durable-execution-callback-success` (approves) and `…-failure` (aborts the rotation). */
  callbackId: string;
  job: Job;
  /** What was seen: both certificates are accepted. */
  reason: string;
}

/** How the executions work. Times are in seconds. */
export interface WorkflowOptions {
  /** The handler of `apigw-cert/lambda`. */
  ask: Handler;
  /** Asks a person before the stages of a target with `approve: before-switch` are switched. Absent: it needs attention. */
  onApproval?: ((approval: Approval) => Promise<void>) | undefined;
  /** How long a person has to answer, until the rotation is aborted. */
  approvalTimeout: number;
  /** When to look again at what needs attention. */
  attentionInterval: number;
  /** Starts an execution of this function. @param name of the execution; another with the same is not started. Without one, AWS makes one up */
  start: (name: string | undefined, event: unknown) => Promise<Started>;
  /** The share of jobs that may fail to start before the execution fails, in percent. */
  toleratedFailures: number;
  now: () => Date;
}

/** Waits before the same request after a temporary failure; then it is one like any other. Seconds. */
const AFTER_TEMPORARY = [60, 300, 900];
/** What waits for others asks often at first, and each hour after so many times: seconds. */
const SHORT = 120;
const MOST_SHORT = 60;
const LONG = 3_600;
/** An execution has 3,000 operations at most, and a round with its wait takes two. */
const MOST_ROUNDS = 1_200;
/** Jobs that one execution starts: each takes two operations. Another execution continues. */
const MOST_STARTS = 1_000;
const STARTS_AT_ONCE = 10;

/** An answer, and for how long to wait after it: by the clock of the step, since a workflow must not look at one. */
interface Step {
  answer: RotateAnswer;
  wait: number;
}

/** Sends a request to the handler in the invocation of this moment. */
export const askNow = (context: DurableContext, ask: Handler, request: Request): Promise<Answer> =>
  ask(request, context.lambdaContext as LambdaContext);

const isApprovalNeeded = (answer: RotateAnswer): boolean =>
  answer.status === 'attention' && answer.code === 'ConfirmationNeeded';

/** What was thrown as an answer: a broken deployment must not end the executions that it meets. */
function failure(error: unknown, target: string): RotateAnswer {
  const { name, message, code, hint } = error as Error & { code?: string; hint?: string };
  return {
    request: 'rotate',
    target,
    certificates: [],
    status: 'attention',
    // Another error than apigw-cert's own may quote anything.
    ...(name === 'AppError'
      ? { code: (code ?? 'Internal') as 'Internal', reason: message }
      : { code: 'Internal', reason: `internal error: ${name}` }),
    ...(hint === undefined ? {} : { remedy: hint }),
    isTemporary: false,
  };
}

/**
 * Rotates one certificate to the end. Attention does not end it, since no second execution can have its name: it looks
 * again a day later, until the rotation is done, by this execution or another run.
 * @returns the last answer
 */
export async function rotateOne(
  context: DurableContext,
  request: RotateRequest,
  { ask, onApproval, approvalTimeout, attentionInterval, now }: WorkflowOptions,
): Promise<RotateAnswer> {
  const { job } = request;
  let { approval } = request;
  let abort = request.abort === true;
  /** `force` is for the first round: what it began, the others complete. */
  let force = request.force === true;
  let temporary = 0;
  /** Short waits one after another: for hosts to report, or for a lease. */
  let short = 0;
  for (let count = 1; count <= MOST_ROUNDS; count += 1) {
    const asked: RotateRequest = {
      request: 'rotate',
      job,
      ...(approval === undefined ? {} : { approval }),
      ...(abort ? { abort } : {}),
      ...(force ? { force } : {}),
    };
    const { answer, wait } = await context.step(
      `round-${count}`,
      async (): Promise<Step> => {
        const got = (await askNow(context, ask, asked).catch((error: unknown) =>
          failure(error, job.target),
        )) as RotateAnswer;
        const until = got.status === 'waiting' ? Date.parse(got.until) - now().getTime() : 0;
        return { answer: got, wait: Math.max(1, Math.ceil(until / 1_000)) };
      },
      { retryStrategy: () => ({ shouldRetry: false }) },
    );
    force = false;
    if (answer.status === 'done') return answer;
    if (answer.status === 'waiting') {
      temporary = 0;
      short = wait < SHORT ? short + 1 : 0;
      await context.wait(`until-${count}`, { seconds: short > MOST_SHORT ? LONG : wait });
    } else if (isApprovalNeeded(answer) && onApproval !== undefined) {
      const said = await askPerson(context, `approval-${count}`, approvalTimeout, (callbackId) =>
        onApproval({ callbackId, job, reason: answer.reason }),
      );
      if (said === 'approved') approval = 'given';
      else if (said === 'refused') abort = true;
      else await context.wait(`ask-again-${count}`, { seconds: attentionInterval });
    } else {
      const soon = answer.isTemporary ? AFTER_TEMPORARY[temporary] : undefined;
      temporary = soon === undefined ? 0 : temporary + 1;
      await context.wait(`again-${count}`, { seconds: soon ?? attentionInterval });
    }
  }
  throw new Error(`the rotation of ${job.target} was not done after ${MOST_ROUNDS} rounds`);
}

/** What a person says; no answer in time is a refusal. */
async function askPerson(
  context: DurableContext,
  name: string,
  seconds: number,
  submit: (callbackId: string) => Promise<void>,
): Promise<'approved' | 'refused' | 'notAsked'> {
  try {
    await context.waitForCallback(name, (callbackId) => submit(callbackId), { timeout: { seconds } });
    return 'approved';
  } catch (error) {
    return error instanceof CallbackSubmitterError ? 'notAsked' : 'refused';
  }
}

/** What became of starting the executions of all certificates that are due. */
export interface FleetAnswer {
  request: 'rotateDue';
  started: number;
  /** Targets that cannot be rotated or looked at; the log says why. */
  refused: number;
  failed: number;
  /** Another execution goes on with the rest. */
  isContinued: boolean;
}

/** A request of the durable function alone: starts an execution for each certificate that is due. */
export interface FleetRequest {
  request: 'rotateDue';
  account?: string;
  region?: string;
  after?: string;
}

/**
 * Starts an execution for each certificate that is due, page by page.
 * @throws Error when more fail than are tolerated
 */
export async function rotateDue(
  context: DurableContext,
  { account, region, after: first }: FleetRequest,
  { ask, start, toleratedFailures }: WorkflowOptions,
): Promise<FleetAnswer> {
  const where = {
    ...(account === undefined ? {} : { account }),
    ...(region === undefined ? {} : { region }),
  };
  let [started, refused, failed] = [0, 0, 0];
  let after = first;
  for (let page = 1; ; page += 1) {
    const asked: Request = {
      request: 'plan',
      due: true,
      ...where,
      ...(after === undefined ? {} : { after }),
    };
    const plan = await context.step(
      `plan-${page}`,
      async () => (await askNow(context, ask, asked)) as PlanAnswer,
      { retryStrategy: (_error, attempt) => ({ shouldRetry: attempt < 3, delay: { seconds: 60 } }) },
    );
    const results = await context.map(
      `start-${page}`,
      plan.jobs,
      (child, job, index) => child.step(`start-${index}`, () => start(job.name, { request: 'rotate', job })),
      {
        maxConcurrency: STARTS_AT_ONCE,
        itemNamer: ({ name, target }) => name ?? target,
        completionConfig: { toleratedFailurePercentage: 100 },
      },
    );
    started += results.successCount;
    failed += results.failureCount;
    refused += plan.refused.length;
    after = plan.next;
    if (after === undefined || started + failed >= MOST_STARTS) break;
  }
  if (failed * 100 > toleratedFailures * (started + failed))
    throw new Error(`${failed} of ${started + failed} executions could not be started`);
  if (after !== undefined) {
    const rest = { request: 'rotateDue', ...where, after };
    await context.step('continue', () => start(undefined, rest));
  }
  return { request: 'rotateDue', started, refused, failed, isContinued: after !== undefined };
}
