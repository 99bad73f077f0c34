import { Command } from 'commander';
import { stateCreateCommand } from './create-command.js';

/** What concerns state that machines share. */
export function stateCommand(): Command {
  return new Command('state')
    .description('Create the table in which machines share journals and leases')
    .addCommand(stateCreateCommand());
}
