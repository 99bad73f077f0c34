import { Command } from 'commander';
import { publishCheckCommand } from './check/command.js';

/** What concerns the places that the id of the certificate in use is published in. */
export function publishCommand(): Command {
  return new Command('publish')
    .description('Compare the published IDs of certificates with those in use')
    .addCommand(publishCheckCommand());
}
