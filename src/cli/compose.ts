import { AppError } from '../core/errors.js';
import type { Gateway } from '../gateway/gateway.js';
import type { CommonOptions } from './context.js';

/** The gateway that the options name, made once, at the first call: a command without AWS loads no SDK. */
export function gatewayFor({ region, profile, endpointUrl, debug }: CommonOptions): () => Promise<Gateway> {
  let made: Promise<Gateway> | undefined;
  return () => (made ??= create());

  async function create(): Promise<Gateway> {
    if (endpointUrl !== undefined) assertUrl(endpointUrl);
    const { createAwsGateway } = await import('../gateway/aws.js');
    // The AWS CLI reads AWS_DEFAULT_REGION, the SDK only AWS_REGION; a variable may be set to nothing.
    const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
    const chosen = [region, AWS_REGION, AWS_DEFAULT_REGION].find((name) => name);
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

function assertUrl(text: string): void {
  if (URL.canParse(text) && /^https?:/i.test(text)) return;
  throw new AppError('Usage', `"${text}" is not a URL that can be called`, {
    hint: 'write --endpoint-url as in http://127.0.0.1:4599',
  });
}
