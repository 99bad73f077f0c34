import type { Command } from 'commander';
import { printable } from '../core/printable.js';

/** The two options by which a stage is named. */
export function addStageOptions(to: Command): Command {
  return to
    .option('--api <name>', 'the REST API, by name or id')
    .requiredOption('--stage <stage>', 'the stage: prod, or with its API orders/prod');
}

/** A stage as people call it, with the id that is unique. */
export function stageText(stage: { apiName: string; restApiId: string; stageName: string }): string {
  return printable(`${stage.apiName}/${stage.stageName} (${stage.restApiId})`);
}
