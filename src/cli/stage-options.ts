import type { Command } from 'commander';
import type { StageAddress } from '../app/resolve-stage.js';
import { printable } from '../core/printable.js';

/** The two options by which a stage is named. */
export function addStageOptions(to: Command): Command {
  return to
    .option('--api <name>', 'the REST API, by name or id')
    .requiredOption('--stage <stage>', 'the stage: prod, or with its API orders/prod');
}

/** The address that the options make. */
export function stageAddress({ api, stage }: { api?: string; stage: string }): StageAddress {
  return api === undefined ? { stage } : { api, stage };
}

/** A stage as people call it, with the id that is unique. */
export function stageText(stage: { apiName: string; restApiId: string; stageName: string }): string {
  return printable(`${stage.apiName}/${stage.stageName} (${stage.restApiId})`);
}
