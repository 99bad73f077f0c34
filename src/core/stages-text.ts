import type { NamedStage } from './named-stage.js';
import { printable } from './printable.js';

/** So many are named in full. */
const NAMED = 5;
/** Of more, so many are named as examples. */
const EXAMPLES = 2;

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
 * Names in a line that stays short however many there are: `a, b, c`, or `a, b and 198 more`.
 * @param most so many are named in full
 * @param examples of more, so many are named
 * @param separator for names that contain commas
 */
export function listText(
  names: readonly string[],
  most = NAMED,
  examples = EXAMPLES,
  separator = ', ',
): string {
  if (names.length <= most) return names.join(separator);
  return `${names.slice(0, examples).join(separator)} and ${names.length - examples} more`;
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
  return stages.length <= NAMED ? names : `${stageCount(stages)} (${names})`;
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
  if (stages.length <= NAMED) return names;
  return `${stageCount(stages.map((stage) => ({ restApiId: stage.slice(0, stage.indexOf('/')) })))} (${names})`;
}

/** The verb of a sentence about some stages or backends: `presents`, `present`. */
export const verbOf = (subjects: readonly unknown[], verb: string): string =>
  subjects.length === 1 ? `${verb}s` : verb;
