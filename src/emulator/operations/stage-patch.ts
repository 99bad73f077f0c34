import { badRequest } from '../errors.js';
import type { Canary, RestApi, Stage, World } from '../model.js';
import type { Clock } from '../clock.js';
import { checkRestCertificate } from '../presentation.js';
import { checkPatch, type PatchOperation, type Refusal } from './patch.js';

const CANARY = '/canarySettings';
const OVERRIDES = `${CANARY}/stageVariableOverrides`;

/** API Gateway API Reference, "Patch operations", UpdateStage; of what is emulated. */
const PATHS = {
  replace: [
    '/clientCertificateId',
    '/deploymentId',
    '/description',
    '/variables/*',
    `${CANARY}/deploymentId`,
    `${CANARY}/percentTraffic`,
    `${CANARY}/useStageCache`,
    `${OVERRIDES}/*`,
  ],
  remove: ['/variables/*', CANARY, `${OVERRIDES}/*`],
  add: ['/variables/*'],
  copy: ['/deploymentId', '/variables'],
} as const;

/** What a path of `copy` takes its value from: a canary is promoted by the two of them. */
const COPIED_FROM: Readonly<Record<string, string>> = {
  '/deploymentId': `${CANARY}/deploymentId`,
  '/variables': OVERRIDES,
};

/** The words of recorded answers, the trailing space included. */
const refusal: Refusal = ({ op, path }, paths = []) => {
  switch (op) {
    case 'replace':
      return `Invalid method setting path: ${path}. Must be one of: [${paths.join(', ')}]`;
    case 'remove':
      return `Cannot remove method setting ${path.replace(/^\//, '')} because there is no method setting for this method `;
    case 'add':
      return `Invalid add operation with path: ${path}`;
    default:
      return `Invalid patch path  '${path}' specified for op '${op}'. Please choose supported operations`;
  }
};

/** @throws ServiceError 400 */
export function checkDeployment(api: RestApi, id: string): string {
  if (!api.deployments.has(id)) throw badRequest('Deployment id does not exist');
  return id;
}

/** @throws ServiceError 400 */
export function checkPercent(percent: number): number {
  if (!(percent >= 0 && percent <= 100)) {
    throw badRequest('Invalid canary traffic percentage specified. Must be between 0.0 and 100.0');
  }
  return percent;
}

/** A canary of which nothing was said yet. */
export const newCanary = (stage: Pick<Stage, 'deploymentId'>): Canary => ({
  deploymentId: stage.deploymentId,
  percentTraffic: 0,
  stageVariableOverrides: new Map(),
  useStageCache: false,
});

/** A copy of a map with one entry set, or removed. The last segment of a JSON pointer (RFC 6901) names the entry. */
function changed(
  map: ReadonlyMap<string, string>,
  path: string,
  value: string | undefined,
): Map<string, string> {
  const copy = new Map(map);
  const name = path
    .slice(path.lastIndexOf('/') + 1)
    .replaceAll('~1', '/')
    .replaceAll('~0', '~');
  if (value === undefined) copy.delete(name);
  else copy.set(name, value);
  return copy;
}

function patchedCanary(stage: Stage, { op, path, value }: PatchOperation, api: RestApi): Canary | undefined {
  if (path === CANARY) return undefined;
  const canary = stage.canary ?? newCanary(stage);
  switch (path) {
    case `${CANARY}/deploymentId`:
      return { ...canary, deploymentId: checkDeployment(api, value ?? '') };
    case `${CANARY}/percentTraffic`:
      return { ...canary, percentTraffic: checkPercent(value ? Number(value) : NaN) };
    case `${CANARY}/useStageCache`:
      return { ...canary, useStageCache: value === 'true' };
    default: {
      const text = op === 'remove' ? undefined : (value ?? '');
      return { ...canary, stageVariableOverrides: changed(canary.stageVariableOverrides, path, text) };
    }
  }
}

function promoted(stage: Stage, { path, from }: PatchOperation): Stage {
  const { canary } = stage;
  if (canary === undefined || from !== COPIED_FROM[path]) {
    throw badRequest(`Invalid copy operation from: ${from ?? ''} to: ${path}`);
  }
  return path === '/deploymentId'
    ? { ...stage, deploymentId: canary.deploymentId }
    : { ...stage, variables: new Map([...stage.variables, ...canary.stageVariableOverrides]) };
}

/** The stage as it is after one operation; the stage given stays as it is. */
function patched(
  stage: Stage,
  patch: PatchOperation,
  { api, world, clock }: { api: RestApi; world: World; clock: Clock },
): Stage {
  const { op, path, value } = patch;
  if (op === 'copy') return promoted(stage, patch);
  if (path.startsWith(CANARY)) return { ...stage, canary: patchedCanary(stage, patch, api) };
  switch (path) {
    case '/clientCertificateId':
      return { ...stage, clientCertificateId: value ? checkRestCertificate(world, value, clock) : undefined };
    case '/deploymentId':
      return { ...stage, deploymentId: checkDeployment(api, value ?? '') };
    case '/description':
      return { ...stage, description: value === '' ? undefined : (value ?? undefined) };
    default:
      return {
        ...stage,
        variables: changed(stage.variables, path, op === 'remove' ? undefined : (value ?? '')),
      };
  }
}

/** The stage after all operations of one UpdateStage. @throws ServiceError 400 for any of them, none done */
export function patchedStage(
  stage: Stage,
  operations: readonly PatchOperation[],
  where: { api: RestApi; world: World; clock: Clock },
): Stage {
  checkPatch(operations, PATHS, refusal);
  return operations.reduce((before, patch) => patched(before, patch, where), stage);
}
