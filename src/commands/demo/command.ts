import type { Command } from 'commander';
import { action, command } from '../../terminal/command.js';

export function demoCommand(): Command {
  return command('demo', 'Run a rotation under live traffic on this machine; no AWS account needed').action(
    action(async (context) => {
      const { runDemo } = await import('./run.js');
      await runDemo(context);
    }),
  );
}
