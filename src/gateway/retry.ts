import { StandardRetryStrategy } from '@smithy/core/retry';
import type { RetryErrorInfo, StandardRetryToken } from '@smithy/types';

/** Attempts in all for a call that may safely be repeated. */
const MAX_ATTEMPTS = 5;

/**
 * The SDK's standard retries with two corrections. A quota that is used up (`LimitExceededException`) shares its
 * HTTP status 429 with throttling but does not go away by waiting. And a call with an effect and no idempotency
 * token is repeated only when AWS said that it did nothing: after a lost answer, the effect may be there.
 */
class CarefulRetryStrategy extends StandardRetryStrategy {
  readonly #repeatAfterLostAnswer: boolean;

  constructor(repeatAfterLostAnswer: boolean) {
    super(MAX_ATTEMPTS);
    this.#repeatAfterLostAnswer = repeatAfterLostAnswer;
  }

  override async refreshRetryTokenForRetry(
    token: StandardRetryToken,
    errorInfo: RetryErrorInfo,
  ): Promise<StandardRetryToken> {
    const quota = (errorInfo.error as Error | undefined)?.name === 'LimitExceededException';
    const safe = this.#repeatAfterLostAnswer || errorInfo.errorType === 'THROTTLING';
    if (quota || !safe) throw new Error('not to be repeated');
    return super.refreshRetryTokenForRetry(token, errorInfo);
  }
}

/** For reads, and for writes that end in the same state however often they are sent. */
export const repeatable = (): CarefulRetryStrategy => new CarefulRetryStrategy(true);

/** For GenerateClientCertificate, which makes another certificate each time it gets through. */
export const onceOnly = (): CarefulRetryStrategy => new CarefulRetryStrategy(false);
