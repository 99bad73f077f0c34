import type { Probe } from '../core/rotation/probe.js';
import { printable } from '../core/printable.js';
import type { Gateway } from '../gateway/gateway.js';

/** How a backend answered one probe, tried several times with one certificate. */
export interface ProbeResult {
  backend: string;
  /** Whether each try ended with a status below 400. */
  accepted: boolean;
  tries: number;
  /** Of the last try; the first refusal ends them. */
  status: number;
  /** Median of the tries, milliseconds. */
  latency: number;
  /** For a refusal: what API Gateway's log says of it, on one line. */
  cause?: string;
}

const LONGEST_CAUSE = 300;

/**
 * The line of a TestInvokeMethod log that says why the call failed, made fit for a terminal. Its wording is for a
 * reader and decides nothing: AWS does not document it.
 */
export function logCause(log: string): string | undefined {
  const lines = log.split('\n').map((line) => line.replace(/^.*?\d{4} : /, '').trim());
  const telling =
    lines.find((line) => /^Execution failed/i.test(line)) ?? lines.findLast((line) => line !== '');
  return telling === undefined ? undefined : printable(telling).slice(0, LONGEST_CAUSE);
}

/**
 * Calls a probe through TestInvokeMethod, `times` in a row, since a load balancer shows one host a call. Without a
 * certificate id the call presents none. The answer's status decides: a refused handshake is a 500 of API Gateway,
 * and nginx refuses by a 400 or 403 of its own. Throws what the gateway throws.
 */
export async function probe(
  gateway: Gateway,
  { stage, resourceId, httpMethod, pathWithQueryString, stageVariables, backend }: Probe,
  clientCertificateId: string | undefined,
  times: number,
): Promise<ProbeResult> {
  const latencies: number[] = [];
  for (;;) {
    const { status, log, latency } = await gateway.testInvokeMethod({
      restApiId: stage.restApiId,
      resourceId,
      httpMethod,
      pathWithQueryString,
      ...(Object.keys(stageVariables).length === 0 ? {} : { stageVariables }),
      ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
    });
    latencies.push(latency);
    const accepted = status < 400;
    if (accepted && latencies.length < times) continue;
    const cause = accepted ? undefined : logCause(log);
    return {
      backend,
      accepted,
      tries: latencies.length,
      status,
      latency: latencies.sort((a, b) => a - b)[Math.floor(latencies.length / 2)] ?? latency,
      ...(cause === undefined ? {} : { cause }),
    };
  }
}
