import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { failureReason, isUpdated, stackState, updateParameters } from '../../src/stacks/rules.js';

/** Every status of a stack (CloudFormation API Reference, `StackStatus`). */
const STATES = {
  CREATE_COMPLETE: 'ready',
  CREATE_FAILED: 'blocked',
  CREATE_IN_PROGRESS: 'busy',
  DELETE_COMPLETE: 'blocked',
  DELETE_FAILED: 'blocked',
  DELETE_IN_PROGRESS: 'blocked',
  IMPORT_COMPLETE: 'ready',
  IMPORT_IN_PROGRESS: 'busy',
  IMPORT_ROLLBACK_COMPLETE: 'ready',
  IMPORT_ROLLBACK_FAILED: 'blocked',
  IMPORT_ROLLBACK_IN_PROGRESS: 'busy',
  REVIEW_IN_PROGRESS: 'blocked',
  ROLLBACK_COMPLETE: 'blocked',
  ROLLBACK_FAILED: 'blocked',
  ROLLBACK_IN_PROGRESS: 'blocked',
  UPDATE_COMPLETE: 'ready',
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: 'busy',
  UPDATE_FAILED: 'blocked',
  UPDATE_IN_PROGRESS: 'busy',
  UPDATE_ROLLBACK_COMPLETE: 'ready',
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: 'busy',
  UPDATE_ROLLBACK_FAILED: 'blocked',
  UPDATE_ROLLBACK_IN_PROGRESS: 'busy',
  SOMETHING_NEW: 'blocked',
} as const;

test.each(Object.entries(STATES))('a stack in the status %s is %s', (status, state) => {
  expect(stackState(status)).toBe(state);
  expect(isUpdated(status)).toBe(status === 'UPDATE_COMPLETE');
});

test('an update says a new value of one parameter, and of each other one that it stays', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9]{1,20}$/), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(names, fc.nat(), fc.string(), (all, at, value) => {
      const own = all[at % all.length] ?? '';
      const inputs = updateParameters(all, own, value);
      expect(inputs.map(({ ParameterKey }) => ParameterKey)).toEqual(all);
      for (const input of inputs) {
        expect(input).toEqual(
          input.ParameterKey === own
            ? { ParameterKey: own, ParameterValue: value }
            : { ParameterKey: input.ParameterKey, UsePreviousValue: true },
        );
      }
    }),
  );
});

test('of several failures, the one that is the cause of the others is told', () => {
  const event = (logicalId: string, status: string, reason?: string) => ({
    id: logicalId,
    at: new Date(0),
    logicalId,
    type: 'T',
    status,
    ...(reason === undefined ? {} : { reason }),
  });
  const cancelled = event('A', 'UPDATE_FAILED', 'Resource update cancelled');
  expect(failureReason([event('A', 'UPDATE_IN_PROGRESS'), event('S', 'UPDATE_COMPLETE')])).toBeUndefined();
  expect(failureReason([cancelled])).toBe('A (T): Resource update cancelled');
  expect(
    failureReason([cancelled, event('B', 'UPDATE_FAILED', 'no'), event('C', 'CREATE_FAILED', 'x')]),
  ).toBe('B (T): no');
  expect(failureReason([event('B', 'UPDATE_FAILED')])).toBe('B (T): UPDATE_FAILED');
});
