import { Readable } from 'node:stream';
import { NormalizedSchema } from '@smithy/core/schema';
import {
  SMITHY_CONTEXT_KEY,
  type DeserializeMiddleware,
  type HandlerExecutionContext,
  type HttpResponse,
  type Pluggable,
  type $SchemaRef,
  type StaticOperationSchema,
} from '@smithy/types';

/** An answer that is none of the service's: a proxy's page, a torn text, a member of another type than the model's. */
export class InvalidAnswer extends Error {
  override readonly name = 'InvalidAnswer';
  readonly $metadata: { httpStatusCode: number };
  /** Of one that is not JSON, whose headers may tell whose it is. */
  readonly $response?: Pick<HttpResponse, 'statusCode' | 'headers'>;

  constructor(message: string, { statusCode, headers }: HttpResponse, isJson: boolean) {
    super(message);
    this.$metadata = { httpStatusCode: statusCode };
    if (!isJson) this.$response = { statusCode, headers };
  }
}

/** Whether an error was thrown while a request was sent or its answer read: whether it had effect is not known. */
export const isConnectionError = (error: Error): boolean => '$connection' in error;

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Of the codes for timestamps in the SDK's schemas: RFC 3339 in a string. The others are seconds since the epoch. */
const DATE_TIME = 5;
/** ECMA-262 21.4.1.1, in seconds. */
const LAST_INSTANT = 8.64e12;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

function isTimestamp(schema: NormalizedSchema, value: unknown): boolean {
  return schema.getSchema() === DATE_TIME
    ? typeof value === 'string' && RFC_3339.test(value) && !Number.isNaN(Date.parse(value))
    : typeof value === 'number' && Math.abs(value) <= LAST_INSTANT;
}

interface Member {
  key: string;
  schema: NormalizedSchema;
}

/** Lists have hundreds of items of one shape. */
const known = new WeakMap<object, readonly Member[]>();

/** The members of a structure that come in the body; others come in headers, or are the status. */
function membersOf(structure: NormalizedSchema): readonly Member[] {
  const shape = structure.getSchema() as object;
  const found = known.get(shape);
  if (found) return found;
  const members = [...structure.structIterator()].flatMap(([name, schema]): Member[] => {
    const { jsonName, httpHeader, httpPrefixHeaders, httpResponseCode } = schema.getMergedTraits();
    const isInBody = [httpHeader, httpPrefixHeaders, httpResponseCode].every((each) => each === undefined);
    return isInBody ? [{ key: jsonName ?? name, schema }] : [];
  });
  known.set(shape, members);
  return members;
}

/**
 * Where a value departs from the service's model, in words; nothing where it does not. The SDK takes an array for an
 * object, a number for a string, and reads what it can. A member that is null is absent, as in the SDK; members that the
 * model does not know may be anything.
 *
 * @param path of the value, as in `item[0].stageName`; empty for the whole answer
 */
export function departure(schema: NormalizedSchema, value: unknown, path = ''): string | undefined {
  const wrong = (expected: string): string => `${path === '' ? 'it' : path} is not ${expected}`;
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (schema.isStructSchema()) {
    if (!isObject(value)) return wrong('an object');
    for (const { key, schema: member } of membersOf(schema)) {
      const found = value[key];
      if (found === undefined || found === null) continue;
      const departed = departure(member, found, below(key));
      if (departed !== undefined) return departed;
    }
    return undefined;
  }
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) return wrong('a list');
    const member = schema.getValueSchema();
    for (const [index, item] of value.entries()) {
      const departed = departure(member, item, `${path}[${index}]`);
      if (departed !== undefined) return departed;
    }
    return undefined;
  }
  if (schema.isMapSchema()) {
    if (!isObject(value)) return wrong('an object');
    const member = schema.getValueSchema();
    for (const [key, item] of Object.entries(value)) {
      const departed = departure(member, item, below(key));
      if (departed !== undefined) return departed;
    }
    return undefined;
  }
  if (schema.isTimestampSchema()) return isTimestamp(schema, value) ? undefined : wrong('a time');
  if (schema.isBooleanSchema()) return typeof value === 'boolean' ? undefined : wrong('a boolean');
  if (schema.isNumericSchema()) return Number.isFinite(value) ? undefined : wrong('a number');
  return typeof value === 'string' ? undefined : wrong('a string');
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** An answer that began comes to its end in so many milliseconds, or never. */
const BODY_TIMEOUT = 30_000;

