import { AccountClient, paginateListRegions } from '@aws-sdk/client-account';
import { networkError } from '../aws/network-error.js';
import type { AwsSession } from '../aws/session.js';
import { AppError } from '../platform/errors.js';
import { homeRegionOf, partitionOf } from '../aws/partition.js';

/**
 * The Region to ask for the list: the one in use, whose partition is the account's; else a Region of the partition that
 * the role or the sign-in belongs to, since Account Management answers once in each.
 */
async function askedRegion(session: AwsSession, roleArn: string | undefined): Promise<string> {
  const { settings } = session;
  const { files, profile } = settings;
  const keys = files.profiles.get(profile.value) ?? {};
  const arn = roleArn ?? keys['role_arn'];
  if (typeof arn === 'string') return homeRegionOf(arn.split(':')[1] ?? 'aws');
  const ssoSession = keys['sso_session'];
  const signIn = (typeof ssoSession === 'string' ? files.ssoSessions.get(ssoSession) : keys)?.['sso_region'];
  if (settings.region) return settings.region.value;
  if (typeof signIn === 'string') return homeRegionOf(partitionOf(signIn));
  return session.region().catch(() => homeRegionOf('aws'));
}

/**
 * The Regions that are enabled in an account. They are asked of AWS and not kept in a list of ours: with a list, the
 * certificates of a new Region would be watched by nobody, and nobody would know.
 * @throws AppError `AccessDenied` and others, with the remedy
 */
export async function enabledRegions(
  account: string,
  session: AwsSession,
  roleArn: string | undefined,
): Promise<string[]> {
  const region = await askedRegion(session, roleArn);
  const client = new AccountClient(await session.clientConfig('Account', region));
  const names: string[] = [];
  try {
    const pages = paginateListRegions(
      { client, pageSize: 50 },
      { RegionOptStatusContains: ['ENABLED', 'ENABLED_BY_DEFAULT'] },
    );
    for await (const { Regions = [] } of pages)
      names.push(...Regions.flatMap((each) => each.RegionName ?? []));
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const network = networkError(cause, 'AWS Account Management', { details: { account } });
    if (network) throw network;
    const { name, message } = cause as Error;
    const denied = name === 'AccessDeniedException';
    throw new AppError(
      denied ? 'AccessDenied' : 'ServiceUnreachable',
      `the enabled Regions of ${account} cannot be listed: ${message}`,
      { hint: 'allow account:ListRegions, or specify the Regions instead of "all"', cause },
    );
  } finally {
    client.destroy();
  }
  if (names.length > 0) return names;
  throw new AppError('ServiceUnreachable', `AWS reported no enabled Region in ${account}`, {
    hint: 'check the endpoint that answers account:ListRegions, or specify the Regions instead of "all"',
  });
}
