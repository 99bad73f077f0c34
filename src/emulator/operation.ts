import * as z from 'zod/mini';
import type { Clock } from './clock.js';
import type { BackendCaller } from './data-plane/backend.js';
import { badRequest, type ServiceError } from './errors.js';
import type { World } from './model.js';
import type { Settings } from './settings.js';
import type { Store } from './store.js';

/** What operations work with, besides the world of the caller. */
export interface Surroundings {
  clock: Clock;
  settings: Settings;
  store: Store;
  backend: BackendCaller;
  /** From 0 (inclusive) to 1: chooses between a stage and its canary. */
  random: () => number;
}

export interface Call<Body> extends Surroundings {
  world: World;
  /** The value of a label in the path, decoded. */
  param: (name: string) => string;
  query: URLSearchParams;
  body: Body;
}

/** One operation of the service, as the service model describes it. */
export interface Operation {
  name: string;
  /** Absent for `apigateway`. Names of the two are shared: UpdateStage is an operation of both. */
  service?: 'apigatewayv2';
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With labels: `/restapis/{restApiId}/stages`. A label that ends with `+` takes the whole rest. */
  path: string;
  /** The HTTP status of success. */
  success: number;
  /** Validates the body and does the work; the result, if any, is the answer's body. */
  handle: (call: Call<unknown>) => unknown;
}

interface Definition<Body> {
  name: string;
  service?: 'apigatewayv2';
  method: Operation['method'];
  path: string;
  success: number;
  body?: z.ZodMiniType<Body>;
  handle: (call: Call<Body>) => unknown;
}

/** Ties an operation's handler to the shape of its body. Members that the emulator does not know are ignored. */
export function operation<Body = unknown>({ body, handle, ...rest }: Definition<Body>): Operation {
  return {
    ...rest,
    handle: (call) =>
      handle({
        ...call,
        body: body === undefined ? (call.body as Body) : parse(body, call.body, badRequest),
      }),
  };
}

/** Checks a body. @throws ServiceError by `refusal`, with what is wrong */
export function parse<Body>(
  schema: z.ZodMiniType<Body>,
  body: unknown,
  refusal: (message: string) => ServiceError,
): Body {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw refusal(`Invalid request input: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
}

/** AWS timestamps are JSON numbers: seconds since the epoch. */
export const seconds = (ms: number): number => Math.floor(ms / 1000);

/** A JSON object of strings, taken apart into a Map. */
export const stringMap = z.pipe(
  z.record(z.string(), z.string()),
  z.transform((record) => new Map(Object.entries(record))),
);
