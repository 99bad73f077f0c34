import type { NodeHttpHandler } from '@smithy/node-http-handler';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import { AppError } from '../platform/errors.js';
import { createRequestHandler } from './connections.js';
import type { CredentialOrigin } from './credential-origin.js';
import type { AskMfaCode, CredentialOptions, FoundCredentials } from './credential-source.js';
import { awsSettings, type AwsInput, type AwsService, type AwsSettings } from './settings.js';
import { silenceSdk, type SILENT } from './silent.js';

/** Credentials that end sooner than this are fetched anew. Milliseconds. */
const FRESH_MS = 5 * 60_000;
/** A refusal is the answer for all Regions of an account for so long. Milliseconds. */
const REFUSED_MS = 30_000;

/** How one account is reached. */
export interface SessionInput extends AwsInput {
  /** A role to assume on top of the profile's or the environment's credentials. */
  roleArn?: string | undefined;
  externalId?: string | undefined;
  /** Where nobody can be asked, it is left out. */
  askMfaCode?: AskMfaCode | undefined;
  /** How long one request may take, in milliseconds. */
  requestTimeout?: number | undefined;
}

/** One account, and everything that an SDK client needs to reach a service of it: the only place that decides it. */
export interface AwsSession {
  readonly settings: AwsSettings;
  /** Shared by all clients of the session. */
  readonly requestHandler: NodeHttpHandler;
  /** Throws AppErrors that say what is wrong and what helps. Asks once, and again before the credentials end. */
  readonly credentials: AwsCredentialIdentityProvider;
  /** Where the credentials came from, once they were found. */
  origin(): CredentialOrigin | undefined;
  /** The Region in use, that of the instance included. @throws AppError `RegionMissing` */
  region(): Promise<string>;
  /** The configuration of an SDK client. Without a Region: the one in use. */
  clientConfig(service: AwsService, region?: string): Promise<ClientConfig>;
}

export interface ClientConfig {
  region: string;
  profile: string;
  credentials: AwsCredentialIdentityProvider;
  endpoint?: string;
  ignoreConfiguredEndpointUrls: boolean;
  useFipsEndpoint: boolean;
  useDualstackEndpoint: boolean;
  requestHandler: NodeHttpHandler;
  logger: typeof SILENT;
}

function remembered(find: () => Promise<FoundCredentials>): () => Promise<FoundCredentials> {
  let current: Promise<FoundCredentials> | undefined;
  let goodUntil = Infinity;
  return () => {
    if (current !== undefined && Date.now() < goodUntil) return current;
    goodUntil = Infinity;
    current = find().then(
      (found) => {
        goodUntil = (found.identity.expiration?.getTime() ?? Infinity) - FRESH_MS;
        return found;
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
 * Opens a session: reads the shared configuration, and calls nobody yet.
 * @throws AppError `CredentialsMissing` for a profile that is not there, `ConfigurationInvalid`, `FileNotReadable`, `Usage`
 */
export async function openSession(
  input: SessionInput = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<AwsSession> {
  silenceSdk();
  const settings = await awsSettings(input, env);
  const { requestTimeout, askMfaCode } = input;
  const requestHandler = await createRequestHandler({ requestTimeout, caBundle: settings.caBundle });
  const options: CredentialOptions = { settings, requestHandler, askMfaCode, env };
  let origin: CredentialOrigin | undefined;

  const find = remembered(async () => {
    const { assumeRole, findCredentials } = await import('./credentials.js');
    const base = await findCredentials(options);
    const { roleArn, externalId } = input;
    const found =
      roleArn === undefined
        ? base
        : await assumeRole(options, base, settings.profile.value, { roleArn, externalId });
    origin = found.origin;
    return found;
  });
  const credentials = async (): Promise<AwsCredentialIdentity> => (await find()).identity;

  let ofInstance: Promise<string | undefined> | undefined;
  async function region(): Promise<string> {
    if (settings.region) return settings.region.value;
    ofInstance ??= instanceRegion(env);
    const found = await ofInstance;
    if (found !== undefined) return found;
    const { profile } = settings;
    throw new AppError(
      'RegionMissing',
      profile.from === 'default'
        ? 'no AWS Region is set'
        : `no AWS Region is set, and none in the profile "${profile.value}"`,
      {
        hint: 'specify --region, set AWS_REGION, or set a Region in the profile (`aws configure set region`)',
      },
    );
  }

  return {
    settings,
    requestHandler,
    credentials,
    origin: () => origin,
    region,
    async clientConfig(service, wanted) {
      const { serviceConfig } = await import('./credential-source.js');
      return { ...serviceConfig(options, service, wanted ?? (await region())), credentials };
    },
  };
}

/** The Region that the instance is in, where this is one: the AWS CLI's last resort. */
async function instanceRegion(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if ((env['AWS_EC2_METADATA_DISABLED'] ?? '').toLowerCase() === 'true') return undefined;
  const { NODE_REGION_CONFIG_OPTIONS } = await import('@smithy/core/config');
  const ask = NODE_REGION_CONFIG_OPTIONS.default as () => Promise<string>;
  return ask().catch(() => undefined);
}
