import { Command } from 'commander';
import { backendLintCommand } from './backend-lint.js';
import { backendVerifyCommand } from './backend-verify.js';

/** What concerns the servers behind an API. */
export function backendCommand(): Command {
  return new Command('backend')
    .description('The server behind the API: does it enforce, is it configured right, what does it trust')
    .addCommand(backendLintCommand())
    .addCommand(backendVerifyCommand());
}
