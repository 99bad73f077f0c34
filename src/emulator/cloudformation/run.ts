import { ServiceError } from '../errors.js';
import type { Answer } from '../http.js';
import { stackOperations, type StackOperation } from './operations.js';
import type { Workshop } from './progress.js';
import { queryAnswer, readForm } from './query.js';
import { textIn, type Form } from './input.js';

/** A request as the emulator understands it. */
export interface StackRequest {
  operation: StackOperation;
  form: Form;
}

/** @throws ServiceError 400 for an operation that the emulator does not have */
export function stackRequestOf(body: Buffer): StackRequest {
  const form = readForm(body);
  const action = textIn(form, 'Action') ?? '';
  const operation = stackOperations.find(({ name }) => name === action);
  if (operation !== undefined) return { operation, form };
  throw new ServiceError(400, 'InvalidAction', `The emulator does not support ${action}`);
}

/** Carries one operation out. What it begins continues after the answer. */
export const runStackOperation = ({ operation, form }: StackRequest, shop: Workshop): Answer =>
  queryAnswer(operation.name, operation.handle(form, shop));
