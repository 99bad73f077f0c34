import http from 'node:http';

/** What became of the requests so far. */
export interface TrafficCounts {
  sent: number;
  failed: number;
  /** Milliseconds from the first request on. */
  elapsed: number;
  /** Requests answered, by the certificate that the backend saw: its SHA-256 fingerprint. */
  presented: ReadonlyMap<string, number>;
  /** What went wrong first, for the report. */
  firstFailure?: string;
}

export interface Traffic {
  /** Sends no more, waits for the answers, and counts. */
  stop(): Promise<TrafficCounts>;
}

/** Sends a request every `everyMs`, whether or not the former ones are answered, as a stage's many clients do. */
export function startTraffic(url: string, everyMs: number): Traffic {
  const agent = new http.Agent({ keepAlive: true });
  const presented = new Map<string, number>();
  const started = performance.now();
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  let failed = 0;
  let firstFailure: string | undefined;

  async function one(): Promise<void> {
    try {
      const { status, fingerprint } = await get(url, agent);
      if (status !== 200) throw new Error(`status ${status}`);
      presented.set(fingerprint, (presented.get(fingerprint) ?? 0) + 1);
    } catch (error) {
      failed += 1;
      firstFailure ??= error instanceof Error ? error.message : String(error);
    }
  }

  const timer = setInterval(() => {
    // A timer that comes late, since the machine is busy, makes up for it.
    const due = Math.floor((performance.now() - started) / everyMs);
    for (; sent < due; sent++) {
      const request = one().finally(() => underWay.delete(request));
      underWay.add(request);
    }
  }, everyMs);

  return {
    async stop() {
      clearInterval(timer);
      const elapsed = performance.now() - started;
      await Promise.all(underWay);
      agent.destroy();
      return { sent, failed, elapsed, presented, ...(firstFailure === undefined ? {} : { firstFailure }) };
    },
  };
}

const TIMEOUT_MS = 10_000;

function get(url: string, agent: http.Agent): Promise<{ status: number; fingerprint: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, timeout: TIMEOUT_MS }, (response) => {
      response
        .on('error', reject)
        .on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            fingerprint: String(response.headers['x-certificate'] ?? ''),
          });
        })
        .resume();
    });
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer in 10 s')));
  });
}
