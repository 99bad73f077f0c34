import type { FinalizeRequestMiddleware, Pluggable } from '@smithy/types';
import type { Pace } from './pace.js';

/** How AWS says that requests come too fast. A used-up quota (`LimitExceededException`) has the same HTTP status. */
const THROTTLING = new Set(['TooManyRequestsException', 'ThrottlingException', 'Throttling']);

interface Answer {
  statusCode?: number;
  headers?: Record<string, string | undefined>;
}

/** Sends when a connection is free. */
export type WithConnection = <T>(send: () => Promise<T>) => Promise<T>;

/** API Gateway's limits are by the second: who says more is not AWS, or mistaken. Milliseconds. */
const LONGEST_WAIT_MS = 60_000;

/** RFC 9110 section 10.2.3: seconds, or a date. */
function retryAfterMs(headers: Answer['headers'], now: Date): number | undefined {
  const value = headers?.['retry-after'];
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now.getTime();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_WAIT_MS);
}

/**
 * Makes each attempt of each request wait for its turn, before it is signed: a signature ages. `onServerTime` is told
 * the time that each answer carries.
 */
export function pacePlugin<Input extends object, Output extends object>(
  pace: Pace | undefined,
  onServerTime: ((serverTime: Date, now: Date) => void) | undefined,
  withConnection: WithConnection = (send) => send(),
): Pluggable<Input, Output> {
  const middleware: FinalizeRequestMiddleware<Input, Output> = (next, context) => async (args) => {
    const operation = String(context['commandName']).replace(/Command$/, '');
    await pace?.take(operation);
    try {
      const result = await withConnection(() => next(args));
      look(result.response as Answer | undefined);
      pace?.accepted();
      return result;
    } catch (error) {
      const { name, $response } = error as Error & { $response?: Answer };
      look($response);
      if (THROTTLING.has(name)) pace?.throttled(operation, retryAfterMs($response?.headers, new Date()));
      throw error;
    }
  };

  function look(answer: Answer | undefined): void {
    const serverTime = new Date(answer?.headers?.['date'] ?? NaN);
    if (!Number.isNaN(serverTime.getTime())) onServerTime?.(serverTime, new Date());
  }

  return {
    applyToStack: (stack) => {
      stack.addRelativeTo(middleware, {
        name: 'apigwCertPace',
        relation: 'before',
        toMiddleware: 'httpSigningMiddleware',
      });
    },
  };
}
