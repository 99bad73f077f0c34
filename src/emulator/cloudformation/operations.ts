import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { partitionOf } from '../../aws/partition.js';
import { ServiceError } from '../errors.js';
import type { Stack, StackEvent, World } from '../model.js';
import { validationError } from './errors.js';
import { inputOf, parsedTemplate, propertiesOf, tagsOf, textIn, textsIn, type Form } from './input.js';
import { note, start, type StackChange, type Workshop } from './progress.js';

/** One operation of CloudFormation (service model `cloudformation` 2010-05-15). */
export interface StackOperation {
  name: string;
  isRead: boolean;
  /** @returns the content of the answer */
  handle: (form: Form, shop: Workshop) => object | undefined;
}

const NAME = /^[A-Za-z][A-Za-z0-9-]{0,127}$/;

/** By its name or its ARN. */
const stackNamed = ({ stacks }: World, asked: string): Stack | undefined =>
  [...stacks.values()].find(({ id, name }) => name === asked || id === asked);

/** @throws ServiceError 400 */
function findStack(world: World, form: Form): Stack {
  const asked = textIn(form, 'StackName') ?? '';
  const stack = stackNamed(world, asked);
  if (stack === undefined) throw validationError(`Stack with id ${asked} does not exist`);
  return stack;
}

/** Statuses that an update may begin in. */
const UPDATABLE = /^(?:CREATE|UPDATE|UPDATE_ROLLBACK)_COMPLETE$/;

function assertIn({ id, status }: Stack, statuses: RegExp): void {
  if (statuses.test(status)) return;
  throw validationError(`Stack:${id} is in ${status} state and can not be updated.`);
}

/** Whether any resource would be made, changed or deleted. */
function changesAnything(stack: Stack, input: Stack['input'], world: World): boolean {
  const { resources } = parsedTemplate(input.template);
  if (resources.size !== stack.resources.size) return true;
  return [...resources.values()].some((resource) => {
    const known = stack.resources.get(resource.logicalId);
    return (
      known === undefined ||
      !isDeepStrictEqual(known.properties, propertiesOf(resource, { stack, input, world })) ||
      known.isRetained !== resource.isRetained
    );
  });
}

const date = (ms: number | undefined): Date | undefined => (ms === undefined ? undefined : new Date(ms));

const tagOutput = (tags: ReadonlyMap<string, string>): object[] =>
  [...tags].map(([Key, Value]) => ({ Key, Value }));

const stackOutput = (stack: Stack): object => ({
  StackId: stack.id,
  StackName: stack.name,
  CreationTime: date(stack.createdAt),
  LastUpdatedTime: date(stack.updatedAt),
  StackStatus: stack.status,
  StackStatusReason: stack.statusReason,
  DisableRollback: false,
  Parameters: [...stack.input.parameters].map(([ParameterKey, { value, resolved, isHidden }]) => ({
    ParameterKey,
    ParameterValue: isHidden ? '****' : value,
    ResolvedValue: resolved,
  })),
  Capabilities: stack.capabilities,
  RoleARN: stack.roleArn,
  Tags: tagOutput(stack.tags),
});

const eventOutput =
  ({ id: StackId, name: StackName }: Stack) =>
  (event: StackEvent): object => ({
    StackId,
    StackName,
    EventId: event.id,
    LogicalResourceId: event.logicalId,
    PhysicalResourceId: event.physicalId,
    ResourceType: event.type,
    Timestamp: new Date(event.at),
    ResourceStatus: event.status,
    ResourceStatusReason: event.reason,
    ClientRequestToken: event.token,
  });

/** Notes that a change begins, and has the stack make it after the answer. */
function begin(stack: Stack, shop: Workshop, what: StackChange, status: string, reason?: string): void {
  const now = shop.surroundings.clock.now().getTime();
  note(stack, now, { status, ...(reason === undefined ? {} : { reason }) });
  start(stack, shop, what);
}

const TOKEN = /^[A-Za-z0-9][A-Za-z0-9-]{0,127}$/;

function tokenIn(form: Form): string | undefined {
  const token = textIn(form, 'ClientRequestToken');
  if (token === undefined || TOKEN.test(token)) return token;
  throw validationError(`Value '${token}' at 'clientRequestToken' failed to satisfy constraint`);
}

