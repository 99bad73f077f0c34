import { z } from 'zod';

/** Which call a fault hits. */
const target = {
  /** An operation's name as in the service model, `Invoke` for a request to a stage, `*` for any. */
  operation: z.string().min(1),
  /** The nth matching call from now on, once; or every one. */
  occurrence: z.union([z.int().positive(), z.literal('every')]).default(1),
};

export const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...target,
    kind: z.literal('error'),
    /** As in `AccessDeniedException`. */
    code: z.string().regex(/^\w+$/),
    status: z.int().min(400).max(599),
    message: z.string().default('Injected fault'),
  }),
  z.strictObject({ ...target, kind: z.literal('throttle') }),
  z.strictObject({ ...target, kind: z.literal('delay'), ms: z.number().min(0) }),
  /** The connection ends with nothing done and nothing said. */
  z.strictObject({ ...target, kind: z.literal('cutBefore') }),
  /** The connection ends with the work done and nothing said. */
  z.strictObject({ ...target, kind: z.literal('cutAfter') }),
]);

/** A fault as it is asked for. */
export type FaultInput = z.input<typeof faultSchema>;

export type Fault = z.output<typeof faultSchema>;

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
