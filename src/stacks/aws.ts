/** A stack at AWS, or at anything that speaks its protocol. */
import type { Capability } from '@aws-sdk/client-cloudformation';
import { networkError, reasonOf, type SdkError } from '../aws/network-error.js';
import { optionalClient } from '../aws/optional-client.js';
import { openSession } from '../aws/session.js';
import { AppError, type ErrorCode } from '../platform/errors.js';
import { openedOnce } from '../platform/opened-once.js';
import type { StackEvent } from './rules.js';
import type { Stack, UpdateToken } from './stack.js';

/** Where a stack is. What is left out comes from the environment and the shared configuration. */
export interface StackPlace {
  region: string;
  profile?: string;
  roleArn?: string;
  externalId?: string;
  /** Where API Gateway is, if not at AWS: the stack is there too unless something else is configured. */
  endpointOfStages: () => Promise<string | undefined>;
}

const THROTTLED = /^(?:Throttling|RequestLimitExceeded|TooManyRequests)/;
/** Pages of events that are read, newest first: an update of one parameter has few. */
const MOST_PAGES = 10;
/** How far the clock of this machine may be ahead of that of CloudFormation, in milliseconds. */
const CLOCK_AHEAD = 5 * 60_000;

/** An error of the SDK in words. */
function failureOf(thrown: unknown, { operation, name }: { operation: string; name: string }): AppError {
  if (thrown instanceof AppError) return thrown;
  const error = thrown as SdkError;
  const status = error.$metadata?.httpStatusCode;
  const details = { operation, stack: name };
  const say = (code: ErrorCode, message: string, hint: string): AppError =>
    new AppError(code, message, { hint, cause: error, details });
  const network = networkError(error, 'CloudFormation', { operation, details });
  if (network) return network;
  if (error.name.startsWith('AccessDenied'))
    return say(
      'AccessDenied',
      `AWS denies ${operation} of the stack ${name}: ${reasonOf(error)}`,
      `allow cloudformation:${operation} on the stack`,
    );
  if (THROTTLED.test(error.name) || status === 429)
    return say('Throttled', `AWS kept throttling ${operation}`, 'run the same command again in a minute');
  if (status === undefined || status >= 500)
    return say(
      'ServiceUnreachable',
      `CloudFormation did not answer ${operation} of the stack ${name}: ${reasonOf(error)}`,
      'run the same command again',
    );
  return say(
    operation === 'UpdateStack' ? 'StackUpdateFailed' : 'StackNotUsable',
    `CloudFormation refused ${operation} of the stack ${name}: ${reasonOf(error)}`,
    'check the name of the stack, its Region and the permissions',
  );
}

const IN_PROGRESS = /is in \w+_IN_PROGRESS state/;
const NO_UPDATES = 'No updates are to be performed';

/** Opens nothing until it is used. */
export function openStack(name: string, place: StackPlace): Stack {
  const connect = openedOnce(async () => {
    const sdk = await optionalClient(
      '@aws-sdk/client-cloudformation',
      'StackNotUsable',
      () => import('@aws-sdk/client-cloudformation'),
    );
    const { endpointOfStages, ...account } = place;
    const session = await openSession(account);
    const own = await session.clientConfig('CloudFormation');
    const endpoint = own.endpoint ?? (await endpointOfStages());
    const config = { ...own, ...(endpoint === undefined ? {} : { endpoint }) };
    return {
      sdk,
      client: new sdk.CloudFormationClient(config),
      // Whoever updates has to know of each attempt whose answer was lost.
      once: new sdk.CloudFormationClient({ ...config, maxAttempts: 1 }),
    };
  });
  const asked = async <T>(operation: string, ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      throw failureOf(error, { operation, name });
    }
  };

  async function events({ text, madeAt }: UpdateToken): Promise<StackEvent[]> {
    const { sdk, client } = await connect();
    const earliest = new Date(madeAt.getTime() - CLOCK_AHEAD);
    const found: StackEvent[] = [];
    let NextToken: string | undefined;
    for (let page = 0; page < MOST_PAGES; page++) {
      const answer = await asked('DescribeStackEvents', () =>
        client.send(new sdk.DescribeStackEventsCommand({ StackName: name, NextToken })),
      );
      const { StackEvents = [] } = answer;
      const own = StackEvents.filter(({ ClientRequestToken }) => ClientRequestToken === text);
      for (const event of own) {
        found.push({
          id: event.EventId ?? '',
          at: event.Timestamp ?? new Date(0),
          logicalId: event.LogicalResourceId ?? '',
          type: event.ResourceType ?? '',
          status: event.ResourceStatus ?? '',
          ...(event.ResourceStatusReason === undefined ? {} : { reason: event.ResourceStatusReason }),
        });
      }
      // Those of a later change may precede its own; what is older than the token is of an earlier one.
      const last = StackEvents.at(-1);
      const isPast =
        last !== undefined &&
        last.ClientRequestToken !== text &&
        (found.length > 0 || (last.Timestamp ?? earliest) <= earliest);
      NextToken = answer.NextToken;
      if (NextToken === undefined || isPast) break;
    }
    return found.reverse();
  }

  return {
    name,
    events,

    async describe() {
      const { sdk, client } = await connect();
      const { Stacks: [stack] = [] } = await asked('DescribeStacks', () =>
        client.send(new sdk.DescribeStacksCommand({ StackName: name })),
      );
      if (stack?.StackId === undefined || stack.StackStatus === undefined)
        throw new AppError('StackNotUsable', `CloudFormation shows no stack ${name}`, {
          hint: 'check the name of the stack and its Region',
        });
      const { StackId: id, StackName, StackStatus: status, StackStatusReason, Parameters = [] } = stack;
      return {
        id,
        name: StackName ?? name,
        status,
        ...(StackStatusReason === undefined ? {} : { statusReason: StackStatusReason }),
        parameters: new Map(
          Parameters.map(({ ParameterKey = '', ParameterValue = '' }) => [ParameterKey, ParameterValue]),
        ),
        capabilities: stack.Capabilities ?? [],
        isNested: stack.ParentId !== undefined,
      };
    },

    async template() {
      const { sdk, client } = await connect();
      const { TemplateBody = '' } = await asked('GetTemplate', () =>
        client.send(new sdk.GetTemplateCommand({ StackName: name, TemplateStage: 'Processed' })),
      );
      return TemplateBody;
    },

    async update({ parameters, capabilities, token }) {
      const { sdk, once } = await connect();
      try {
        await once.send(
          new sdk.UpdateStackCommand({
            StackName: name,
            UsePreviousTemplate: true,
            Parameters: [...parameters],
            // They have to be agreed to again. The role, the tags and the rest stay as they are where nothing is said of them.
            Capabilities: capabilities as Capability[],
            ClientRequestToken: token.text,
          }),
        );
        return 'begun';
      } catch (thrown) {
        const { message } = thrown as SdkError;
        if (message.includes(NO_UPDATES)) return 'unchanged';
        if (!IN_PROGRESS.test(message)) throw failureOf(thrown, { operation: 'UpdateStack', name });
        // The answer to an earlier attempt may have been lost.
        if ((await events(token)).length > 0) return 'begun';
        throw new AppError('ConcurrentModification', `another change of the stack ${name} is in progress`, {
          hint: 'run the same command again: it waits until that change has ended',
          cause: thrown,
          details: { stack: name },
        });
      }
    },
  };
}
