/** The configuration's targets of other accounts and Regions, whose stages may be in front of the same backends. */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
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

/**
 * Where a store is, however it was written: a path relative or through links, a parameter or secret by its ARN. Without the
 * kind, account, Region and endpoint, which need not be said either.
 */
async function placeOf({ name, formerName = name }: TrustStore): Promise<string> {
  const [, kind, written = ''] = /^([^:]*):?(.*)$/s.exec(formerName) ?? [];
  // Commands and people do not say where they put what they are handed: any two may be the same.
  if (kind === 'command' || kind === 'manual') return kind;
  if (kind === 'kubernetes') return written;
  const ofArn = /^arn:[^:]*:(?:ssm:[^:]*:[^:]*:parameter|secretsmanager:[^:]*:[^:]*:secret:)(.*)$/s.exec(
    written,
  );
  const place = ofArn?.[1] ?? written;
  if (kind === 'secretsmanager') return place.replace(/-[A-Za-z0-9]{6}$/, '');
  if (kind === 'ssm') return place.replace(/^\//, '');
  return realpath(place).catch(() => resolve(place));
}

/** A Kubernetes object may be written without its namespace. */
const mayBeSame = (one: string, other: string): boolean =>
  one === other || one.endsWith(`/${other}`) || other.endsWith(`/${one}`);

/** Nothing for one that cannot be opened here: it may be any. */
async function placeDescribed(description: TrustDescription): Promise<string | undefined> {
  const { openTrustStore } = await import('./stores.js');
  try {
    return await placeOf(openTrustStore(description, { announce: () => undefined }));
  } catch {
    return undefined;
  }
}
