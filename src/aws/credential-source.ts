/** What each source of credentials is given, and gives. */
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import type { AwsCredentialIdentity } from '@smithy/types';
import { AppError } from '../platform/errors.js';
import type { CredentialOrigin } from './credential-origin.js';
import type { AwsService, AwsSettings } from './settings.js';
import { SILENT } from './silent.js';

/** Credentials, and where they came from. */
export interface FoundCredentials {
  identity: AwsCredentialIdentity;
  origin: CredentialOrigin;
}

/** Asks a person for the code that an MFA device shows. */
export type AskMfaCode = (device: string, profile: string) => Promise<string>;

export interface CredentialOptions {
  settings: AwsSettings;
  requestHandler: NodeHttpHandler;
  /** Where nobody can be asked, it is left out. */
  askMfaCode?: AskMfaCode | undefined;
  env: NodeJS.ProcessEnv;
}

/** What an SDK client of a service is made with, apart from its credentials. */
export function serviceConfig(
  { settings, requestHandler }: Pick<CredentialOptions, 'settings' | 'requestHandler'>,
  service: AwsService,
  region: string,
) {
  const endpoint = settings.endpoint(service)?.value;
  return {
    region,
    profile: settings.profile.value,
    logger: SILENT,
    requestHandler,
    // Resolved here, for the profile in use: the SDK would look into the one of AWS_PROFILE.
    ignoreConfiguredEndpointUrls: true,
    ...(endpoint === undefined ? {} : { endpoint }),
    useFipsEndpoint: settings.useFipsEndpoint,
    useDualstackEndpoint: settings.useDualstackEndpoint,
  };
}

/** The error of a profile that cannot be used as it is. */
export const invalidProfile = (profile: string, what: string, hint: string): AppError =>
  new AppError('CredentialsMissing', `the profile "${profile}" ${what}`, { hint, details: { profile } });
