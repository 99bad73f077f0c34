import type { ChalkInstance } from 'chalk';
import { stageIdsText } from '../../../control-plane/stages-text.js';
import { listText } from '../../../platform/list-text.js';
import { printable } from '../../../platform/printable.js';
import type { CheckedPublication, PublicationsReport, PublicationVerdict } from './run.js';

const COLOURS = { current: 'green', different: 'red', unknown: 'yellow' } as const;

function presentedText({ stages, presented }: CheckedPublication): string {
  const names = stageIdsText(stages.map(({ apiName, stageName }) => `${apiName}/${stageName}`));
  const verb = stages.length === 1 ? 'presents' : 'present';
  if (presented.length === 0) return `${names} ${verb} no certificate`;
  if (presented.length === 1) return `${names} ${verb} ${presented.join()}`;
  return `${names} ${verb} different certificates: ${listText(presented)}`;
}

function meaningOf(item: CheckedPublication): string {
  const { verdict, published, error } = item;
  if (error)
    return `${printable(error.message)}${error.hint === undefined ? '' : `\n  fix: ${printable(error.hint)}`}`;
  if (verdict === 'unknown') return 'what is published cannot be read: the command has no observe';
  const holds = published === undefined ? 'no ID is published' : `${published} is published`;
  if (verdict === 'current')
    return published === undefined
      ? `${holds}; ${presentedText(item)}`
      : `${holds}, in use by ${item.stages.length === 1 ? 'the stage' : `all ${item.stages.length} stages`}`;
  return `${holds}, but ${presentedText(item)}`;
}

const remedyOf = (target: string): string =>
  `fix: apigw-cert rotate --target ${target} publishes the ID in use, also if no certificate is due for renewal`;

/** A line for each place, and what to do about each target whose places differ. */
export function publicationsText({ items }: PublicationsReport, style: ChalkInstance): string {
  const word = (verdict: PublicationVerdict): string => style[COLOURS[verdict]](verdict);
  const lines = items.map((item) =>
    [
      word(item.verdict),
      [item.target, item.publication]
        .filter((one) => one !== undefined)
        .map(printable)
        .join(': '),
      meaningOf(item),
    ].join(' '),
  );
  const wrong = items.filter(({ verdict, presented }) => verdict === 'different' && presented.length === 1);
  return [...lines, ...new Set(wrong.map(({ target }) => remedyOf(printable(target))))].join('\n');
}
