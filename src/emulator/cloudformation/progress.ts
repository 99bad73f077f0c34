/** What a stack does after a request was answered: one resource after another, with a rollback where one of them fails. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { TemplateResource } from '../../stacks/template.js';
import { conflict, ServiceError } from '../errors.js';
import type { Faults } from '../faults.js';
import type { Stack, StackInput, StackResource, World } from '../model.js';
import type { Surroundings } from '../operation.js';
import type { Timers } from '../timers.js';
import { parsedTemplate, propertiesOf } from './input.js';
import { callApi, resourceType, updateResource } from './resources.js';

/** What a stack works with. */
export interface Workshop {
  world: World;
  surroundings: Surroundings;
  faults: Faults;
  timers: Timers;
  /** Keeps what was changed. @param named ids and names of what was */
  save: (world: World, named: string[]) => Promise<void>;
}

const STACK_TYPE = 'AWS::CloudFormation::Stack';

/** Notes what is happening to the stack, or to one of its resources. */
export function note(
  stack: Stack,
  now: number,
  { status, reason, resource }: { status: string; reason?: string; resource?: Partial<StackResource> },
): void {
  if (resource === undefined) Object.assign(stack, { status, statusReason: reason });
  stack.events.push({
    id: randomUUID(),
    logicalId: resource?.logicalId ?? stack.name,
    physicalId: resource === undefined ? stack.id : (resource.physicalId ?? ''),
    type: resource?.type ?? STACK_TYPE,
    status,
    reason,
    at: now,
    token: stack.token,
  });
}

