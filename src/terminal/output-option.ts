import { InvalidArgumentError, Option, type Command } from 'commander';
import { isRenamedValue } from './deprecated.js';

/** Everything that a result can be written as; each command has some of them. */
export type OutputFormat =
  'text' | 'json' | 'sarif' | 'nagios' | 'junit' | 'github' | 'csv' | 'prometheus' | 'html';

/** `--output` with the formats that a command has. */
export function outputOption(formats: readonly OutputFormat[] = ['text', 'json']): Option {
  const option = new Option('--output <format>', 'format of the result').choices(formats).default('text');
  const isKnown = (word: string): boolean =>
    isRenamedValue('output', word) || formats.some((format) => format === word);
  return option.argParser((word: string) => {
    if (isKnown(word)) return word;
    throw new InvalidArgumentError(`Allowed choices are ${formats.join(', ')}.`);
  });
}

/** For a command whose result can go into a file: `--output` with its formats, and `--out-file`. */
export function addReportOptions(command: Command, formats: readonly OutputFormat[]): Command {
  return command
    .addOption(outputOption(formats))
    .option('--out-file <file>', 'write the result to this file, atomically (default: stdout)');
}
