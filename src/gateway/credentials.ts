import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import { AppError } from '../core/errors.js';
import type { FleetAccount } from '../core/fleet.js';
import { createRequestHandler } from './aws-client.js';
import { CREDENTIALS_LATE_HINT, credentialsNotFound, unreachable } from './aws-error.js';
import { patient } from './patient.js';
import { SILENT } from './silent.js';

/** Credentials that end sooner than this are fetched anew. Milliseconds. */
const FRESH_MS = 5 * 60_000;
/** A refusal is the answer for all Regions of an account for so long. Milliseconds. */
const REFUSED_MS = 30_000;
/** A provider that asks once for all Regions of an account, and again before the credentials end. */
function remembered(provider: AwsCredentialIdentityProvider): AwsCredentialIdentityProvider {
  let current: Promise<AwsCredentialIdentity> | undefined;
  let goodUntil = Infinity;
  return (properties) => {
    if (current !== undefined && Date.now() < goodUntil) return current;
    goodUntil = Infinity;
    current = provider(properties).then(
      (credentials) => {
        goodUntil = (credentials.expiration?.getTime() ?? Infinity) - FRESH_MS;
        return credentials;
      },
      (error: unknown) => {
        goodUntil = Date.now() + REFUSED_MS;
        throw error;
      },
    );
    return current;
  };
}

/**
 * Where an account's credentials come from: the SDK's default chain, of a profile where one is named (SSO, processes
 * and roles included), and a role on top of it where one is named.
 */
export function credentialsOf({ profile, roleArn, externalId }: FleetAccount): AwsCredentialIdentityProvider {
  const base = fromNodeProviderChain({ logger: SILENT, ...(profile === undefined ? {} : { profile }) });
  if (roleArn === undefined) return remembered(patient(base));
  const role = fromTemporaryCredentials({
    masterCredentials: base,
    params: {
      RoleArn: roleArn,
      RoleSessionName: 'apigw-cert',
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
    },
    clientConfig: {
      logger: SILENT,
      requestHandler: createRequestHandler(),
      ...(profile === undefined ? {} : { profile }),
    },
  });
  return remembered(patient(role));
}

/** An error of finding an account's credentials, in words. */
export function credentialsError(error: unknown, { name, profile, roleArn }: FleetAccount): AppError {
  const details = { account: name };
  const cause = error as Error;
  if (cause.name === 'CredentialsTimeout') {
    return new AppError('CredentialsMissing', `the credentials of ${name}: ${cause.message}`, {
      hint: CREDENTIALS_LATE_HINT,
      cause,
      details,
    });
  }
  const network = unreachable(cause, roleArn === undefined ? 'AWS' : 'AWS STS', details);
  if (network) return network;
  if (roleArn === undefined || cause.name === 'CredentialsProviderError') {
    return credentialsNotFound(cause, profile, details);
  }
  return new AppError('CredentialsRefused', `the role ${roleArn} cannot be assumed: ${cause.message}`, {
    hint: 'check that the role trusts these credentials, its external id, and that sts:AssumeRole is allowed',
    cause,
    details,
  });
}
