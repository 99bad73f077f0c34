import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import { AppError } from '../core/errors.js';
import type { FleetAccount } from '../core/fleet.js';
import { credentialsNotFound } from './aws-error.js';
import { SILENT } from './silent.js';

/** Credentials that end sooner than this are fetched anew. Milliseconds. */
const FRESH_MS = 5 * 60_000;

/** A provider that asks once for all Regions of an account, and again before the credentials end. */
function remembered(provider: AwsCredentialIdentityProvider): AwsCredentialIdentityProvider {
  let current: Promise<AwsCredentialIdentity> | undefined;
  return async (properties) => {
    if (current === undefined || !(await isFresh(current))) current = provider(properties);
    return await current;
  };
}

async function isFresh(credentials: Promise<AwsCredentialIdentity>): Promise<boolean> {
  const known = await credentials.catch(() => undefined);
  return known !== undefined && (known.expiration?.getTime() ?? Infinity) - Date.now() >= FRESH_MS;
}

/**
 * Where an account's credentials come from: the SDK's default chain, of a profile where one is named (SSO, processes
 * and roles included), and a role on top of it where one is named.
 */
export function credentialsOf({ profile, roleArn, externalId }: FleetAccount): AwsCredentialIdentityProvider {
  const base = fromNodeProviderChain({ logger: SILENT, ...(profile === undefined ? {} : { profile }) });
  if (roleArn === undefined) return remembered(base);
  const role = fromTemporaryCredentials({
    masterCredentials: base,
    params: {
      RoleArn: roleArn,
      RoleSessionName: 'apigw-cert',
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
    },
    ...(profile === undefined ? {} : { clientConfig: { profile } }),
  });
  return remembered(role);
}

/** An error of finding an account's credentials, in words. */
export function credentialsError(error: unknown, { name, profile, roleArn }: FleetAccount): AppError {
  const details = { account: name };
  const cause = error as Error;
  if (roleArn === undefined || cause.name === 'CredentialsProviderError') {
    return credentialsNotFound(cause, profile, details);
  }
  return new AppError('CredentialsRefused', `the role ${roleArn} cannot be assumed: ${cause.message}`, {
    hint: 'check that the role trusts these credentials, its external id, and that sts:AssumeRole is allowed',
    cause,
    details,
  });
}
