/**
 * What comes from outside, checked. Apart from the types themselves, which are published: their readers have no zod.
 */
import * as z from 'zod';
import { EARLIEST, LATEST } from './clock.js';
import type { Fault, FaultInput } from './faults.js';
import type { Settings } from './settings.js';

const target = {
  operation: z.string().min(1),
  occurrence: z.union([z.int().positive(), z.literal('every')]).default(1),
};

export const faultSchema: z.ZodType<Fault, FaultInput> = z.discriminatedUnion('kind', [
  z.strictObject({
    ...target,
    kind: z.literal('error'),
    code: z.string().regex(/^\w+$/),
    status: z.int().min(400).max(599),
    message: z.string().optional(),
  }),
  z.strictObject({ ...target, kind: z.literal('throttle') }),
  z.strictObject({ ...target, kind: z.literal('delay'), ms: z.number().min(0) }),
  z.strictObject({ ...target, kind: z.literal('cutBefore') }),
  z.strictObject({ ...target, kind: z.literal('cutAfter') }),
  z.strictObject({
    ...target,
    kind: z.literal('lateEffect'),
    ms: z.number().min(0),
    answer: z.union([z.literal('cut'), z.literal([409, 500])]).optional(),
  }),
  z.strictObject({ ...target, kind: z.literal('error409WithEffect') }),
  z.strictObject({ ...target, kind: z.literal('staleRead'), ms: z.number().min(0) }),
  z.strictObject({ ...target, kind: z.literal('emptyBody') }),
]);

export const settingsSchema = z.strictObject({
  rateLimit: z.union([
    z.literal(false),
    z.strictObject({ perSecond: z.number().positive(), burst: z.int().positive() }),
  ]),
  certificateQuota: z.int().min(0),
  propagationDelayMs: z.number().min(0),
  needRedeploy: z.boolean(),
  deleteInUseStatus: z.literal([400, 409]),
}) satisfies z.ZodType<Settings>;

export const instantSchema = z.date().min(EARLIEST).max(LATEST);
