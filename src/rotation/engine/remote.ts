/** The configuration's targets of other accounts and Regions, whose stages may be in front of the same backends. */
import { resolveStage } from '../../control-plane/resolve-stage.js';
import { stagesNow } from '../../control-plane/stages.js';
import type { RememberingControlPlane } from '../../control-plane/remembering.js';
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
        const { mayBeSame, placeOf } = await import('../../trust/kinds/index.js');
        const places = await Promise.all(stores.map(placeOf));
        const own = await Promise.all(trust.map(placeDescribed));
        return own.some((place) => place === undefined || places.some((other) => mayBeSame(place, other)));
      },
      async look() {
        const { controlPlane } = await connect(one);
        const found = await Promise.all(stages.map((stage) => resolveStage(controlPlane, { api, stage })));
        return { controlPlane, stages: await stagesNow(controlPlane, found) };
      },
    };
  });

/** Nothing for one that cannot be opened here: it may be any. */
async function placeDescribed(description: TrustDescription): Promise<string | undefined> {
  const [{ openTrustStore }, { placeOf }] = await Promise.all([
    import('./stores.js'),
    import('../../trust/kinds/index.js'),
  ]);
  try {
    return await placeOf(openTrustStore(description, { announce: () => undefined }));
  } catch {
    return undefined;
  }
}
