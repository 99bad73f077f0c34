import { listText, NAMED_IN_FULL } from '../platform/list-text.js';
import type { NamedStage } from './named-stage.js';
import { printable } from '../platform/printable.js';

/** A stage as people call it: `orders/prod`. */
export const stageName = ({ apiName, stageName: name }: Pick<NamedStage, 'apiName' | 'stageName'>): string =>
  printable(`${apiName}/${name}`);

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `200 stages in 20 APIs` */
export function stageCount(stages: readonly Pick<NamedStage, 'restApiId'>[]): string {
  const apis = new Set(stages.map(({ restApiId }) => restApiId)).size;
  return `${counted(stages.length, 'stage')} in ${counted(apis, 'API')}`;
}

/**
 * Stages in a line that stays short however many there are: `orders/prod, orders/beta`, or
 * `200 stages in 20 APIs (orders/prod, orders/beta and 198 more)`.
 * @param name what a person calls one of them, by default its API's name and its own
 */
export function stagesText<Use extends Pick<NamedStage, 'restApiId' | 'apiName' | 'stageName'>>(
  stages: readonly Use[],
  name: (stage: Use) => string = stageName,
): string {
  const names = listText(stages.map(name));
  return stages.length <= NAMED_IN_FULL ? names : `${stageCount(stages)} (${names})`;
}

/**
 * The same of stages by the ids of their APIs.
 * @param stages `apiId/stageName`
 * @param wording what a person calls one of them
 */
export function stageIdsText(
  stages: readonly string[],
  wording: (stage: string) => string = (stage) => stage,
): string {
  const names = listText(stages.map(wording));
  if (stages.length <= NAMED_IN_FULL) return names;
  return `${stageCount(stages.map((stage) => ({ restApiId: stage.slice(0, stage.indexOf('/')) })))} (${names})`;
}