/** Everything that a stack may do after a request for it was answered. */
function changes(stack: Stack, { world, surroundings, faults, timers, save }: Workshop) {
  const context = { world, api: callApi(world, surroundings) };

  /** In real time. When the emulator ends before, so does the change. */
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      timers.start(ms, () => {
        resolve();
        return Promise.resolve();
      });
    });

  async function say(event: Parameters<typeof note>[2]): Promise<void> {
    note(stack, surroundings.clock.now().getTime(), event);
    await save(world, [stack.name, ...world.apis.keys(), ...world.certificates.keys()]);
    await pauseForStep();
  }

  /** In small parts, so that a change of the setting is heeded at once. */
  async function pauseForStep(): Promise<void> {
    const begun = performance.now();
    const left = (): number => surroundings.settings.stackStepMs - (performance.now() - begun);
    do await pause(Math.min(Math.max(0, left()), 20));
    while (left() > 0);
  }

  /** Does something with one resource, unless a fault was asked for. @returns why it failed */
  async function work(
    resource: Partial<StackResource> & { logicalId: string },
    verb: 'CREATE' | 'UPDATE' | 'DELETE',
    effect: () => Promise<void> | void,
  ): Promise<string | undefined> {
    await say({ status: `${verb}_IN_PROGRESS`, resource });
    const fault = faults.hit(`stack:${resource.logicalId}`);
    try {
      if (fault?.kind === 'delay') await pause(fault.ms);
      if (fault?.kind === 'error')
        throw new ServiceError(fault.status, fault.code, fault.message ?? 'Injected fault');
      await effect();
      if (fault?.kind === 'error409WithEffect') throw conflict('Injected fault');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      await say({ status: `${verb}_FAILED`, reason, resource });
      return reason;
    }
    await say({ status: `${verb}_COMPLETE`, resource });
    return undefined;
  }

  /** Tags by which a resource is known as the stack's. */
  const tagsOf = (logicalId: string): Record<string, string> => ({
    ...Object.fromEntries(stack.tags),
    'aws:cloudformation:stack-name': stack.name,
    'aws:cloudformation:stack-id': stack.id,
    'aws:cloudformation:logical-id': logicalId,
  });

  async function make(
    { logicalId, type, isRetained }: TemplateResource,
    properties: Record<string, unknown>,
  ): Promise<void> {
    const { physicalId, attributes = {} } = await resourceType(type).create(
      context,
      properties,
      tagsOf(logicalId),
    );
    const made: StackResource = { logicalId, type, physicalId, attributes, properties, isRetained };
    stack.resources.set(logicalId, made);
  }

  /**
   * Makes and changes all that the input has, in an order in which each thing that another one needs is there.
   * @returns the logical id of the first that failed
   */
  async function apply(input: StackInput): Promise<string | undefined> {
    const { resources } = parsedTemplate(input.template);
    const rest = [...resources.values()];
    while (rest.length > 0) {
      const next = rest.findIndex((each) => propertiesOf(each, { stack, input, world }) !== undefined);
      const [resource] = rest.splice(Math.max(0, next), 1);
      if (resource === undefined) break;
      const properties = propertiesOf(resource, { stack, input, world }) ?? {};
      const known = stack.resources.get(resource.logicalId);
      if (known) known.isRetained = resource.isRetained;
      if (known && isDeepStrictEqual(known.properties, properties)) continue;
      const failure = known
        ? await work(known, 'UPDATE', async () => {
            await updateResource(context, known, properties);
            known.properties = properties;
          })
        : await work(resource, 'CREATE', () => make(resource, properties));
      if (failure !== undefined) return resource.logicalId;
    }
    return undefined;
  }

  /** Deletes what the input does not have, the latest first; what is to be retained is only forgotten. */
  async function clear(input?: StackInput): Promise<string | undefined> {
    const kept = input === undefined ? undefined : parsedTemplate(input.template).resources;
    let failed: string | undefined;
    for (const resource of [...stack.resources.values()].reverse()) {
      if (kept?.has(resource.logicalId) === true) continue;
      const failure = resource.isRetained
        ? undefined
        : await work(resource, 'DELETE', () => resourceType(resource.type).delete(context, resource));
      if (failure === undefined) stack.resources.delete(resource.logicalId);
      else failed ??= resource.logicalId;
    }
    return failed;
  }

  async function rollBack(): Promise<void> {
    const { former } = stack;
    if (former === undefined) return;
    const failed = await apply(former);
    if (failed !== undefined) {
      await say({ status: 'UPDATE_ROLLBACK_FAILED', reason: failureOf('update', failed) });
      return;
    }
    stack.input = former;
    stack.former = undefined;
    await say({ status: 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS' });
    await clear(former);
    await say({ status: 'UPDATE_ROLLBACK_COMPLETE' });
  }

  return {
    rollBack,

    async create(): Promise<void> {
      const failed = await apply(stack.input);
      if (failed === undefined) {
        await say({ status: 'CREATE_COMPLETE' });
        return;
      }
      await say({ status: 'ROLLBACK_IN_PROGRESS', reason: failureOf('create', failed) });
      const left = await clear();
      await say({ status: left === undefined ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED' });
    },

    async update(): Promise<void> {
      const failed = await apply(stack.input);
      if (failed !== undefined) {
        await say({ status: 'UPDATE_ROLLBACK_IN_PROGRESS', reason: failureOf('update', failed) });
        await rollBack();
        return;
      }
      await say({ status: 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS' });
      await clear(stack.input);
      stack.former = undefined;
      await say({ status: 'UPDATE_COMPLETE' });
    },

    async delete(): Promise<void> {
      const failed = await clear();
      if (failed !== undefined) {
        await say({ status: 'DELETE_FAILED', reason: failureOf('delete', failed) });
        return;
      }
      world.stacks.delete(stack.name);
      await save(world, [stack.name, ...world.apis.keys()]);
    },
  };
}

/** What a stack may do. */
export type StackChange = keyof ReturnType<typeof changes>;

const failureOf = (verb: string, logicalId: string): string =>
  `The following resource(s) failed to ${verb}: [${logicalId}]. `;

/** Has a stack do something, after the request for it was answered. */
export function start(stack: Stack, shop: Workshop, what: StackChange): void {
  shop.timers.start(0, () => {
    // Not waited for when the emulator ends: it stops at its next pause.
    void changes(stack, shop)[what]();
    return Promise.resolve();
  });
}
