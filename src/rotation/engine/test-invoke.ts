import {
  judgeCall,
  type CallOutcome,
  type CallProgress,
  type Fault,
  type LogCauseCode,
} from '../../control-plane/execution-log.js';
import type { Probe } from '../rules/probe.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';

/** How a backend answered one probe, tried several times with one certificate. */
export interface ProbeResult {
  backend: string;
  /**
   * `accepted`: each try was answered below 400. `refused`: the backend refused the client certificate, or the caller
   * with a status that such servers use. `unknown`: neither was seen, such as without a network; `cause` says why.
   */
  outcome: CallOutcome['outcome'];
  /** Whether `outcome` is `accepted`. */
  accepted: boolean;
  tries: number;
  /** Of the last try; the first that is not accepted ends them. The backend's own status where it answered. */
  status: number;
  /** How far the last try got, unless it is accepted. */
  progress?: CallProgress;
  /** Median of the tries, milliseconds. */
  latency: number;
  /** Unless accepted: what API Gateway's log says, on one line, where it gives a reason. */
  cause?: string;
  /** Unless accepted: whose fault it is, as far as the log tells. */
  fault?: Fault;
  /** Unless accepted: the cause in `LOG_CAUSES`, with its meaning and remedy. */
  code?: LogCauseCode;
}

/**
 * Calls a probe through TestInvokeMethod, `times` in a row, since a load balancer shows one host a call. Without a
 * certificate id the call presents none. Throws what the control plane throws.
 */
export async function probe(
  controlPlane: ControlPlane,
  { stage, resourceId, httpMethod, pathWithQueryString, stageVariables, backend }: Probe,
  clientCertificateId: string | undefined,
  times: number,
): Promise<ProbeResult> {
  const latencies: number[] = [];
  for (;;) {
    const { status, log, latency } = await controlPlane.testInvokeMethod({
      restApiId: stage.restApiId,
      resourceId,
      httpMethod,
      pathWithQueryString,
      ...(Object.keys(stageVariables).length === 0 ? {} : { stageVariables }),
      ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
    });
    latencies.push(latency);
    const { outcome, failure } = judgeCall({ status, log });
    const accepted = outcome === 'accepted';
    if (accepted && latencies.length < times) continue;
    return {
      backend,
      outcome,
      accepted,
      tries: latencies.length,
      status: failure?.backendStatus ?? status,
      latency: latencies.sort((a, b) => a - b)[Math.floor(latencies.length / 2)] ?? latency,
      ...(failure?.quote === undefined ? {} : { cause: failure.quote }),
      ...(failure === undefined
        ? {}
        : { progress: failure.progress, fault: failure.fault, code: failure.code }),
    };
  }
}
