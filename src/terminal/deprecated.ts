/** Spellings that still work for one version, hidden from the help and with a hint on stderr. */
import { Option, type Command } from 'commander';
import { AppError } from '../platform/errors.js';

interface Renamed {
  /** The old option. */
  old: Option;
  /** The option that took its place. */
  by: Option;
}

const renamed = new WeakMap<Command, Renamed[]>();

/** Words for a value that have a new word now, by commander's name of their option. */
const RENAMED_VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  output: { table: 'text' },
};

/**
 * Keeps an option's old name: what it is given counts for the new one, and is checked as that one's.
 * @param flags of the old name, `--format <name>`
 * @param long the option that took its place, which the command has already: `--output`
 */
export function renamedOption(command: Command, flags: string, long: string): Command {
  const by = command.options.find((option) => option.long === long);
  if (by === undefined) throw new Error(`${command.name()} has no ${long}`);
  const old = new Option(flags).hideHelp();
  if (by.parseArg) old.argParser(by.parseArg);
  renamed.set(command, [...(renamed.get(command) ?? []), { old, by }]);
  return command.addOption(old);
}

/** Whether a value is an old word for another one. */
export function isRenamedValue(attribute: string, value: string): boolean {
  return Object.hasOwn(RENAMED_VALUES[attribute] ?? {}, value);
}

const hint = (old: string, now: string): string =>
  `${old} is deprecated and will be removed in the next version; use ${now}`;

/**
 * Gives what was said with old spellings to the new ones.
 * @returns a hint for each old spelling that was used
 * @throws AppError `Usage` when both spellings of an option are given
 */
export function applyRenamed(command: Command): string[] {
  const options = (renamed.get(command) ?? []).flatMap(({ old, by }) => {
    const attribute = old.attributeName();
    if (command.getOptionValueSource(attribute) !== 'cli') return [];
    const [before = '', now = ''] = [old.long, by.long];
    if (command.getOptionValueSource(by.attributeName()) === 'cli') {
      throw new AppError('Usage', `${before} is the old name of ${now}, and both were specified`, {
        hint: `use only ${now}`,
      });
    }
    command.setOptionValueWithSource(by.attributeName(), command.getOptionValue(attribute), 'cli');
    return [hint(before, now)];
  });
  const values = Object.entries(RENAMED_VALUES).flatMap(([attribute, words]) => {
    const value: unknown = command.getOptionValue(attribute);
    const now = typeof value === 'string' && Object.hasOwn(words, value) ? words[value] : undefined;
    if (now === undefined) return [];
    command.setOptionValueWithSource(attribute, now, 'cli');
    return [hint(`--${attribute} ${String(value)}`, `--${attribute} ${now}`)];
  });
  return [...options, ...values];
}
