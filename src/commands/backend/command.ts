import { Command } from 'commander';

/** Every command below `backend`, in the order of `--help`. Only the one that is asked for is loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  lint: async () => (await import('./lint/command.js')).backendLintCommand(),
  verify: async () => (await import('./verify/command.js')).backendVerifyCommand(),
  config: async () => (await import('./config/command.js')).backendConfigCommand(),
  show: async () => (await import('./trust/command.js')).backendShowCommand(),
  add: async () =>
    (await import('./trust/command.js')).backendChangeCommand(
      'add',
      'Add certificates to trust stores and reload their servers',
    ),
  remove: async () =>
    (await import('./trust/command.js')).backendChangeCommand(
      'remove',
      'Remove certificates from trust stores and reload their servers',
    ),
  follow: async () => (await import('./follow/command.js')).backendFollowCommand(),
};

/**
 * What concerns the servers behind an API.
 * @param asked the word after `backend`; without one of its commands all are loaded
 */
export async function backendCommand(asked = ''): Promise<Command> {
  const one = Object.hasOwn(COMMANDS, asked) ? COMMANDS[asked] : undefined;
  const command = new Command('backend').description(
    'Verify and configure the servers behind an API, and manage the certificates that they trust',
  );
  for (const each of await Promise.all((one ? [one] : Object.values(COMMANDS)).map((load) => load()))) {
    command.addCommand(each);
  }
  return command;
}
