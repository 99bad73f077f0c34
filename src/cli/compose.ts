import { AppError } from '../core/errors.js';
import type { AwsClientOptions } from '../gateway/aws-client.js';
import type { Gateway } from '../gateway/gateway.js';
import type { CommonOptions } from './context.js';

/** What every gateway is made with, apart from its account and Region: where it is, and what `--debug` tells. */
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

/** The options with the account and Region of the configuration, where they name none themselves. */
export function reached<Options extends Pick<CommonOptions, 'region' | 'profile'>>(
  options: Options,
  configured: { region?: string; profile?: string },
): Options {
  const { region = configured.region, profile = configured.profile } = options;
  return {
    ...options,
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
  };
}

/** The first of some variables that is set; one may be set to nothing. */
const firstSet = (...names: readonly string[]): string | undefined =>
  names.map((name) => process.env[name]).find((value) => value !== undefined && value !== '');

/** The Region of the environment. */
export const environmentRegion = (): string | undefined => firstSet('AWS_REGION', 'AWS_DEFAULT_REGION');

/** The profile of the environment. */
export const environmentProfile = (): string | undefined => firstSet('AWS_PROFILE', 'AWS_DEFAULT_PROFILE');

/** Asks for MFA codes, where there is somebody to ask. */
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
 * The gateway that the options name, made once, at the first call: a command without AWS loads no SDK.
 * @param onServerTime told the time that AWS gives with each answer, and this machine's own
 */
export function gatewayFor(
  options: CommonOptions,
  onServerTime?: AwsClientOptions['onServerTime'],
): () => Promise<Gateway> {
  let made: Promise<Gateway> | undefined;
  return () => (made ??= create());

  async function create(): Promise<Gateway> {
    const { profile, region } = options;
    const reach = reachOf(options);
    const { createAwsGateway } = await import('../gateway/aws.js');
    const { createPace } = await import('../gateway/pace.js');
    return createAwsGateway({
      ...reach,
      ...mfaAsker(),
      pace: createPace(),
      ...(onServerTime === undefined ? {} : { onServerTime }),
      ...(region === undefined ? {} : { region }),
      ...(profile === undefined ? {} : { profile }),
    });
  }
}

function assertUrl(text: string): void {
  if (URL.canParse(text) && /^https?:/i.test(text)) return;
  throw new AppError('Usage', `"${text}" is not a URL that can be called`, {
    hint: 'write --endpoint-url as in http://127.0.0.1:4599',
  });
}
