/** A fault as it is asked for. */
export type FaultInput = {
  /**
   * An operation's name as in the service model, `Invoke` for a request to a stage, `*` for any. Both services have an
   * UpdateStage; `apigatewayv2:UpdateStage` is that of WebSocket APIs alone.
   */
  operation: string;
  /** The nth matching call from now on, once; or every one. The next by default. */
  occurrence?: number | 'every' | undefined;
} & (
  | {
      kind: 'error';
      /** As in `AccessDeniedException`. */
      code: string;
      /** From 400 to 599. */
      status: number;
      message?: string | undefined;
    }
  | { kind: 'throttle' }
  | { kind: 'delay'; ms: number }
  /** The connection ends with nothing done and nothing said. */
  | { kind: 'cutBefore' }
  /** The connection ends with the work done and nothing said. */
  | { kind: 'cutAfter' }
  /** The answer comes at once and says nothing of the work, which is done so many milliseconds later. */
  | { kind: 'lateEffect'; ms: number; answer?: LateAnswer | undefined }
  /** The work is done, and the answer is the 409 of a concurrent modification. */
  | { kind: 'error409WithEffect' }
  /** A read shows the state of so many milliseconds ago, but none from before the fault was set. */
  | { kind: 'staleRead'; ms: number }
  /** Success, nothing done, and the body is `{}`: a list without its items. */
  | { kind: 'emptyBody' }
);

/** A connection that ends without an answer, or an error of this status. `cut` by default. */
export type LateAnswer = 'cut' | 409 | 500;

export type Fault = FaultInput & { occurrence: number | 'every' };

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  list(): readonly Fault[];
  /** Counts a call by its names, and answers the fault that hits it. */
  hit(...names: readonly string[]): Fault | undefined;
}

export function createFaults(): Faults {
  let pending: { fault: Fault; seen: number }[] = [];
  return {
    add(fault) {
      pending.push({ fault, seen: 0 });
    },
    clear() {
      pending = [];
    },
    list: () => pending.map(({ fault }) => fault),
    hit(...names) {
      const matching = pending.filter(
        ({ fault }) => names.includes(fault.operation) || fault.operation === '*',
      );
      for (const entry of matching) entry.seen += 1;
      const hit = matching.find(
        ({ fault, seen }) => fault.occurrence === 'every' || fault.occurrence <= seen,
      );
      if (hit?.fault.occurrence !== 'every') pending = pending.filter((entry) => entry !== hit);
      return hit?.fault;
    },
  };
}
