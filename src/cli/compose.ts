import type { Gateway } from '../gateway/gateway.js';
import type { CommonOptions } from './context.js';

/** The gateway that the options name, made once, at the first call: a command without AWS loads no SDK. */
export function gatewayFor({ region, profile, endpointUrl, debug }: CommonOptions): () => Promise<Gateway> {
  let made: Promise<Gateway> | undefined;
  return () => (made ??= create());

  async function create(): Promise<Gateway> {
    const { createAwsGateway } = await import('../gateway/aws.js');
    // The AWS CLI reads AWS_DEFAULT_REGION, the SDK only AWS_REGION.
    const chosen = region ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'];
    return createAwsGateway({
      ...(chosen === undefined ? {} : { region: chosen }),
      ...(profile === undefined ? {} : { profile }),
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
    });
  }
}
