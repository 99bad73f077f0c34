import { Command } from 'commander';
import { configShowCommand } from './config-show.js';
import { configValidateCommand } from './config-validate.js';

/** What concerns `apigw-cert.yaml`. */
export function configCommand(): Command {
  return new Command('config')
    .description('The configuration: what is wrong with it, and which settings are in force')
    .addCommand(configValidateCommand())
    .addCommand(configShowCommand());
}
