import { Command } from 'commander';
import { configShowCommand } from './show-command.js';
import { configValidateCommand } from './validate-command.js';

/** What concerns `apigw-cert.yaml`. */
export function configCommand(): Command {
  return new Command('config')
    .description('Check the configuration, and show the effective settings')
    .addCommand(configValidateCommand())
    .addCommand(configShowCommand());
}
