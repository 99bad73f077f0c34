import { AccountClient, paginateListRegions } from '@aws-sdk/client-account';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import { AppError } from '../core/errors.js';
import { createRequestHandler } from './aws-client.js';
import { SILENT, silenceSdk } from './silent.js';

/** Account Management answers here for all Regions of the commercial partition. */
const HOME_REGION = 'us-east-1';

/**
 * The Regions that are enabled in an account. They are asked of AWS and not kept in a list of ours: with a list, the
 * certificates of a new Region would be watched by nobody, and nobody would know.
 * @throws AppError `AccessDenied` and others, with the remedy
 */
export async function enabledRegions(
  account: string,
  credentials: AwsCredentialIdentityProvider,
): Promise<string[]> {
  silenceSdk();
  const client = new AccountClient({
    region: process.env['AWS_REGION'] ?? HOME_REGION,
    credentials,
    logger: SILENT,
    requestHandler: createRequestHandler(),
  });
  const names: string[] = [];
  try {
    const pages = paginateListRegions(
      { client, pageSize: 50 },
      { RegionOptStatusContains: ['ENABLED', 'ENABLED_BY_DEFAULT'] },
    );
    for await (const { Regions = [] } of pages)
      names.push(...Regions.flatMap((each) => each.RegionName ?? []));
  } catch (cause) {
    const { name, message } = cause as Error;
    const denied = name === 'AccessDeniedException';
    throw new AppError(
      denied ? 'AccessDenied' : 'ServiceUnreachable',
      `the enabled Regions of ${account} cannot be listed: ${message}`,
      { hint: 'allow account:ListRegions, or name the Regions instead of "all"', cause },
    );
  } finally {
    client.destroy();
  }
  if (names.length > 0) return names;
  throw new AppError('ServiceUnreachable', `no Region is told to be enabled in ${account}`, {
    hint: 'check the endpoint that answers account:ListRegions, or name the Regions instead of "all"',
  });
}
