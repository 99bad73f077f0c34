/**
 * Which credentials count, in the AWS CLI's order (botocore, `create_credential_resolver`): the environment, a role, a
 * web identity, IAM Identity Center, the credentials file, `aws login`, a process, the configuration file, the
 * container, the instance. The SDK's own chain has another order, falls through where a profile is incomplete, reads
 * endpoints of another profile, and does not say why it found nothing; so its providers are used one by one.
 */
import type { AwsCredentialIdentity } from '@smithy/types';
import { AppError } from '../platform/errors.js';
import { homeRegionOf } from './partition.js';
import { readFileOrStream } from '../platform/read-regular-file.js';
import { cachedRole, type RoleRequest } from './cli-cache.js';
import type { CredentialOrigin } from './credential-origin.js';
import { roleFailure } from './credential-failure.js';
import { processCredentials } from './credential-process.js';
import type { IniSection } from './ini.js';
import { patient } from './patient.js';
import { textOf, type SharedFiles } from './shared-files.js';
import {
  invalidProfile,
  serviceConfig,
  type CredentialOptions,
  type FoundCredentials,
} from './credential-source.js';
import { fromContainer, fromInstance, fromMachine } from './machine-credentials.js';
import { fromLogin, fromSso } from './sign-in-credentials.js';

const VISIBLE = /^[\x21-\x7e]+$/;

/** Keys have visible ASCII characters alone; what else is in them came with a copy or with Windows line ends. */
function checked(
  identity: AwsCredentialIdentity,
  origin: CredentialOrigin,
  names: readonly string[],
): FoundCredentials {
  const values = [identity.accessKeyId, identity.secretAccessKey, identity.sessionToken];
  const at = values.findIndex((value) => value !== undefined && !VISIBLE.test(value));
  if (at < 0) return { identity, origin };
  const [bad = ''] = /[^\x21-\x7e]/u.exec(values[at] ?? '') ?? [];
  const code = (bad.codePointAt(0) ?? 0).toString(16).padStart(2, '0');
  throw new AppError(
    'CredentialsRefused',
    `${names[at] ?? 'a key'} contains an invalid character (U+${code.toUpperCase().padStart(4, '0')})`,
    {
      hint:
        bad === '\r'
          ? 'it is a carriage return from a file with Windows line endings: remove it, for example with tr -d "\\r"'
          : 'copy the key again, without spaces or line breaks',
    },
  );
}

const ENVIRONMENT_NAMES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];
const FILE_NAMES = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'];

function fromEnvironment(env: NodeJS.ProcessEnv): FoundCredentials | undefined {
  const [accessKeyId, secretAccessKey] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']];
  if (!accessKeyId) return undefined;
  if (!secretAccessKey) {
    throw new AppError('CredentialsMissing', 'AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not', {
      hint: 'set both, or unset both to use a profile',
    });
  }
  const sessionToken = [env['AWS_SECURITY_TOKEN'], env['AWS_SESSION_TOKEN']].find((token) => token);
  const expiry = env['AWS_CREDENTIAL_EXPIRATION'];
  const expiration = expiry ? new Date(expiry) : undefined;
  if (expiration && expiration.getTime() <= Date.now()) {
    throw new AppError(
      'CredentialsExpired',
      `the AWS credentials in the environment expired at ${expiration.toISOString()} (AWS_CREDENTIAL_EXPIRATION)`,
      { hint: 'set new credentials' },
    );
  }
  const accountId = env['AWS_ACCOUNT_ID'];
  const identity = {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken ? { sessionToken } : {}),
    ...(expiration && !Number.isNaN(expiration.getTime()) ? { expiration } : {}),
    ...(accountId ? { accountId } : {}),
  };
  return checked(identity, { kind: 'environment' }, ENVIRONMENT_NAMES);
}

