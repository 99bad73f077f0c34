/** Single values of `apigw-cert.yaml`. An `error` here completes the sentence "… must be". */
import * as z from 'zod/mini';
import { parseDuration, parseThreshold } from '../platform/duration.js';
import { AppError } from '../platform/errors.js';

/** The issues of a check or a transform, as zod hands them around. */
export type Issues = z.core.ParsePayload['issues'];

/** Runs a rule of the core, and turns its refusal into an issue. */
export function applyRule<T>(
  rule: () => T,
  issues: Issues,
  input: unknown,
  path: PropertyKey[] = [],
): T | undefined {
  try {
    return rule();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const hint = error.hint === undefined ? '' : `; ${error.hint}`;
    issues.push({ code: 'custom', input, path, message: error.message + hint });
    return undefined;
  }
}

/** Text that is not empty. */
export const text = (description: string) => z.string().check(z.minLength(1), z.describe(description));

/** A length of time, in milliseconds once read. */
export const duration = (description: string) =>
  z.pipe(
    z.string({ error: 'a length of time with its unit, such as "5m"' }).check(z.describe(description)),
    z.transform((value, { issues }) => applyRule(() => parseDuration(value), issues, value) ?? z.NEVER),
  );

/** A length of time or a share of the lifetime. */
export const threshold = (description: string) =>
  z.pipe(
    z
      .string({ error: 'a length of time such as "30d", or a share of the lifetime such as "33%"' })
      .check(z.describe(description)),
    z.transform((value, { issues }) => applyRule(() => parseThreshold(value), issues, value) ?? z.NEVER),
  );

/** Yes or no. */
export const flag = (description: string) => z.boolean().check(z.describe(description));

/** A command, as a list of arguments or a line for the shell. */
export const command = (description: string) =>
  z
    .union([z.array(z.string()).check(z.minLength(1)), z.string().check(z.minLength(1))], {
      error: 'a list of arguments such as [systemctl, reload, nginx], or one line for the shell',
    })
    .check(z.describe(`${description}: a list of arguments, run without a shell, or one line for the shell`));

/** An AWS Region. */
export const region = (description: string) =>
  z
    .string()
    .check(
      z.regex(/^[a-z]{2,4}(-[a-z]+)+-\d+$/, { error: 'a Region such as "eu-west-1"' }),
      z.describe(description),
    );

/** An http or https URL. */
export const url = (description: string) =>
  z.url({ protocol: /^https?$/, error: 'an http or https URL' }).check(z.describe(description));

/** A length of time as it is written; more than 0. */
export const timeout = (description: string) =>
  z.string({ error: 'a length of time with its unit, such as "60s"' }).check(({ value, issues }) => {
    if (applyRule(() => parseDuration(value), issues, value) === 0)
      issues.push({ code: 'custom', input: value, message: 'write more than 0' });
  }, z.describe(description));
