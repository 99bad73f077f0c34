import { setTimeout as sleep } from 'node:timers/promises';
import { networkHint } from '../../../aws/network-error.js';
import { AppError } from '../../../platform/errors.js';
import type { Notice } from '../../../findings/notice.js';
import { sendRequest } from '../../../net/request.js';

const ATTEMPTS = 3;
/** Before the second attempt; doubled before the third. Milliseconds. */
const FIRST_PAUSE = 500;

/** Whether another attempt may help: the request is at fault in other cases. */
const passing = (status: number): boolean => status >= 500 || status === 429 || status === 408;

/**
 * Posts a notice as JSON. Redirects are not followed: they would send it to another host.
 * @throws AppError `NotificationFailed` after three attempts; the URL is shown by its host only, since it may hold a secret
 */
export async function post(url: string, notice: Notice, { timeout }: { timeout: number }): Promise<void> {
  const { host } = new URL(url);
  let reason = '';
  let hint = 'check the URL';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1) await sleep(FIRST_PAUSE * 2 ** (attempt - 2));
    try {
      const status = await sendRequest(new URL(url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'apigw-cert' },
        body: JSON.stringify(notice),
        timeoutMs: timeout,
      });
      if (status >= 200 && status < 300) return;
      reason = `HTTP ${status}`;
      if (!passing(status)) break;
    } catch (error) {
      reason =
        (error as Error).name === 'TimeoutError'
          ? `no answer within ${timeout} ms`
          : reasonOf(error) || 'it could not be reached';
      hint = networkHint('check the URL and the network');
      if (/certificate/i.test(reason))
        hint = 'set NODE_EXTRA_CA_CERTS to the PEM file of the CA that issued its certificate';
    }
  }
  throw new AppError('NotificationFailed', `the webhook at ${host} failed: ${reason}`, {
    hint: `${hint}; the next check retries the notification`,
  });
}

function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : '';
}
