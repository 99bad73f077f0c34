import type { StageUse } from './inventory.js';
import { printable } from './printable.js';

/** So many are named in full. */
const NAMED = 3;
/** Of more, so many are named as examples. */
const EXAMPLES = 2;

/** A stage as people call it: `orders/prod`. */
export const stageName = ({ apiName, stageName: name }: Pick<StageUse, 'apiName' | 'stageName'>): string =>
  printable(`${apiName}/${name}`);

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `200 stages in 20 APIs` */
export function stageCount(stages: readonly Pick<StageUse, 'restApiId'>[]): string {
  const apis = new Set(stages.map(({ restApiId }) => restApiId)).size;
  return `${counted(stages.length, 'stage')} in ${counted(apis, 'API')}`;
}

/**
 * Stages in a line that stays short however many there are: `orders/prod, orders/beta`, or
 * `200 stages in 20 APIs (orders/prod, orders/beta and 198 more)`.
 */
export function stagesText(stages: readonly Pick<StageUse, 'restApiId' | 'apiName' | 'stageName'>[]): string {
  if (stages.length <= NAMED) return stages.map(stageName).join(', ');
  const examples = stages.slice(0, EXAMPLES).map(stageName).join(', ');
  return `${stageCount(stages)} (${examples} and ${stages.length - EXAMPLES} more)`;
}
