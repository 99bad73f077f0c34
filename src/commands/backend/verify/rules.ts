import { readBundle } from '../../../certificates/bundle.js';
import { clientChain } from '../../../certificates/client-chain.js';
import type { Admission } from '../../../net/tls-probe.js';
import { REFUSING_STATUSES } from '../../../control-plane/execution-log.js';

/** How a backend treats a caller. */
export type Treatment = 'admitted' | 'refused' | 'unclear';

/** What an answer comes to, for a caller whose certificate is judged. */
export function treatmentOf(admission: Admission): Treatment {
  if (admission.kind !== 'answered') return admission.kind;
  if (admission.status < 400) return 'admitted';
  return REFUSING_STATUSES.has(admission.status) ? 'refused' : 'unclear';
}

/** `enforced`: it asks for a certificate and refuses a caller without one and an impostor. */
export type Verdict = 'enforced' | 'notEnforced' | 'unclear';

/** Why a verdict is what it is; worded by whoever prints it. */
export type VerdictReason =
  | 'refusesBoth'
  | 'neverAsks'
  | 'admitsWithout'
  | 'admitsImpostor'
  | 'asksLate'
  | 'refusesWithoutAsking'
  | 'answersOtherwise';

/** What was seen of a backend by a caller without a certificate, and by one with a throwaway of API Gateway's subject. */
export interface BackendObservation {
  /** Whether the server asked for a certificate in the handshake; `undefined` when that could not be read. */
  asks: boolean | undefined;
  /** It asked after the handshake, once it had seen the request. */
  asksLate?: boolean;
  withoutCertificate: Admission;
  withImpostor: Admission;
}

/**
 * Judges a backend. A backend that answers a stranger is not enforcing, whatever it asks for; one that refuses without
 * having asked may refuse for another reason, such as a missing API key.
 */
export function judgeBackend({
  asks,
  asksLate = false,
  withoutCertificate,
  withImpostor,
}: BackendObservation): {
  verdict: Verdict;
  reason: VerdictReason;
} {
  const without = treatmentOf(withoutCertificate);
  const impostor = treatmentOf(withImpostor);
  if (without === 'admitted') {
    return { verdict: 'notEnforced', reason: asks === false ? 'neverAsks' : 'admitsWithout' };
  }
  if (impostor === 'admitted') return { verdict: 'notEnforced', reason: 'admitsImpostor' };
  if (without === 'unclear' || impostor === 'unclear') {
    return { verdict: 'unclear', reason: 'answersOtherwise' };
  }
  if (asks !== true && asksLate) return { verdict: 'unclear', reason: 'asksLate' };
  return asks === true
    ? { verdict: 'enforced', reason: 'refusesBoth' }
    : { verdict: 'unclear', reason: 'refusesWithoutAsking' };
}

/**
 * The issuer of a certificate, where the file that is presented has none of its certificates and it is not its own issuer. Of a
 * chain that ends below a root nothing is missing: a backend has the root.
 * @param file PEM: a certificate, and what is presented with it
 */
export function missingIssuer(file: Uint8Array): string | undefined {
  const [own, ...above] = readBundle(file).certificates.map(({ certificate }) => certificate);
  if (own === undefined) return undefined;
  const { end } = clientChain(
    own.pem,
    above.map(({ pem }) => pem),
  );
  return end === 'none' || end === 'stranger' ? own.issuer : undefined;
}
