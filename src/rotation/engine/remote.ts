/** The configuration's targets of other accounts and Regions, whose stages may be in front of the same backends. */
import { resolveStage } from '../../control-plane/resolve-stage.js';
import { stagesNow } from '../../control-plane/stages.js';
import type { RememberingControlPlane } from '../../control-plane/remembering.js';
import type { TrustStore } from '../../trust/trust-store.js';
import type { TargetElsewhere, TrustDescription } from './jobs.js';
import type { RemoteTarget } from './ports.js';

/** @param connect reaches the account and Region of one. @throws AppError */
export const remoteTargets = (
  targets: readonly TargetElsewhere[],
  connect: (target: TargetElsewhere) => Promise<{ controlPlane: RememberingControlPlane }>,
): RemoteTarget[] =>
  targets.map((one): RemoteTarget => {
    const { target, api, stages, trust } = one;
    return {
      name: target,
      async sharesAny(stores) {
        const names = new Set(stores.map(plainName));
        const own = await Promise.all(trust.map(nameOf));
        return own.some((name) => name === undefined || names.has(name));
      },
      async look() {
        const { controlPlane } = await connect(one);
        const found = await Promise.all(stages.map((stage) => resolveStage(controlPlane, { api, stage })));
        return { controlPlane, stages: await stagesNow(controlPlane, found) };
      },
    };
  });

/** Without the account, Region and endpoint of a store: it may be the same whether or not a description says them. */
const plainName = ({ name, formerName = name }: TrustStore): string => formerName;

/** Nothing for one that cannot be opened here: it may be any. */
async function nameOf(description: TrustDescription): Promise<string | undefined> {
  const { openTrustStore } = await import('./stores.js');
  try {
    return plainName(openTrustStore(description, { announce: () => undefined }));
  } catch {
    return undefined;
  }
}
