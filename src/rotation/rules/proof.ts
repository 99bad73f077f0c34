/**
 * Who calls in a proof: with the new certificate, the old one, `other`, a client certificate of the account that no
 * backend of the rotation should accept, or without one. While a renewal is watched: with what the stages present, or with
 * another certificate of the same root and name.
 */
export type Caller = 'new' | 'old' | 'other' | 'none' | 'current' | 'sameName';

/** `unknown`: the answers do not tell, such as those of a backend that cannot be reached. It is not a refusal. */
export type ProofOutcome = 'accepted' | 'refused' | 'unknown';

/** A stage in a proof, `apiId/stageName`, or its canary: journals keep it so. */
export interface ProvedFor {
  stage: string;
  canary?: true;
}

/** What one backend made of one caller. */
export interface BackendProof {
  /** `host[:port]` */
  backend: string;
  /** The stages whose backend it is. */
  stages: readonly ProvedFor[];
  /** `GET /health` */
  call: string;
  /** Calls made; the first that is not accepted ends them. */
  tried: number;
  outcome: ProofOutcome;
  /** Of the last call: the status of API Gateway's answer, 500 or 504 where the backend did not answer. */
  status: number;
  /** Unless accepted: what the log of the call says, and what the outcome was seen from. */
  detail?: string;
}

/** What all backends made of one caller. */
export interface ProofResult {
  caller: Caller;
  /** Absent for a caller without a certificate. */
  certificateId?: string;
  wanted: 'accepted' | 'refused';
  /**
   * How it was shown, where not by TestInvokeMethod: in a TLS handshake from this machine, with the key at hand; or by the
   * stage's own URL, which presents what the stage presents.
   */
  by?: 'handshake' | 'stageUrl';
  backends: readonly BackendProof[];
}

/** What a proof tried, and what came of it. */
export interface Proof {
  results: readonly ProofResult[];
  /** Https backends that no call reaches: nothing is known about them. */
  unreached: readonly string[];
  /** Ids of certificates that are deleted, so that no call can present them any more. */
  gone: readonly string[];
  /** Ids of certificates that should have been accepted and could not be shown: AWS makes no test call with them. */
  untested?: readonly string[];
  /** Of those who should be refused, only a caller without a certificate was tried: the account has no other unused one. */
  noOther: boolean;
}

/** A proof as the evidence of a step. */
export type ProofEvidence = Record<'proof', Proof>;

/** What a step can say of itself. */
export type StepEvidence = Record<string, unknown> & Partial<ProofEvidence>;

/** Whether anything was tried, and every caller fared as wanted at every backend. */
export function isAsWanted({ results, untested = [] }: Proof): boolean {
  return (
    results.length > 0 &&
    untested.length === 0 &&
    results.every(({ backends, wanted }) => backends.every(({ outcome }) => outcome === wanted))
  );
}

/** So many stages of a backend a journal names in a proof; its first record names them all. */
const NAMED = 5;

/**
 * Evidence as the journal keeps it: of each backend in a proof the first few stages and how many more there are
 * (`moreStages`), so that a journal grows with the calls that were made and not with stages times proofs.
 */
export function journalEvidence(evidence: StepEvidence): Record<string, unknown> {
  const { proof } = evidence;
  if (!proof) return evidence;
  const results = proof.results.map(({ backends, ...caller }) => ({
    ...caller,
    backends: backends.map((backend) => {
      const { stages } = backend;
      if (stages.length <= NAMED) return backend;
      return { ...backend, stages: stages.slice(0, NAMED), moreStages: stages.length - NAMED };
    }),
  }));
  return { ...evidence, proof: { ...proof, results } };
}