function fromFile(
  files: SharedFiles,
  profile: string,
  which: 'credentials' | 'config',
): FoundCredentials | undefined {
  const [section, file] =
    which === 'credentials'
      ? [files.inCredentials.get(profile), files.credentialsFile]
      : [files.inConfig.get(profile), files.configFile];
  const [accessKeyId, secretAccessKey] = [
    textOf(section, 'aws_access_key_id'),
    textOf(section, 'aws_secret_access_key'),
  ];
  if (accessKeyId === undefined) return undefined;
  if (!accessKeyId || !secretAccessKey) {
    const [there, missing] = accessKeyId ? FILE_NAMES : [...FILE_NAMES].reverse();
    throw new AppError(
      'CredentialsMissing',
      `the profile "${profile}" in ${file} has ${there} but no ${missing}`,
      {
        hint: 'add both, or remove both',
        details: { profile, file },
      },
    );
  }
  const [sessionToken, accountId] = [
    textOf(section, 'aws_session_token'),
    textOf(files.profiles.get(profile), 'aws_account_id'),
  ];
  const identity = {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken ? { sessionToken } : {}),
    ...(accountId ? { accountId } : {}),
  };
  const names = FILE_NAMES.map((name) => `${name} of the profile "${profile}" in ${file}`);
  return checked(identity, { kind: 'file', profile, file }, names);
}

/**
 * Finds the credentials of a session, as often as it is asked.
 * @throws AppError `Credentials…`, `ServiceUnreachable`
 */
export async function findCredentials(options: CredentialOptions): Promise<FoundCredentials> {
  const { settings, env } = options;
  const { profile, environmentCounts, files } = settings;
  const found =
    (environmentCounts ? fromEnvironment(env) : undefined) ??
    (await ofProfile(options, profile.value, [profile.value], environmentCounts)) ??
    (await fromMachine(options));
  if (found) return found;
  const named = files.profiles.has(profile.value);
  throw new AppError(
    'CredentialsMissing',
    named
      ? `the profile "${profile.value}" has no AWS credentials, and this machine has none either`
      : 'no AWS credentials were found',
    {
      hint: 'set AWS_PROFILE or --profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws configure list` shows which credentials the AWS CLI would use',
      details: {
        profile: profile.value,
        configFile: files.configFile,
        credentialsFile: files.credentialsFile,
      },
    },
  );
}

/** @param visited the profiles that led here, this one included */
async function ofProfile(
  options: CredentialOptions,
  name: string,
  visited: readonly string[],
  environmentCounts: boolean,
): Promise<FoundCredentials | undefined> {
  const keys = options.settings.files.profiles.get(name);
  const roleArn = textOf(keys, 'role_arn');
  if (roleArn !== undefined && textOf(keys, 'web_identity_token_file') === undefined) {
    return ofRole(options, name, roleArn, visited);
  }
  return fromProfileKeys(options, name, environmentCounts);
}

async function fromProfileKeys(
  options: CredentialOptions,
  name: string,
  environmentCounts: boolean,
): Promise<FoundCredentials | undefined> {
  const { files } = options.settings;
  const keys = files.profiles.get(name);
  const process = textOf(keys, 'credential_process');
  return (
    (await fromWebIdentity(options, name, environmentCounts)) ??
    (await fromSso(options, name)) ??
    fromFile(files, name, 'credentials') ??
    (await fromLogin(options, name)) ??
    (process === undefined
      ? undefined
      : checked(
          await processCredentials(process, name),
          { kind: 'process', profile: name },
          FILE_NAMES.map((key) => `${key} returned by the credential_process of the profile "${name}"`),
        )) ??
    fromFile(files, name, 'config')
  );
}

const hasKeys = (keys: IniSection | undefined): boolean =>
  ['aws_access_key_id', 'aws_secret_access_key'].some((key) => textOf(keys, key) !== undefined);

