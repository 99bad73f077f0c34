/** The command line as data, made from commander's own commands: completion and the manual pages are made of it. */
import type { Argument, Command, Option } from 'commander';

/** What a value is, where a shell can know. */
export type ValueKind =
  | { kind: 'choices'; choices: readonly string[] }
  | { kind: 'stages' | 'certificates' | 'profiles' | 'regions' | 'files' | 'directories' | 'none' };

export interface OptionNode {
  /** `--stage` */
  long: string;
  short?: string;
  description: string;
  /** The description as the help has it: with choices and default. */
  details: string;
  /** Absent for a switch. */
  value?: ValueKind;
  /** `<stage>` */
  placeholder?: string;
  group?: string;
}

/** An argument as the help has it. */
export interface ArgumentNode {
  name: string;
  details: string;
}

export interface CommandNode {
  /** Its words: empty for the program, `['backend', 'config']`. */
  path: readonly string[];
  description: string;
  /** What is written after its name: `[options] <id...>`. */
  usage: string;
  /** What the help says after the options: explanations, examples, exit codes. */
  notes: string;
  /** The arguments that the help explains. */
  explainedArguments: readonly ArgumentNode[];
  options: readonly OptionNode[];
  /** What its arguments are; the last one counts for all that follow. */
  arguments: readonly ValueKind[];
  commands: readonly CommandNode[];
}

const BY_OPTION: Readonly<Record<string, ValueKind>> = {
  '--stage': { kind: 'stages' },
  '--certificate': { kind: 'certificates' },
  '--to': { kind: 'certificates' },
  '--profile': { kind: 'profiles' },
  '--region': { kind: 'regions' },
};

function kindOf(placeholder: string, choices: readonly string[] | undefined): ValueKind {
  if (choices !== undefined) return { kind: 'choices', choices };
  if (placeholder.includes('file')) return { kind: 'files' };
  if (/dir|folder/.test(placeholder)) return { kind: 'directories' };
  if (/^<?\[?(id|certificate)s?\b/.test(placeholder)) return { kind: 'certificates' };
  return { kind: 'none' };
}

function optionNode(option: Option, details: string): OptionNode[] {
  const { long, short, description, flags, argChoices, helpGroupHeading } = option;
  if (!long) return [];
  const placeholder = /[<[][^>\]]+[>\]]/.exec(flags)?.[0];
  return [
    {
      long,
      ...(short ? { short } : {}),
      description,
      details,
      ...(placeholder === undefined
        ? {}
        : { placeholder, value: BY_OPTION[long] ?? kindOf(placeholder, argChoices) }),
      ...(helpGroupHeading === undefined ? {} : { group: helpGroupHeading }),
    },
  ];
}

const argumentKind = (argument: Argument): ValueKind =>
  /^(id|certificate|target)s?$/.test(argument.name()) && argument.argChoices === undefined
    ? { kind: 'certificates' }
    : kindOf(argument.name(), argument.argChoices);

/** What the help of a command has beyond commander's own parts. */
function notesOf(command: Command): string {
  let written = '';
  const usual = { ...command.configureOutput() };
  command.configureOutput({ writeOut: (text) => (written += text) });
  command.outputHelp();
  command.configureOutput(usual);
  return written.slice(command.helpInformation().length).trim();
}

/** @param path the words that lead to the command */
export function commandNode(command: Command, path: readonly string[] = []): CommandNode {
  const help = command.createHelp();
  return {
    path,
    description: command.description(),
    usage: command.usage(),
    notes: notesOf(command),
    explainedArguments: help
      .visibleArguments(command)
      .map((argument) => ({ name: argument.name(), details: help.argumentDescription(argument) })),
    options: help
      .visibleOptions(command)
      .flatMap((option) => optionNode(option, help.optionDescription(option))),
    arguments: command.registeredArguments.map(argumentKind),
    commands: command.commands.map((each) => commandNode(each, [...path, each.name()])),
  };
}

/** A command and all below it. */
export function allNodes(node: CommandNode): CommandNode[] {
  return [node, ...node.commands.flatMap(allNodes)];
}

/** The first sentence of a description, short enough for a menu. */
export const summary = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[;:].*$/, '')
    .slice(0, 70);