/** Reads a body to its end. The SDK's time-outs are for its beginning. */
async function bytesOf(body: unknown): Promise<Uint8Array> {
  if (!(body instanceof Readable)) return new Uint8Array();
  const timer = setTimeout(
    () => body.destroy(new Error(`the answer did not end within ${BODY_TIMEOUT / 1000} s`)),
    BODY_TIMEOUT,
  );
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
    return Buffer.concat(chunks);
  } finally {
    clearTimeout(timer);
  }
}

/** What of an error's body the SDK reads: only texts, so that it trips over nothing. */
const ERROR_MEMBERS = ['message', 'Message', '__type', 'code'] as const;

/**
 * The body of an error as the SDK can read it.
 * @throws InvalidAnswer for a refusal that is not the service's, such as a proxy's page: it says nothing of permissions
 */
function errorBody(response: HttpResponse, bytes: Uint8Array): object {
  const { statusCode, headers } = response;
  const body = parsed(bytes);
  if (isObject(body)) {
    const isReadable = ([key, value]: [string, unknown]): boolean =>
      typeof value === 'string' || !(ERROR_MEMBERS as readonly string[]).includes(key);
    return Object.fromEntries(Object.entries(body).filter(isReadable));
  }
  const isOfService = Object.keys(headers).some((name) => name.toLowerCase() === 'x-amzn-errortype');
  if (isOfService || bytes.length === 0 || statusCode === 429 || statusCode >= 500) return {};
  throw new InvalidAnswer(`HTTP ${statusCode} without a JSON error message`, response, false);
}

/** @throws InvalidAnswer */
function check(response: HttpResponse, bytes: Uint8Array, output: $SchemaRef): void {
  const schema = NormalizedSchema.of(output);
  if (schema.isUnitSchema() || !schema.isStructSchema()) return;
  if (membersOf(schema).length === 0) return;
  const body = parsed(bytes);
  if (body === undefined) {
    throw new InvalidAnswer(bytes.length === 0 ? 'it is empty' : 'it is not JSON', response, false);
  }
  const departed = departure(schema, body);
  if (departed !== undefined) throw new InvalidAnswer(departed, response, true);
}

/** The schema of an operation's output, of which the SDK's commands leave the whole schema in the context. */
function outputOf(context: HandlerExecutionContext): $SchemaRef {
  const operation: unknown = context[SMITHY_CONTEXT_KEY]?.['operationSchema'];
  if (!Array.isArray(operation)) throw new Error('the SDK gives no schema of the operation');
  const [, , , , , output] = operation as StaticOperationSchema;
  return output;
}

/** Marks an error of the connection. */
function ofConnection(error: unknown): Error {
  const mark = { $connection: true };
  if (error instanceof Error) return Object.assign(error, mark);
  // One from another realm, or none at all: the SDK would keep nothing of it.
  const { name = 'Error', message = String(error), code } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  return Object.assign(new Error(message, { cause: error }), { name, code, ...mark });
}

/**
 * Has every answer be what the service's model says, before the SDK reads it: the SDK is lenient, and a wrong value that
 * is believed does more harm than an error. Fails with {@link InvalidAnswer}, or what {@link isConnectionError} recognizes.
 */
export function strictAnswersPlugin<Input extends object, Output extends object>(): Pluggable<Input, Output> {
  const middleware: DeserializeMiddleware<Input, Output> = (next, context) => async (args) => {
    const result = await next(args).catch((error: unknown) => {
      throw ofConnection(error);
    });
    const response = result.response as HttpResponse;
    const bytes = await bytesOf(response.body).catch((error: unknown) => {
      throw ofConnection(error);
    });
    if (response.statusCode >= 300) {
      response.body = Buffer.from(JSON.stringify(errorBody(response, bytes)));
      return result;
    }
    check(response, bytes, outputOf(context));
    response.body = bytes;
    return result;
  };
  return {
    applyToStack: (stack) => {
      stack.add(middleware, { name: 'apigwCertStrictAnswers', step: 'deserialize', priority: 'low' });
    },
  };
}