async function ofRole(
  options: CredentialOptions,
  name: string,
  roleArn: string,
  visited: readonly string[],
): Promise<FoundCredentials> {
  const { files } = options.settings;
  const keys = files.profiles.get(name);
  const [source, sourceProfile] = [textOf(keys, 'credential_source'), textOf(keys, 'source_profile')];
  if (source !== undefined && sourceProfile !== undefined) {
    throw invalidProfile(name, 'has both source_profile and credential_source', 'remove one of the two');
  }
  const base =
    source !== undefined
      ? await fromNamedSource(options, source, name)
      : await fromSourceProfile(options, name, sourceProfile, visited);
  const duration = Number(textOf(keys, 'duration_seconds'));
  return assumeRole(options, base, name, {
    roleArn,
    externalId: textOf(keys, 'external_id'),
    sessionName: textOf(keys, 'role_session_name'),
    mfaSerial: textOf(keys, 'mfa_serial'),
    ...(Number.isInteger(duration) && duration > 0 ? { durationSeconds: duration } : {}),
  });
}

async function fromSourceProfile(
  options: CredentialOptions,
  name: string,
  sourceProfile: string | undefined,
  visited: readonly string[],
): Promise<FoundCredentials> {
  const { files } = options.settings;
  if (sourceProfile === undefined) {
    throw invalidProfile(
      name,
      'has a role_arn, but neither source_profile nor credential_source',
      'add source_profile = NAME, the profile whose credentials may assume the role',
    );
  }
  const keys = files.profiles.get(sourceProfile);
  if (keys === undefined) {
    throw invalidProfile(
      name,
      `uses the source_profile "${sourceProfile}", which is neither in ${files.configFile} nor in ${files.credentialsFile}`,
      `add the profile "${sourceProfile}", or correct source_profile`,
    );
  }
  const isItself = sourceProfile === name && hasKeys(keys);
  if (visited.includes(sourceProfile) && !isItself) {
    throw invalidProfile(
      visited[0] ?? name,
      `has circular source_profile references: ${[...visited, sourceProfile].join(' → ')}`,
      'source_profile must lead to a profile with its own credentials',
    );
  }
  const found = hasKeys(keys)
    ? await fromProfileKeys(options, sourceProfile, false)
    : await ofProfile(options, sourceProfile, [...visited, sourceProfile], false);
  if (found) return found;
  throw invalidProfile(
    name,
    `uses the source_profile "${sourceProfile}", which has no credentials`,
    `add credentials to the profile "${sourceProfile}", or correct source_profile`,
  );
}

async function fromNamedSource(
  options: CredentialOptions,
  source: string,
  name: string,
): Promise<FoundCredentials> {
  const sources: Readonly<Record<string, () => Promise<FoundCredentials | undefined>>> = {
    environment: () => Promise.resolve(fromEnvironment(options.env)),
    ecscontainer: () => fromContainer(options),
    ec2instancemetadata: () => fromInstance(options),
  };
  const find = sources[source.toLowerCase()];
  if (find === undefined) {
    throw invalidProfile(
      name,
      `has the unknown credential_source "${source}"`,
      'use Environment, EcsContainer or Ec2InstanceMetadata',
    );
  }
  const found = await find();
  if (found) return found;
  throw invalidProfile(
    name,
    `uses credential_source = ${source}, which provides no credentials here`,
    'run it where this source is available, or use source_profile',
  );
}

/** The Region whose STS is asked: the one in use, or one of the role's partition. */
function stsRegion({ settings }: CredentialOptions, roleArn: string): string {
  return settings.region?.value ?? homeRegionOf(roleArn.split(':')[1] ?? 'aws');
}

/**
 * Assumes a role with credentials that were found.
 * @throws AppError `CredentialsRefused`, `CredentialsMissing` where an MFA code is needed and nobody can be asked
 */
