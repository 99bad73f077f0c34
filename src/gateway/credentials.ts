import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import { AppError } from '../core/errors.js';
import type { FleetAccount } from '../core/fleet.js';

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
  const base = fromNodeProviderChain(profile === undefined ? {} : { profile });
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

/** An error of finding credentials, in words. */
export function credentialsError(error: unknown, { name, profile, roleArn }: FleetAccount): AppError {
  const { name: kind, message } = error as Error;
  const details = { account: name };
  if (roleArn !== undefined && kind !== 'CredentialsProviderError') {
    return new AppError('CredentialsRefused', `the role ${roleArn} cannot be assumed: ${message}`, {
      hint: 'check that the role trusts these credentials, its external id, and that sts:AssumeRole is allowed',
      cause: error,
      details,
    });
  }
  const of = profile === undefined ? '' : ` of profile ${profile}`;
  return /sso|token|expired/i.test(message)
    ? new AppError('CredentialsExpired', `the AWS credentials${of} cannot be used: ${message}`, {
        hint: `sign in again, for example with \`aws sso login${profile === undefined ? '' : ` --profile ${profile}`}\``,
        cause: error,
        details,
      })
    : new AppError('CredentialsMissing', `no AWS credentials${of} were found`, {
        hint: 'set AWS_PROFILE or --profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; check the profile in ~/.aws/config; `aws sts get-caller-identity` tells which credentials are in use',
        cause: error,
        details,
      });
}
