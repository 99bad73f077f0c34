import { Command, Option } from 'commander';
import type { CommonOptions, Context } from './context.js';
import { gatewayFor } from './compose.js';
import { createOutput, reportError } from './output.js';

/**
 * The start of every command: its name and summary, and the options that all share. `name` may hold arguments in
 * commander's notation, `inspect <target>`.
 */
export function command(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .addOption(
      new Option('--profile <name>', 'profile of the AWS configuration files').helpGroup('Common options:'),
    )
    .addOption(new Option('--region <name>', 'AWS Region').helpGroup('Common options:'))
    .addOption(
      new Option('--endpoint-url <url>', 'another API Gateway, such as the emulator').helpGroup(
        'Common options:',
      ),
    )
    .addOption(
      new Option('--output <format>', 'what stdout holds')
        .choices(['table', 'json'])
        .default('table')
        .helpGroup('Common options:'),
    )
    .addOption(new Option('--no-color', 'no colours, whatever the terminal').helpGroup('Common options:'))
    .addOption(new Option('--quiet', 'only results and errors').helpGroup('Common options:'))
    .addOption(
      new Option('--debug', 'each request to AWS, and the stack of an error').helpGroup('Common options:'),
    );
}

/** Collects a repeatable option's values. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/**
 * Makes a commander action of a function on a context. Whatever it throws becomes a sentence, a JSON document where
 * that was asked for, and an exit code.
 */
export function action<Options extends object, Args extends readonly unknown[] = []>(
  run: (context: Context<Options, Args>) => Promise<void>,
): (...words: unknown[]) => Promise<void> {
  return async (...words) => {
    const self = words.at(-1) as Command;
    const options = self.opts<Options & CommonOptions>();
    const args = self.processedArgs as unknown as Args;
    try {
      await run({
        options,
        args,
        out: createOutput(options),
        now: () => new Date(),
        gateway: gatewayFor(options),
      });
    } catch (error) {
      reportError(error, options);
    }
  };
}
