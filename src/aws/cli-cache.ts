import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AwsCredentialIdentity } from '@smithy/types';
import { homeOf } from './shared-files.js';

/** A role to assume. */
export interface RoleRequest {
  roleArn: string;
  externalId?: string | undefined;
  sessionName?: string | undefined;
  durationSeconds?: number | undefined;
  mfaSerial?: string | undefined;
}

/** Credentials with less left are not worth a start. Milliseconds. */
const LEFT_MS = 5 * 60_000;

/** JSON as Python writes it, which the name of the file is the hash of. */
function pythonJson(value: Readonly<Record<string, string | number>>): string {
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}: ${JSON.stringify(value[key])}`);
  return `{${members.join(', ')}}`;
}

/**
 * What the AWS CLI keeps of a role that it has assumed, if it is still good: whoever has given an MFA code to it need
 * not give another. It is never written here.
 */
export async function cachedRole(
  { roleArn, externalId, sessionName, durationSeconds, mfaSerial }: RoleRequest,
  env: NodeJS.ProcessEnv,
): Promise<AwsCredentialIdentity | undefined> {
  const key = pythonJson({
    RoleArn: roleArn,
    ...(externalId === undefined ? {} : { ExternalId: externalId }),
    ...(sessionName === undefined ? {} : { RoleSessionName: sessionName }),
    ...(durationSeconds === undefined ? {} : { DurationSeconds: durationSeconds }),
    ...(mfaSerial === undefined ? {} : { SerialNumber: mfaSerial }),
  });
  const name = `${createHash('sha1').update(key).digest('hex')}.json`;
  try {
    const text = await readFile(join(homeOf(env), '.aws', 'cli', 'cache', name), 'utf8');
    const { Credentials: found } = JSON.parse(text) as { Credentials?: Record<string, unknown> };
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = found ?? {};
    const expiration = new Date(String(Expiration));
    if (![AccessKeyId, SecretAccessKey, SessionToken].every((value) => typeof value === 'string'))
      return undefined;
    if (!(expiration.getTime() - Date.now() > LEFT_MS)) return undefined;
    return {
      accessKeyId: String(AccessKeyId),
      secretAccessKey: String(SecretAccessKey),
      sessionToken: String(SessionToken),
      expiration,
    };
  } catch {
    // No such file, or not what it should be: then a code is asked for.
    return undefined;
  }
}
