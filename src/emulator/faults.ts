/** A fault as it is asked for. */
export type FaultInput = {
  /** An operation's name as in the service model, `Invoke` for a request to a stage, `*` for any. */
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
);

export type Fault = FaultInput & { occurrence: number | 'every' };

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  list(): readonly Fault[];
  /** Counts a call, and answers the fault that hits it. */
  hit(operation: string): Fault | undefined;
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
    hit(operation) {
      const matching = pending.filter(
        ({ fault }) => fault.operation === operation || fault.operation === '*',
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
