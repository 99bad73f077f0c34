import type { RestApi, Stage } from '../../control-plane/api-gateway.js';
import { sighted, type StageSighting } from '../rules/presentation.js';
import { stageText } from '../rules/unit.js';
import { allStages, type StagesProgress } from '../../control-plane/stages.js';
import type { RememberingControlPlane } from '../../control-plane/remembering.js';

/** What one look at every API and stage of the account and Region showed. */
export interface AccountLook {
  readonly apis: readonly RestApi[];
  readonly stages: readonly Stage[];
  readonly begun: Date;
  readonly ended: Date;
}

/** Whether what was seen a moment ago may serve; otherwise the look begins after the call. */
export interface AskedLook {
  known: boolean;
  /** Whether the look must not wait until others need one too: what it delays may be failing in use. */
  isUrgent?: boolean;
}

/** An account and Region as this process sees it. In a big account a look takes minutes at AWS's limit. */
export interface ObservedAccount {
  /** Every API and stage. @throws AppError, and the reason of the signal that ends it */
  look(asked: AskedLook): Promise<AccountLook>;
  /** What this process has seen of each stage, by `stageText`. */
  readonly sightings: Map<string, StageSighting>;
}

/** The account where what was seen before may serve no more. */
export const lookingAnew = (account: ObservedAccount): ObservedAccount => ({
  ...account,
  look: (asked) => account.look({ ...asked, known: false }),
});

/** Takes in what stages were seen to present. */
export function see(
  { sightings }: Pick<ObservedAccount, 'sightings'>,
  stages: readonly Stage[],
  at: Date,
): void {
  for (const stage of stages) {
    const name = stageText(stage);
    sightings.set(name, sighted(sightings.get(name), stage, at.getTime()));
  }
}

/** An account whose every look asks AWS. */
export function observedAccount(
  controlPlane: RememberingControlPlane,
  now: () => Date,
  { progress, signal }: { progress?: StagesProgress; signal?: AbortSignal } = {},
): ObservedAccount {
  const sightings: ObservedAccount['sightings'] = new Map();
  return {
    sightings,
    async look({ known }) {
      if (!known) controlPlane.forget();
      const begun = now();
      const found = await allStages(controlPlane, progress, signal);
      const ended = now();
      see({ sightings }, found.stages, ended);
      return { ...found, begun, ended };
    },
  };
}