export const stackOperations: readonly StackOperation[] = [
  {
    name: 'CreateStack',
    isRead: false,
    handle(form, shop) {
      const { world, surroundings } = shop;
      const name = textIn(form, 'StackName') ?? '';
      if (!NAME.test(name))
        throw validationError(`Value '${name}' at 'stackName' failed to satisfy constraint`);
      if (world.stacks.has(name))
        throw new ServiceError(400, 'AlreadyExistsException', `Stack [${name}] already exists`);
      const { account, region } = world;
      const stack: Stack = {
        id: `arn:${partitionOf(region)}:cloudformation:${region}:${account}:stack/${name}/${randomUUID()}`,
        name,
        status: '',
        statusReason: undefined,
        createdAt: surroundings.clock.now().getTime(),
        updatedAt: undefined,
        capabilities: textsIn(form, 'Capabilities'),
        roleArn: textIn(form, 'RoleARN'),
        tags: tagsOf(form) ?? new Map<string, string>(),
        input: inputOf(form, world),
        former: undefined,
        resources: new Map(),
        events: [],
        token: tokenIn(form),
      };
      world.stacks.set(name, stack);
      begin(stack, shop, 'create', 'CREATE_IN_PROGRESS', 'User Initiated');
      return { StackId: stack.id };
    },
  },
  {
    name: 'UpdateStack',
    isRead: false,
    handle(form, shop) {
      const { world, surroundings } = shop;
      const stack = findStack(world, form);
      const token = tokenIn(form);
      // The same request again.
      if (token !== undefined && token === stack.token) return { StackId: stack.id };
      assertIn(stack, UPDATABLE);
      const input = inputOf(form, world, stack);
      const tags = tagsOf(form);
      const hasTags = tags !== undefined && !isDeepStrictEqual(tags, stack.tags);
      if (!hasTags && !changesAnything(stack, input, world))
        throw validationError('No updates are to be performed.');
      Object.assign(stack, {
        former: stack.input,
        input,
        token,
        updatedAt: surroundings.clock.now().getTime(),
        capabilities: textsIn(form, 'Capabilities'),
        // What a request does not say stays as it was.
        roleArn: textIn(form, 'RoleARN') ?? stack.roleArn,
        tags: tags ?? stack.tags,
      });
      begin(stack, shop, 'update', 'UPDATE_IN_PROGRESS', 'User Initiated');
      return { StackId: stack.id };
    },
  },
  {
    name: 'ContinueUpdateRollback',
    isRead: false,
    handle(form, shop) {
      const stack = findStack(shop.world, form);
      assertIn(stack, /^UPDATE_ROLLBACK_FAILED$/);
      stack.token = tokenIn(form);
      begin(stack, shop, 'rollBack', 'UPDATE_ROLLBACK_IN_PROGRESS');
      return {};
    },
  },
  {
    name: 'DeleteStack',
    isRead: false,
    handle(form, shop) {
      const stack = stackNamed(shop.world, textIn(form, 'StackName') ?? '');
      if (stack === undefined) return undefined;
      assertIn(stack, /_(?:COMPLETE|FAILED)$/);
      stack.token = tokenIn(form);
      begin(stack, shop, 'delete', 'DELETE_IN_PROGRESS');
      return undefined;
    },
  },
  {
    name: 'DescribeStacks',
    isRead: true,
    handle: (form, { world }) => ({
      Stacks: (form['StackName'] === undefined ? [...world.stacks.values()] : [findStack(world, form)]).map(
        stackOutput,
      ),
    }),
  },
  {
    name: 'DescribeStackEvents',
    isRead: true,
    handle(form, { world }) {
      const stack = findStack(world, form);
      return { StackEvents: stack.events.map(eventOutput(stack)).reverse() };
    },
  },
  {
    name: 'DescribeStackResources',
    isRead: true,
    handle(form, { world }) {
      const { id: StackId, name: StackName, resources, events } = findStack(world, form);
      return {
        StackResources: [...resources.values()].map(({ logicalId, physicalId, type }) => {
          const last = events.findLast((event) => event.logicalId === logicalId);
          return {
            ...{ StackId, StackName, LogicalResourceId: logicalId, PhysicalResourceId: physicalId },
            ResourceType: type,
            Timestamp: date(last?.at),
            ResourceStatus: last?.status,
          };
        }),
      };
    },
  },
  {
    name: 'GetTemplate',
    isRead: true,
    handle: (form, { world }) => ({
      TemplateBody: findStack(world, form).input.template,
      StagesAvailable: ['Original', 'Processed'],
    }),
  },
];
