import type { Fault } from './faults.js';

/** One request as it was received and answered. */
export interface LoggedRequest {
  /** ISO 8601, of the emulator's clock. */
  time: string;
  /** As in the service model; `Invoke` for a request to a stage; `Unknown` when no operation fits. */
  operation: string;
  method: string;
  path: string;
  /** The HTTP status answered; absent when the connection was cut instead. */
  status?: number;
  fault?: Fault['kind'];
  account?: string;
  region?: string;
}

const MAX_REQUESTS = 10_000;

/** The latest requests, oldest first. */
export interface RequestLog {
  add(request: LoggedRequest): void;
  list(): readonly LoggedRequest[];
  clear(): void;
}

export function createRequestLog(): RequestLog {
  let requests: LoggedRequest[] = [];
  return {
    add(request) {
      requests.push(request);
      // Cut in large pieces, since a shift for each request would move the whole list.
      if (requests.length >= 2 * MAX_REQUESTS) requests = requests.slice(-MAX_REQUESTS);
    },
    list: () => requests.slice(-MAX_REQUESTS),
    clear() {
      requests = [];
    },
  };
}
