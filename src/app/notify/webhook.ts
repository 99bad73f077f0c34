import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../core/errors.js';
import type { Notice } from './notifier.js';

const ATTEMPTS = 3;
/** Before the second attempt; doubled before the third. Milliseconds. */
const FIRST_PAUSE = 500;

/** Whether another attempt may help: the request is at fault in other cases. */
const passing = (status: number): boolean => status >= 500 || status === 429 || status === 408;

/**
 * Posts a notice as JSON. Redirects are not followed: they would carry it to somebody else.
 * @throws AppError `NotificationFailed` after three attempts; the URL is told by its host only, since it may hold a secret
 */
export async function post(url: string, notice: Notice, { timeout }: { timeout: number }): Promise<void> {
  const { host } = new URL(url);
  let reason = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1) await sleep(FIRST_PAUSE * 2 ** (attempt - 2));
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'apigw-cert' },
        body: JSON.stringify(notice),
        redirect: 'manual',
        signal: AbortSignal.timeout(timeout),
      });
      await response.body?.cancel();
      if (response.ok) return;
      reason = `it answered ${response.status}`;
      if (!passing(response.status)) break;
    } catch (error) {
      const { name, cause } = error as Error;
      reason =
        name === 'TimeoutError'
          ? `no answer within ${timeout} ms`
          : reasonOf(cause) || 'it could not be called';
    }
  }
  throw new AppError('NotificationFailed', `the webhook at ${host} was not told: ${reason}`, {
    hint: 'check the URL; the notice is sent again by the next check',
  });
}

function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : '';
}