export async function assumeRole(
  options: CredentialOptions,
  base: FoundCredentials,
  profile: string,
  role: RoleRequest,
): Promise<FoundCredentials> {
  const { roleArn, externalId, sessionName, mfaSerial, durationSeconds } = role;
  const origin: CredentialOrigin = { kind: 'role', roleArn, source: base.origin };
  const accountId = roleArn.split(':')[4] ?? '';
  const withAccount = (identity: AwsCredentialIdentity): FoundCredentials => ({
    identity: { ...identity, ...(accountId === '' ? {} : { accountId }) },
    origin,
  });
  if (mfaSerial !== undefined) {
    const cached = await cachedRole(role, options.env);
    if (cached) return withAccount(cached);
  }
  const code = mfaSerial === undefined ? undefined : await mfaCode(options, mfaSerial, profile);
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  const provider = fromTemporaryCredentials({
    masterCredentials: base.identity,
    params: {
      RoleArn: roleArn,
      RoleSessionName: sessionName ?? 'apigw-cert',
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
      ...(durationSeconds === undefined ? {} : { DurationSeconds: durationSeconds }),
      ...(mfaSerial === undefined ? {} : { SerialNumber: mfaSerial }),
    },
    ...(code === undefined ? {} : { mfaCodeProvider: () => Promise.resolve(code) }),
    clientConfig: serviceConfig(options, 'STS', stsRegion(options, roleArn)),
  });
  try {
    return withAccount(await patient(provider)());
  } catch (error) {
    throw roleFailure(error, roleArn, base.origin);
  }
}

function mfaCode({ askMfaCode }: CredentialOptions, device: string, profile: string): Promise<string> {
  if (askMfaCode) return askMfaCode(device, profile);
  throw new AppError(
    'CredentialsMissing',
    `the profile "${profile}" needs a code from the MFA device ${device}, but there is no terminal to ask on`,
    {
      hint: `run it on a terminal, or sign in on a terminal once with \`aws sts get-caller-identity --profile ${profile}\`: the session cached by the AWS CLI is used until it expires`,
      details: { profile, device },
    },
  );
}

async function fromWebIdentity(
  options: CredentialOptions,
  name: string,
  environmentCounts: boolean,
): Promise<FoundCredentials | undefined> {
  const { settings, env } = options;
  const keys = settings.files.profiles.get(name);
  const value = (key: string, variable: string): string | undefined =>
    (environmentCounts ? env[variable] : undefined) ?? textOf(keys, key);
  const file = value('web_identity_token_file', 'AWS_WEB_IDENTITY_TOKEN_FILE');
  if (!file) return undefined;
  const from =
    environmentCounts && env['AWS_WEB_IDENTITY_TOKEN_FILE']
      ? 'AWS_WEB_IDENTITY_TOKEN_FILE'
      : `web_identity_token_file of the profile "${name}"`;
  const roleArn = value('role_arn', 'AWS_ROLE_ARN');
  if (!roleArn) {
    throw new AppError(
      'CredentialsMissing',
      `${from} is set, but there is no role to assume with the token`,
      {
        hint: 'set AWS_ROLE_ARN, or role_arn in the profile',
      },
    );
  }
  let token: string;
  try {
    token = (await readFileOrStream(file)).toString('utf8').trim();
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw new AppError('CredentialsMissing', `the token file ${file} (${from}) cannot be read (${code})`, {
      hint:
        code === 'ENOENT'
          ? 'check that the token has been created: in Kubernetes, that the pod has a service account with a role'
          : 'make it readable for this user',
      cause,
      details: { file },
    });
  }
  const { fromWebToken } = await import('@aws-sdk/credential-providers');
  const provider = fromWebToken({
    webIdentityToken: token,
    roleArn,
    roleSessionName: value('role_session_name', 'AWS_ROLE_SESSION_NAME') ?? 'apigw-cert',
    clientConfig: { ...serviceConfig(options, 'STS', stsRegion(options, roleArn)) },
  });
  const origin: CredentialOrigin = { kind: 'webIdentity', what: file };
  try {
    return { identity: await patient(provider)(), origin };
  } catch (error) {
    throw roleFailure(error, roleArn, origin);
  }
}
