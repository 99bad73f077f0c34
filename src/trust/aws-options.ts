import * as z from 'zod';
import { networkError } from '../aws/network-error.js';
import { openSession } from '../aws/session.js';
import type { AwsService } from '../aws/settings.js';
import { AppError } from '../core/errors.js';
import { commandSchema, timeoutSchema } from './run-command.js';

/** The options that the kinds in AWS services share; credentials come from the SDK's default chain. */
export const awsOptions = {
  region: z
    .string()
    .min(1)
    .optional()
    .describe('the Region of the resource, where it is not the default one'),
  profile: z.string().min(1).optional().describe('a profile of the shared AWS configuration'),
  endpointUrl: z.url().optional().describe('another endpoint, for emulators'),
  reload: commandSchema.optional().describe('makes those who read it read it again'),
  timeout: timeoutSchema.optional(),
};

/**
 * The same options for an SDK client of a service.
 * @throws AppError of how the account cannot be reached, with the code that the store's doing has
 */
export async function clientOptions(
  service: AwsService,
  config: { region?: string | undefined; profile?: string | undefined; endpointUrl?: string | undefined },
) {
  const session = await openSession({ profile: config.profile, region: config.region });
  const { endpointUrl } = config;
  return {
    ...(await session.clientConfig(service)),
    ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
  };
}

/** Loads a client that is optional to install. */
export async function loaded<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new AppError('TrustStoreUnreadable', `the package ${name} is not installed`, {
      cause,
      hint: `install it beside apigw-cert: npm install -g ${name}`,
    });
  }
}

/** An SDK error as the port's own, its name and sentence kept. */
export function awsFailure(
  code: 'TrustStoreFailed' | 'TrustStoreUnreadable',
  doing: string,
  cause: unknown,
): AppError {
  const known = cause instanceof AppError ? cause : networkError(cause, 'the service');
  if (known) {
    return new AppError(code, `${doing}: ${known.message}`, {
      cause,
      hint: `${known.hint ?? 'check the AWS configuration'}; nothing was changed`,
      details: { ...known.details, error: known.code },
    });
  }
  const { name = '', message = '' } = cause as { name?: string; message?: string };
  return new AppError(code, `${doing}: ${name}${message === '' ? '' : `: ${message}`}`, {
    cause,
    hint: 'check its name, the Region and the permissions; nothing was changed',
    details: { error: name },
  });
}
