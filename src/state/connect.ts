/** How the services that keep state are reached, and what their errors mean. */
import { setTimeout as delay } from 'node:timers/promises';
import type { AwsService } from '../aws/settings.js';
import { networkError, reasonOf, type SdkError } from '../aws/network-error.js';
import type { ClientConfig } from '../aws/session.js';
import { AppError } from '../platform/errors.js';

/** The account that the state is in. What is left out is for the environment and the profile. */
export interface StateAccess {
  profile?: string | undefined;
  /** Of the table, where its ARN does not tell. */
  region?: string | undefined;
  /** How to set the Region where nothing says it. */
  regionHint?: string | undefined;
}

/** No call may outlast the lease that depends on it. Milliseconds. */
const REQUEST_TIMEOUT = 5_000;
/** Throttling and faults of the service are retried by the SDK, with its own delays. */
const ATTEMPTS = 5;

/** @throws AppError of how the account cannot be reached */
export async function stateClientConfig(
  service: AwsService,
  { profile, region, regionHint }: StateAccess,
): Promise<ClientConfig & { maxAttempts: number }> {
  const { openSession } = await import('../aws/session.js');
  const session = await openSession({ profile, region, requestTimeout: REQUEST_TIMEOUT });
  try {
    return { ...(await session.clientConfig(service)), maxAttempts: ATTEMPTS };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'RegionMissing' || regionHint === undefined)
      throw error;
    throw new AppError('RegionMissing', 'the Region of the state is not specified', {
      hint: regionHint,
      cause: error,
    });
  }
}

/** Waits in real time. */
export const pause = (ms: number): Promise<void> => delay(ms);

const THROTTLED =
  /^(ProvisionedThroughputExceeded|Throttling|ThrottlingException|RequestLimitExceeded|SlowDown|TooManyRequests)/;

/** Whether a service has said no for good. Otherwise, as without an answer, it may have done what was asked. */
export function isRefusal(thrown: unknown): boolean {
  if (thrown instanceof AppError) return true;
  const { name, $metadata } = thrown as SdkError;
  const status = $metadata?.httpStatusCode;
  return status !== undefined && status < 500 && status !== 429 && !THROTTLED.test(name);
}

/** What a call was about, for its error. */
export interface StateCall {
  /** As messages name the store. */
  store: string;
  /** The permission that it needs: `dynamodb:PutItem`. */
  action: string;
  /** The resource of the permission. */
  resource: string;
  /** What to do where the store does not exist. */
  missingHint: string;
}

const DENIED = /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|Forbidden|403)$/;
const MISSING = /^(ResourceNotFoundException|NoSuchBucket)$/;

/** An SDK error in words. Errors of credentials and settings stay what they are. */
export function stateError(thrown: unknown, { store, action, resource, missingHint }: StateCall): AppError {
  if (thrown instanceof AppError) return thrown;
  const error = thrown as SdkError;
  const details = { action, error: error.name };
  const network = networkError(error, store, { details });
  if (network) return network;
  if (MISSING.test(error.name)) {
    return new AppError('StateUnavailable', `${store} does not exist`, {
      hint: missingHint,
      cause: error,
      details,
    });
  }
  if (DENIED.test(error.name)) {
    return new AppError('AccessDenied', `AWS denies ${action}: ${reasonOf(error)}`, {
      hint: `allow ${action} on ${resource}; docs/state.md lists all permissions that the state needs`,
      cause: error,
      details,
    });
  }
  if (THROTTLED.test(error.name) || error.$metadata?.httpStatusCode === 429) {
    return new AppError('Throttled', `AWS kept throttling ${action} on ${store}`, {
      hint: 'run the same command again in a minute',
      cause: error,
      details,
    });
  }
  if (isRefusal(error)) {
    return new AppError('StateUnavailable', `${store} cannot be used: ${reasonOf(error)}`, {
      hint: `check its name, its Region and how it was created (${missingHint})`,
      cause: error,
      details,
    });
  }
  return new AppError('ServiceUnreachable', `${store} did not answer ${action}: ${reasonOf(error)}`, {
    hint: 'run the same command again',
    cause: error,
    details,
  });
}
