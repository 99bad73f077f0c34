/** `apigw-cert/durable`: rotations as Lambda durable functions, one execution for each certificate (docs/lambda.md). */
import { withDurableExecution, type DurableLambdaHandler } from '@aws/durable-execution-sdk-js';
import type { Answer, Handler, Request } from '../lambda/index.js';
import { parseDuration } from '../platform/duration.js';
import { startExecutions } from './start.js';
import {
  askNow,
  rotateDue,
  rotateOne,
  type FleetAnswer,
  type FleetRequest,
  type WorkflowOptions,
} from './workflow.js';

export type { Approval, FleetAnswer, FleetRequest } from './workflow.js';

/** How the durable function is made. Lengths of time have a unit: `1d`. */
export interface DurableOptions extends Pick<WorkflowOptions, 'onApproval'> {
  /** The handler that `createHandler` of `apigw-cert/lambda` makes. */
  handler: Handler;
  /** How long a person has to approve a switch, until the rotation is aborted. Default: `7d`. */
  approvalTimeout?: string;
  /** When to look again at a rotation that needs attention. Default: `1d`. */
  attentionInterval?: string;
  /** How many executions may fail to start before `rotateDue` fails, in percent. Default: 10. */
  toleratedFailures?: number;
  /** This function with its version or alias. Default: as Lambda says it in the environment. */
  functionName?: string;
  /** The time; by default the machine's. */
  now?: () => Date;
}

const seconds = (text: string): number => Math.ceil(parseDuration(text) / 1_000);

/** The function as it runs: a durable function is invoked by a version or an alias. */
const thisFunction = ({
  AWS_LAMBDA_FUNCTION_NAME: name = '',
  AWS_LAMBDA_FUNCTION_VERSION: version,
}: NodeJS.ProcessEnv) => (version === undefined ? name : `${name}:${version}`);

/**
 * Makes the handler of a durable function. It takes the requests of `apigw-cert/lambda`, where `rotate` goes on until the
 * rotation is done, and `{ "request": "rotateDue" }`, which starts an execution for each certificate that is due.
 * @throws AppError `Usage` for a length of time that cannot be read
 */
export function createDurableHandler({
  handler,
  onApproval,
  approvalTimeout = '7d',
  attentionInterval = '1d',
  toleratedFailures = 10,
  functionName = thisFunction(process.env),
  now = () => new Date(),
}: DurableOptions): DurableLambdaHandler {
  const options: WorkflowOptions = {
    ask: handler,
    onApproval,
    approvalTimeout: seconds(approvalTimeout),
    attentionInterval: seconds(attentionInterval),
    toleratedFailures,
    start: startExecutions(functionName),
    now,
  };
  return withDurableExecution<Request | FleetRequest, Answer | FleetAnswer>((event, context) => {
    switch (event.request) {
      case 'rotate':
        return rotateOne(context, event, options);
      case 'rotateDue':
        return rotateDue(context, event, options);
      default:
        return context.step('ask', () => askNow(context, handler, event));
    }
  });
}
