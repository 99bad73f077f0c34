/** Parameters of Systems Manager (service model `ssm` 2014-11-06, JSON 1.1): as many operations as stacks and `publish` need. */
import * as z from 'zod/mini';
import { partitionOf } from '../../aws/partition.js';
import { ServiceError } from '../errors.js';
import { parseJson } from '../http.js';
import type { SsmParameter, World } from '../model.js';
import { parse, seconds } from '../operation.js';

const PREFIX = 'AmazonSSM.';

/** Whether a request is for Systems Manager: it names its operation in this header. */
export const isSsmTarget = (target: unknown): target is string =>
  typeof target === 'string' && target.startsWith(PREFIX);

const refuse = (type: string, message: string): ServiceError => new ServiceError(400, type, message);

const invalid = (message: string): ServiceError => refuse('ValidationException', message);

const getBody = z.object({ Name: z.string(), WithDecryption: z.nullish(z.boolean()) });
const putBody = z.object({
  Name: z.string().check(z.minLength(1), z.maxLength(2048)),
  Value: z.string().check(z.minLength(1), z.maxLength(4096)),
  Type: z.nullish(z.enum(['String', 'StringList', 'SecureString'])),
  Overwrite: z.nullish(z.boolean()),
});

const output = ({ account, region }: World, { name, type, value, version, updatedAt }: SsmParameter) => ({
  ARN: `arn:${partitionOf(region)}:ssm:${region}:${account}:parameter/${name.replace(/^\//, '')}`,
  Name: name,
  Type: type,
  Value: value,
  Version: version,
  DataType: 'text',
  LastModifiedDate: seconds(updatedAt),
});

function get(world: World, body: unknown): object {
  const { Name: name } = parse(getBody, body, invalid);
  const found = world.parameters.get(name);
  if (found === undefined) throw refuse('ParameterNotFound', `Parameter ${name} not found.`);
  return { Parameter: output(world, found) };
}

function put(world: World, body: unknown, now: number): object {
  const { Name: name, Value: value, Type, Overwrite } = parse(putBody, body, invalid);
  const before = world.parameters.get(name);
  if (before !== undefined && Overwrite !== true)
    throw refuse(
      'ParameterAlreadyExists',
      'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
    );
  const type = Type ?? before?.type;
  if (type === undefined) throw invalid('A parameter type is required when you create a parameter.');
  const version = (before?.version ?? 0) + 1;
  world.parameters.set(name, { name, type, value, version, updatedAt: now });
  return { Version: version, Tier: 'Standard' };
}

/** An operation of Systems Manager. */
export interface SsmOperation {
  name: string;
  isRead: boolean;
  handle: (world: World, body: unknown, now: number) => object;
}

const OPERATIONS: readonly SsmOperation[] = [
  { name: 'GetParameter', isRead: true, handle: get },
  { name: 'PutParameter', isRead: false, handle: put },
];

/** @throws ServiceError 400 for an operation that the emulator does not have */
export function ssmOperationOf(target: string): SsmOperation {
  const operation = OPERATIONS.find(({ name }) => name === target.slice(PREFIX.length));
  if (operation !== undefined) return operation;
  throw refuse('UnknownOperationException', `The emulator does not support ${target}`);
}

/** Carries one operation out. @returns its answer's body, and the names of what it may have changed */
export function runSsmOperation(
  operation: SsmOperation,
  world: World,
  bytes: Buffer,
  now: number,
): { body: object; changed: string[] } {
  const input = parseJson(bytes);
  const body = operation.handle(world, input, now);
  const { Name: name } = (input ?? {}) as { Name?: unknown };
  return { body, changed: typeof name === 'string' ? [name] : [] };
}
