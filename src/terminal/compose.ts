import { AppError } from '../platform/errors.js';
import type { ResolvedAccount } from '../settings/resolve.js';
import { ACCOUNT_SETTINGS } from '../settings/table.js';
import type { AwsClientOptions } from '../control-plane/aws-client.js';
import type { ControlPlane } from '../control-plane/control-plane.js';
import type { CommonOptions } from './context.js';

/** What every control plane is made with, apart from its account and Region: where it is, and what `--debug` tells. */
export function reachOf({
  endpointUrl,
  debug,
}: Pick<CommonOptions, 'endpointUrl' | 'debug'>): Pick<AwsClientOptions, 'endpoint' | 'onCall'> {
  if (endpointUrl !== undefined) assertUrl(endpointUrl);
  return {
    ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
    ...(debug === true
      ? {
          onCall: ({ operation, milliseconds, attempts, error }) => {
            const retries = attempts > 1 ? `, ${attempts} attempts` : '';
            process.stderr.write(
              `debug: ${operation} ${milliseconds} ms${retries}${error ? `: ${error}` : ''}\n`,
            );
          },
        }
      : {}),
  };
}

/** The first of some variables that is set; one may be set to nothing. */
const firstSet = (names: readonly string[]): string | undefined =>
  names.map((name) => process.env[name]).find((value) => value !== undefined && value !== '');

/** The Region of the environment. */
export const environmentRegion = (): string | undefined => firstSet(ACCOUNT_SETTINGS.region.variables);

/** The profile of the environment. */
export const environmentProfile = (): string | undefined => firstSet(ACCOUNT_SETTINGS.profile.variables);

/** Prompts for MFA codes on a terminal. */
export function mfaAsker(): Pick<AwsClientOptions, 'askMfaCode'> {
  if (!process.stdin.isTTY) return {};
  return {
    askMfaCode: async (device, profile) => {
      const { askText } = await import('./ask.js');
      return askText(`MFA code of ${device} for the profile "${profile}":`);
    },
  };
}

/**
 * The control plane of one account and Region.
 * @param fromFile where the file says them, if it does
 * @param onServerTime told the time that AWS gives with each answer, and this machine's own
 */
export async function controlPlaneFor(
  options: Pick<CommonOptions, 'endpointUrl' | 'debug'>,
  { profile, region, roleArn, externalId }: Omit<ResolvedAccount, 'origins'>,
  { fromFile, onServerTime }: Pick<AwsClientOptions, 'fromFile' | 'onServerTime'> = {},
): Promise<ControlPlane> {
  const reach = reachOf(options);
  const [{ createAwsControlPlane }, { createPace }] = await Promise.all([
    import('../control-plane/aws.js'),
    import('../control-plane/pace.js'),
  ]);
  return createAwsControlPlane({
    ...reach,
    ...mfaAsker(),
    pace: createPace(),
    ...(onServerTime === undefined ? {} : { onServerTime }),
    ...(fromFile === undefined ? {} : { fromFile }),
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(externalId === undefined ? {} : { externalId }),
  });
}

function assertUrl(text: string): void {
  if (URL.canParse(text) && /^https?:/i.test(text)) return;
  throw new AppError('Usage', `"${text}" is not a valid URL`, {
    hint: 'specify --endpoint-url as in http://127.0.0.1:4599',
  });
}
