import type { Command } from 'commander';
import type { RestApi } from '../control-plane/api-gateway.js';
import { printable } from '../platform/printable.js';

/** The two options by which a stage is named. */
export function addStageOptions(to: Command): Command {
  return to
    .option('--api <name>', 'REST or WebSocket API, by name or id')
    .requiredOption('--stage <stage>', 'stage: prod, or with its API orders/prod');
}

/** A stage as people call it, with the id that is unique. */
export function stageText(stage: { apiName: string; restApiId: string; stageName: string }): string {
  return printable(`${stage.apiName}/${stage.stageName} (${stage.restApiId})`);
}

/** Words what may be a stage by its API's id, `oixl4m25bo/prod`, as people call it. */
export type StageWording = (text: string) => string;

export function stageWording(apis: readonly RestApi[]): StageWording {
  const names = new Map(apis.map(({ id, name }) => [id, name]));
  return (text) => {
    const [restApiId = '', ...rest] = text.split('/');
    const apiName = names.get(restApiId);
    return apiName === undefined
      ? printable(text)
      : stageText({ apiName, restApiId, stageName: rest.join('/') });
  };
}
