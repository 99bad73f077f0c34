/** What may be done with a stack, by what CloudFormation says of it. Pure. */

/** What can be done with a stack that has a status: update it, wait for it, or neither. */
export type StackState = 'ready' | 'busy' | 'blocked';

/** User guide, "Stack status codes": those after which an update is accepted. */
const READY: ReadonlySet<string> = new Set([
  'CREATE_COMPLETE',
  'UPDATE_COMPLETE',
  'UPDATE_ROLLBACK_COMPLETE',
  'IMPORT_COMPLETE',
  'IMPORT_ROLLBACK_COMPLETE',
]);

/** In progress, but what comes of it cannot be updated. */
const LOST: ReadonlySet<string> = new Set([
  'DELETE_IN_PROGRESS',
  'REVIEW_IN_PROGRESS',
  'ROLLBACK_IN_PROGRESS',
]);

/** A status that is not known blocks: nothing is changed that is not understood. */
export function stackState(status: string): StackState {
  if (READY.has(status)) return 'ready';
  return status.endsWith('_IN_PROGRESS') && !LOST.has(status) ? 'busy' : 'blocked';
}

/** How an update ended, by the status that it ended with. */
export const isUpdated = (status: string): boolean => status === 'UPDATE_COMPLETE';

/** What an update of a stack says of a parameter. */
export type ParameterInput =
  { ParameterKey: string; ParameterValue: string } | { ParameterKey: string; UsePreviousValue: true };

/**
 * The parameters of an update that changes one of them alone. One that is left out would be set to its default, so that
 * each is listed.
 */
export const updateParameters = (
  names: readonly string[],
  parameter: string,
  value: string,
): ParameterInput[] =>
  names.map((name) =>
    name === parameter
      ? { ParameterKey: name, ParameterValue: value }
      : { ParameterKey: name, UsePreviousValue: true },
  );

/** Something that CloudFormation did with a resource of a stack. */
export interface StackEvent {
  id: string;
  at: Date;
  logicalId: string;
  type: string;
  status: string;
  reason?: string;
}

/** Why an update failed: the first failure that is not the consequence of another. */
export function failureReason(events: readonly StackEvent[]): string | undefined {
  const failed = events.filter(({ status }) => status.endsWith('_FAILED'));
  const own = failed.find(({ reason = '' }) => !/cancelled/i.test(reason)) ?? failed[0];
  return own && `${own.logicalId} (${own.type}): ${own.reason ?? own.status}`;
}
