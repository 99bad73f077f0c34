import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  type CreateStackCommandInput,
  type Stack,
  type StackEvent,
} from '@aws-sdk/client-cloudformation';
import { DeleteStageCommand, GetStagesCommand } from '@aws-sdk/client-api-gateway';
import type { Emulator } from '../../src/emulator/index.js';
import { clientOf, type ApiFixture } from './emulator.js';

/** The SDK's client of CloudFormation for an emulator, without retries. */
export const stackClientOf = (
  { url }: Pick<Emulator, 'url'>,
  { region = 'eu-central-1' }: { region?: string } = {},
): CloudFormationClient =>
  new CloudFormationClient({
    endpoint: url,
    region,
    credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });

export async function stackOf(client: CloudFormationClient, StackName: string): Promise<Stack> {
  const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
  if (stack === undefined) throw new Error(`no stack ${StackName}`);
  return stack;
}

/** Waits until nothing is in progress. */
export async function settledStack(client: CloudFormationClient, name: string): Promise<Stack> {
  for (;;) {
    const stack = await stackOf(client, name);
    if (stack.StackStatus?.endsWith('_IN_PROGRESS') !== true) return stack;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function createStack(
  client: CloudFormationClient,
  input: CreateStackCommandInput & { StackName: string },
): Promise<Stack> {
  await client.send(new CreateStackCommand(input));
  return settledStack(client, input.StackName);
}

/** What happened, oldest first: `Orders UPDATE_COMPLETE`. */
export async function eventsOf(client: CloudFormationClient, StackName: string): Promise<string[]> {
  const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName }));
  return StackEvents.reverse().map(
    ({ LogicalResourceId, ResourceStatus }: StackEvent) =>
      `${String(LogicalResourceId)} ${String(ResourceStatus)}`,
  );
}

/** The values of a stack's parameters. */
export const parametersOf = ({ Parameters = [] }: Stack): Record<string, string | undefined> =>
  Object.fromEntries(
    Parameters.map(({ ParameterKey = '', ParameterValue }) => [ParameterKey, ParameterValue]),
  );

/** Deletes the stage of an API, for a stack to make it. @returns what was deployed to it */
export async function releaseStage({
  emulator,
  api: { restApiId, stageName },
}: {
  emulator: Pick<Emulator, 'url'>;
  api: ApiFixture;
}): Promise<string> {
  const client = clientOf(emulator);
  const { item: [{ deploymentId = '' } = {}] = [] } = await client.send(new GetStagesCommand({ restApiId }));
  await client.send(new DeleteStageCommand({ restApiId, stageName }));
  client.destroy();
  return deploymentId;
}
