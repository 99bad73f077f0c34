/** How a certificate is shown to backends: a test call of AWS's, a handshake from this machine, or the stage itself. */
import type { Certificate } from '../../control-plane/certificate.js';
import { AppError, type ErrorCode } from '../../platform/errors.js';
import type { Probe } from '../rules/probe.js';
import { probe, type ProbeResult } from './test-invoke.js';
import type { PresentedIdentity } from './ports.js';
import type { Run } from './run.js';

/** Answers of TestInvokeMethod to an ARN that it does not take; AWS does not document them. */
const NOT_TAKEN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CertificateNotFound',
  'RequestRefused',
  'StageNotFound',
]);

/** What a certificate is shown by. */
export type ShownBy = 'testInvoke' | 'handshake';

/** Whether AWS makes test calls with the ARN of a certificate of ACM: not documented, so that it is tried once a run. */
async function takesArn(run: Run, candidate: Probe, arn: string): Promise<boolean> {
  if (run.takesArn !== undefined) return run.takesArn;
  try {
    await probe(run.deps.controlPlane, candidate, arn, 1);
    run.takesArn = true;
  } catch (error) {
    if (!(error instanceof AppError) || !NOT_TAKEN.has(error.code)) throw error;
    run.takesArn = false;
  }
  return run.takesArn;
}

/** The certificate with its key, where that is at hand. */
const atHand = ({ request }: Run, { trusted }: Certificate): PresentedIdentity | undefined =>
  [request.identity, request.inPlace?.previous?.identity].find(
    (identity) => identity?.fingerprintSha256 === trusted.fingerprintSha256,
  );

/** By what a certificate can be shown to the backends of the probes; nothing where by none. */
export async function shownBy(
  run: Run,
  probes: readonly Probe[],
  certificate: Certificate,
): Promise<ShownBy | undefined> {
  const [first] = probes;
  if (first === undefined) return undefined;
  if (!certificate.acm || (await takesArn(run, first, certificate.clientCertificateId))) return 'testInvoke';
  return atHand(run, certificate) ? 'handshake' : undefined;
}

/** Shows a certificate to one backend, `times` in a row. Without an id the call presents none. */
export async function show(
  run: Run,
  candidate: Probe,
  id: string | undefined,
  times: number,
): Promise<ProbeResult> {
  const shown = run.certificates.find(({ clientCertificateId }) => clientCertificateId === id);
  const identity = shown && atHand(run, shown);
  if (!shown?.acm || run.takesArn !== false || !identity)
    return probe(run.deps.controlPlane, candidate, id, times);
  return presentTo(identity, candidate, times);
}

/** Presents a certificate whose key is at hand to one backend from this machine, `times` in a row. */
export async function presentTo(
  identity: PresentedIdentity,
  { backend, backendPath }: Probe,
  times: number,
): Promise<ProbeResult> {
  for (let tries = 1; ; tries++) {
    const { outcome, status, detail } = await identity.present(`https://${backend}${backendPath}`);
    const accepted = outcome === 'accepted';
    if (accepted && tries < times) continue;
    return {
      backend,
      outcome,
      accepted,
      tries,
      status,
      latency: 0,
      ...(accepted ? {} : { progress: status === 0 ? 'unanswered' : 'answered' }),
      ...(detail === undefined ? {} : { cause: detail }),
    };
  }
}
