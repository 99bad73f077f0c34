import * as z from 'zod/mini';
import { parseThreshold } from '../platform/duration.js';
import { AppError } from '../platform/errors.js';
import type { Request } from './messages.js';

/** The most targets that one answer to `plan` goes through. */
const MOST_TARGETS = 1_000;

const text = z.string().check(z.minLength(1), z.maxLength(512));
const region = z.string().check(z.regex(/^[a-z]{2}(-[a-z0-9]+)+$/, 'must be an AWS Region'));
const threshold = z.string().check(({ value, issues }) => {
  try {
    parseThreshold(value);
  } catch (error) {
    issues.push({ code: 'custom', input: value, message: (error as Error).message });
  }
});

const job = z.object({
  target: text,
  stage: z.exactOptional(z.string().check(z.regex(/^[^/]{1,255}\/[^/]{1,255}$/, 'must be API/STAGE'))),
  name: z.exactOptional(text),
  account: z.exactOptional(text),
  region: z.exactOptional(region),
  certificateId: z.exactOptional(text),
});

const requestSchema = z.discriminatedUnion('request', [
  z.strictObject({
    request: z.literal('plan'),
    due: z.exactOptional(z.boolean()),
    region: z.exactOptional(region),
    account: z.exactOptional(text),
    limit: z.exactOptional(z.int().check(z.minimum(1), z.maximum(MOST_TARGETS))),
    after: z.exactOptional(text),
  }),
  z.strictObject({
    request: z.literal('rotate'),
    job,
    approval: z.exactOptional(z.enum(['required', 'given'])),
    abort: z.exactOptional(z.boolean()),
    force: z.exactOptional(z.boolean()),
  }),
  z.strictObject({
    request: z.literal('check'),
    account: z.exactOptional(text),
    regions: z.exactOptional(z.array(region).check(z.minLength(1), z.maxLength(50))),
    usage: z.exactOptional(z.boolean()),
    warning: z.exactOptional(threshold),
    critical: z.exactOptional(threshold),
  }),
]);

/**
 * Reads what the function was called with.
 * @throws AppError `Usage` for what is no request
 */
export function readRequest(event: unknown): Request {
  const read = requestSchema.safeParse(event);
  if (read.success) return read.data;
  const issues = read.error.issues.map(({ path, message }) =>
    [path.join('.'), message].filter(Boolean).join(': '),
  );
  throw new AppError('Usage', `this is no request: ${issues.slice(0, 5).join('; ')}`, {
    hint: 'send {"request": "plan"}, {"request": "rotate", "job": {"target": "NAME"}} or {"request": "check"}; see docs/lambda.md',
  });
}
