import * as z from 'zod/mini';
import { networkError, type SdkError } from '../aws/network-error.js';
import type { AwsService } from '../aws/settings.js';
import { AppError } from '../platform/errors.js';
import { changedMeanwhile } from './failures.js';
import type { Revision, TextDocument } from './document.js';
import { documentTrustStore } from './document-store.js';
import { pemFormat } from './pem-format.js';
import { sealed } from './published-list.js';
import { commandSchema, reloadCommand, timeoutSchema, type Command } from './run-command.js';
import { storeName } from './store-name.js';
import type { DescribedTrustStore } from './trust-store.js';

/** The options that the kinds in AWS services share; credentials come from the SDK's default chain. */
export const awsOptions = {
  region: z
    .optional(z.string().check(z.minLength(1)))
    .check(z.describe('the Region of the resource, where it is not the default one')),
  profile: z
    .optional(z.string().check(z.minLength(1)))
    .check(z.describe('a profile of the shared AWS configuration')),
  roleArn: z
    .optional(
      z.string().check(z.regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/, 'must be the ARN of a role')),
    )
    .check(z.describe('a role to assume, with the credentials of the profile or the default credentials')),
  externalId: z
    .optional(z.string().check(z.minLength(1)))
    .check(z.describe('the external id that the trust policy of the role asks for')),
  endpointUrl: z.optional(z.url()).check(z.describe('another endpoint, for emulators')),
  reload: z.optional(commandSchema).check(z.describe('makes those who read it read it again')),
  timeout: z.optional(timeoutSchema),
};

/** The roles of these options. */
export const awsRoles = {
  region: 'name',
  profile: 'name',
  roleArn: 'name',
  externalId: 'text',
  endpointUrl: 'url',
  reload: 'command',
  timeout: 'name',
} as const;

interface AwsPlace {
  region?: string | undefined;
  profile?: string | undefined;
  endpointUrl?: string | undefined;
  /** A role to assume on top of the credentials. */
  roleArn?: string | undefined;
  externalId?: string | undefined;
}

interface AwsConfig extends AwsPlace {
  reload?: Command | undefined;
  timeout?: string | undefined;
}

/**
 * A store whose PEM bundle a service of AWS holds. Of one name there may be another in each account, Region and emulator.
 * @param formerName without what tells these apart
 * @param encoding how the text becomes octets, for the checksum of the published list
 */
export function awsStore(
  formerName: string,
  { region, profile, roleArn, endpointUrl, reload, timeout }: AwsConfig,
  document: TextDocument,
  encoding: BufferEncoding = 'utf8',
): DescribedTrustStore {
  return documentTrustStore({
    name: storeName(formerName, { region, profile, role: roleArn, endpoint: endpointUrl }),
    formerName,
    document,
    format: pemFormat,
    seal: (text, before) => sealed(text, before, encoding),
    makeLive: reloadCommand(reload, timeout),
  });
}

/**
 * The same options for an SDK client of a service.
 * @throws AppError of how the account cannot be reached, with the code that the store's doing has
 */
export async function clientOptions(service: AwsService, config: AwsPlace) {
  const { openSession } = await import('../aws/session.js');
  const { profile, region, endpointUrl, roleArn, externalId } = config;
  const session = await openSession({ profile, region, roleArn, externalId });
  return {
    ...(await session.clientConfig(service)),
    ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
  };
}

/** Whether the service has said no. Otherwise, as without an answer, it may have done what was asked. */
function isRefusal({ $metadata }: SdkError): boolean {
  const status = $metadata?.httpStatusCode;
  return status !== undefined && status < 500;
}

const textOf = (error: SdkError): string =>
  networkError(error, 'the service')?.message ??
  `${error.name}${error.message === '' ? '' : `: ${error.message}`}`;

/** An SDK error of reading as the port's own, its name and sentence kept. What keeps from reaching AWS at all stays that. */
export function readFailure(what: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const error = cause as SdkError;
  return new AppError('TrustStoreUnreadable', `${what} cannot be read: ${textOf(error)}`, {
    cause,
    hint: networkError(error, 'the service')?.hint ?? 'check its name, the Region and the permissions',
    details: { error: error.name },
  });
}

/**
 * Writes, and settles by reading what an error leaves open: an answer that is lost, and a repetition that meets the effect
 * of the first attempt, say nothing about what is there.
 * @param what what is written, for messages: `the object`
 * @throws AppError `TrustStoreFailed` when somebody else's content is there, or the service refused;
 * `ServiceUnreachable` when it is not known whether the text was written
 */
export async function settled(
  what: string,
  text: string,
  expected: Revision,
  { write, read }: { write: () => Promise<Revision>; read: () => Promise<Revision> },
  details: Readonly<Record<string, unknown>>,
): Promise<Revision> {
  try {
    return await write();
  } catch (cause) {
    // Of credentials or settings: nothing was sent.
    if (cause instanceof AppError) throw cause;
    const now = await read().catch(() => undefined);
    if (now?.text === text) return now;
    if (now && now.version !== expected.version) throw changedMeanwhile(details);
    const error = cause as SdkError;
    if (now && isRefusal(error)) {
      throw new AppError('TrustStoreFailed', `${what} cannot be written: ${textOf(error)}`, {
        cause,
        hint: 'check its name, the Region and the permissions; nothing was changed',
        details: { error: error.name },
      });
    }
    throw new AppError('ServiceUnreachable', `whether ${what} was written is not known: ${textOf(error)}`, {
      cause,
      hint: 'run the same command again: it looks at what is there first',
      details: { error: error.name },
    });
  }
}
