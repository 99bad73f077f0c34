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

/** The Region of the environment. The AWS CLI reads AWS_DEFAULT_REGION, the SDK only AWS_REGION. */
export function environmentRegion(): string | undefined {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  // A variable may be set to nothing.
  return [AWS_REGION, AWS_DEFAULT_REGION].find((name) => name);
}

/** The profile of the environment; a variable may be set to nothing. */
export function environmentProfile(): string | undefined {
  const { AWS_PROFILE } = process.env;
  return AWS_PROFILE === '' ? undefined : AWS_PROFILE;
}

/** The gateway that the options name, made once, at the first call: a command without AWS loads no SDK. */
export function gatewayFor(options: CommonOptions): () => Promise<Gateway> {
  let made: Promise<Gateway> | undefined;
  return () => (made ??= create());

  async function create(): Promise<Gateway> {
    const { profile } = options;
    const reach = reachOf(options);
    const { createAwsGateway } = await import('../gateway/aws.js');
    const { createPace } = await import('../gateway/pace.js');
    const region = [options.region, environmentRegion()].find((name) => name);
    return createAwsGateway({
      ...reach,
      pace: createPace(),
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
