import type { Command } from 'commander';
import type { CertificateFilter } from '../control-plane/certificate-filter.js';
import { parseTags } from '../certificates/tags.js';
import { collect } from './command.js';

/** Options that narrow down certificates. */
export interface FilterOptions {
  tag?: string[];
  description?: string;
  api?: string;
  stage?: string;
}

export function addFilterOptions(command: Command): Command {
  return command
    .option('--tag <key=value>', 'only certificates with this tag; may be repeated', collect)
    .option('--description <text>', 'only certificates whose description contains this')
    .option('--api <name>', 'only certificates that a stage of this API presents')
    .option('--stage <name>', 'only certificates that this stage presents');
}

export function filterOf({ tag, description, api, stage }: FilterOptions): CertificateFilter {
  return {
    ...(tag === undefined ? {} : { tags: parseTags(tag) }),
    ...(description === undefined ? {} : { description }),
    ...(api === undefined ? {} : { api }),
    ...(stage === undefined ? {} : { stage }),
  };
}
