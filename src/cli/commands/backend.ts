import { Command } from 'commander';
import { backendConfigCommand } from './backend-config.js';
import { backendLintCommand } from './backend-lint.js';
import { backendChangeCommand, backendShowCommand } from './backend-trust.js';
import { backendVerifyCommand } from './backend-verify.js';

/** What concerns the servers behind an API. */
export function backendCommand(): Command {
  return new Command('backend')
    .description('The server behind the API: does it enforce, is it configured right, what does it trust')
    .addCommand(backendLintCommand())
    .addCommand(backendVerifyCommand())
    .addCommand(backendConfigCommand())
    .addCommand(backendShowCommand())
    .addCommand(backendChangeCommand('add', 'Make trust stores trust certificates, and make that live'))
    .addCommand(backendChangeCommand('remove', 'End the trust in certificates, and make that live'));
}
