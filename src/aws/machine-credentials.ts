/** Credentials that the machine itself has: those of a container, or of an instance of EC2. */
import type { CredentialOrigin } from './credential-origin.js';
import { credentialFailure } from './credential-failure.js';
import { patient } from './patient.js';
import { SILENT } from './silent.js';
import type { CredentialOptions, FoundCredentials } from './credential-source.js';

/** @throws AppError `Credentials…` of a container whose endpoint does not give what it should */
export async function fromMachine(options: CredentialOptions): Promise<FoundCredentials | undefined> {
  return (await fromContainer(options)) ?? (await fromInstance(options));
}

/** @throws AppError `Credentials…` */
export async function fromContainer({ env }: CredentialOptions): Promise<FoundCredentials | undefined> {
  if (!env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] && !env['AWS_CONTAINER_CREDENTIALS_FULL_URI'])
    return undefined;
  const { fromHttp } = await import('@aws-sdk/credential-providers');
  const origin: CredentialOrigin = { kind: 'container' };
  try {
    return { identity: await patient(fromHttp({ logger: SILENT }))(), origin };
  } catch (error) {
    throw credentialFailure(error, origin);
  }
}

/** Most machines are no instances of EC2: there, nothing answers, and nothing is wrong. */
export async function fromInstance({ env }: CredentialOptions): Promise<FoundCredentials | undefined> {
  if ((env['AWS_EC2_METADATA_DISABLED'] ?? '').toLowerCase() === 'true') return undefined;
  const { fromInstanceMetadata } = await import('@aws-sdk/credential-providers');
  try {
    return {
      identity: await patient(fromInstanceMetadata({ logger: SILENT }))(),
      origin: { kind: 'instance' },
    };
  } catch {
    return undefined;
  }
}
