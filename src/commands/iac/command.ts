import { Command } from 'commander';

/** Every command below `iac`, in the order of `--help`. Only the one that is asked for is loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  check: async () => (await import('./check/command.js')).iacCheckCommand(),
  terraform: async () => (await import('./steps/command.js')).iacStepsCommand('terraform'),
  cloudformation: async () => (await import('./steps/command.js')).iacStepsCommand('cloudformation'),
  cdk: async () => (await import('./steps/command.js')).iacStepsCommand('cdk'),
  serverless: async () => (await import('./steps/command.js')).iacStepsCommand('serverless'),
};

/**
 * What concerns tools that manage stages and certificates from code.
 * @param asked the word after `iac`; without one of its commands all are loaded
 */
export async function iacCommand(asked = ''): Promise<Command> {
  const one = Object.hasOwn(COMMANDS, asked) ? COMMANDS[asked] : undefined;
  const command = new Command('iac').description(
    'Check plans of Terraform and CloudFormation, and print what keeps them from changing certificates',
  );
  for (const each of await Promise.all((one ? [one] : Object.values(COMMANDS)).map((load) => load()))) {
    command.addCommand(each);
  }
  return command;
}
