import { Argument, type Command } from 'commander';
import { action, command } from '../../terminal/command.js';
import { SHELLS, SCRIPTS, type Shell } from './shells.js';
import { commandNode } from './tree.js';

/** @param program makes the whole command line, which the script completes */
export function completionCommand(program: () => Promise<Command>): Command {
  const made = command('completion', 'Print a shell completion script for commands, options and names');
  made.addArgument(new Argument('<shell>', 'the shell, or refresh').choices([...SHELLS, 'refresh']));
  return made
    .addHelpText(
      'after',
      `
Pressing Tab starts no program. Stages, certificates and Regions come from files in ~/.cache/apigw-cert, which
\`completion refresh\` writes; the script runs it in the background when they are more than 15 minutes old.

Examples:
  apigw-cert completion bash > /etc/bash_completion.d/apigw-cert
  apigw-cert completion zsh > /usr/local/share/zsh/site-functions/_apigw-cert
  apigw-cert completion fish > ~/.config/fish/completions/apigw-cert.fish
  apigw-cert completion powershell >> $PROFILE`,
    )
    .action(
      action<object, [shell: Shell | 'refresh']>(async ({ args: [shell], options, out, now }) => {
        if (shell === 'refresh') {
          const { refreshNames } = await import('./refresh.js');
          const directory = await refreshNames(options, now);
          out.result({ directory }, () => directory);
          return;
        }
        const script = SCRIPTS[shell](commandNode(await program()));
        out.result({ shell, script }, () => script);
      }),
    );
}
