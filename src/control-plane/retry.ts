import { StandardRetryStrategy } from '@smithy/core/retry';
import type { RetryErrorInfo, StandardRetryToken } from '@smithy/types';

/**
 * The conflict that goes away by itself (recorded 2024-04-15: "Unable to complete operation due to concurrent
 * modification. Please try again later."); other conflicts stay. Whether the change was made is not known.
 */
export function isConcurrentModification({ name, message }: Error): boolean {
  return name === 'ConflictException' && /concurrent modification/i.test(message);
}

/** Attempts in all for a call that may safely be repeated. */
const MAX_ATTEMPTS = 5;

/**
 * The SDK's standard retries with three corrections. A quota that is used up (`LimitExceededException`) shares its
 * HTTP status 429 with throttling but does not go away by waiting. And a call with an effect and no idempotency
 * token is repeated only when AWS said that it did nothing: after a lost answer, the effect may be there. A concurrent
 * modification is waited for like throttling.
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
    const error = errorInfo.error instanceof Error ? errorInfo.error : undefined;
    const quota = error?.name === 'LimitExceededException';
    const safe = this.#repeatAfterLostAnswer || errorInfo.errorType === 'THROTTLING';
    if (quota || !safe) throw new Error('not to be repeated');
    const isTransient = error !== undefined && isConcurrentModification(error);
    return super.refreshRetryTokenForRetry(
      token,
      isTransient ? { ...errorInfo, errorType: 'THROTTLING' } : errorInfo,
    );
  }
}

/** For reads, and for writes that end in the same state however often they are sent. */
export const repeatable = (): CarefulRetryStrategy => new CarefulRetryStrategy(true);

/**
 * For calls whose every attempt the caller has to know of: GenerateClientCertificate makes another certificate each
 * time it gets through, and a change of a stage may take effect after its answer was lost.
 */
export const onceOnly = (): CarefulRetryStrategy => new CarefulRetryStrategy(false);
