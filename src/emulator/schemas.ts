/**
 * What comes from outside, checked. Apart from the types themselves, which are published: their readers have no zod.
 */
import en from 'zod/v4/locales/en.js';
import * as z from 'zod/mini';
import { EARLIEST, LATEST } from './clock.js';
import type { Fault, FaultInput } from './faults.js';
import type { Settings } from './settings.js';

// By itself zod/mini says no more than "Invalid input".
z.config(en());

const target = {
  operation: z.string().check(z.minLength(1)),
  occurrence: z._default(z.union([z.int().check(z.positive()), z.literal('every')]), 1),
};

export const faultSchema: z.ZodMiniType<Fault, FaultInput> = z.discriminatedUnion('kind', [
  z.strictObject({
    ...target,
    kind: z.literal('error'),
    code: z.string().check(z.regex(/^\w+$/)),
    status: z.int().check(z.minimum(400), z.maximum(599)),
    message: z.optional(z.string()),
  }),
  z.strictObject({ ...target, kind: z.literal('throttle') }),
  z.strictObject({ ...target, kind: z.literal('delay'), ms: z.number().check(z.minimum(0)) }),
  z.strictObject({ ...target, kind: z.literal('cutBefore') }),
  z.strictObject({ ...target, kind: z.literal('cutAfter') }),
  z.strictObject({
    ...target,
    kind: z.literal('lateEffect'),
    ms: z.number().check(z.minimum(0)),
    answer: z.optional(z.union([z.literal('cut'), z.literal([409, 500])])),
  }),
  z.strictObject({ ...target, kind: z.literal('error409WithEffect') }),
  z.strictObject({ ...target, kind: z.literal('staleRead'), ms: z.number().check(z.minimum(0)) }),
  z.strictObject({ ...target, kind: z.literal('emptyBody') }),
]);

export const settingsSchema = z.strictObject({
  rateLimit: z.union([
    z.literal(false),
    z.strictObject({ perSecond: z.number().check(z.positive()), burst: z.int().check(z.positive()) }),
  ]),
  certificateQuota: z.int().check(z.minimum(0)),
  propagationDelayMs: z.number().check(z.minimum(0)),
  needRedeploy: z.boolean(),
  deleteInUseStatus: z.literal([400, 409]),
  testInvokeAcm: z.boolean(),
  stackStepMs: z.number().check(z.minimum(0)),
}) satisfies z.ZodMiniType<Settings>;

export const instantSchema = z.date().check(z.minimum(EARLIEST), z.maximum(LATEST));
