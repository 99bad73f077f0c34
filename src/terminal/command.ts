import { Command, Option } from 'commander';
import { CHECK_EXIT } from '../findings/severity.js';
import type { ControlPlane } from '../control-plane/control-plane.js';
import type { CommonOptions, Context } from './context.js';
import { applyRenamed } from './deprecated.js';
import { ACCOUNT_SETTINGS, helpText, type Setting } from '../settings/table.js';
import { createOutput, errorOutput, reportError } from './output.js';
import { outputOption } from './output-option.js';
import { withReferences } from './references.js';

/** The start of every command. `usage` is its name and its arguments in commander's notation, `inspect <target>`. */
export function command(usage: string, summary: string): Command {
  const [name, ...args] = usage.split(' ');
  const made = new Command(name).description(summary);
  for (const argument of args) made.argument(argument);
  return made;
}

const COMMON = 'Common options:';

/** Adds the options that all commands share, after a command's own. */
export function addCommonOptions(to: Command): void {
  const options = [
    new Option('--config <file>', 'configuration file (default: apigw-cert.yaml in this directory or above)'),
    new Option('--account <name>', 'entry of "accounts" in the configuration'),
    ...Object.values(ACCOUNT_SETTINGS).map(settingOption),
    outputOption(),
    new Option('--no-color', 'print without colors'),
    new Option('--quiet', 'print only results and errors'),
    new Option('--debug', 'log each request to AWS, and print the stack of an error'),
  ];
  for (const option of options) {
    // A command with a choice of its own, such as more formats, keeps it.
    if (!to.options.some(({ long }) => long === option.long)) to.addOption(option.helpGroup(COMMON));
  }
  to.addHelpOption(new Option('-h, --help', 'show this help').helpGroup(COMMON));
}

/** The option of a setting. Its value is read later: what it says is one of several layers. */
export const settingOption = (setting: Setting): Option => new Option(setting.flag ?? '', helpText(setting));

/** Collects a repeatable option's values. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** Commands that have the format of a monitor beside others, by their own names and by the first word. */
const NAGIOS_TOO: ReadonlySet<string> = new Set(['doctor', 'iac', 'check']);

/**
 * The exit code of every failure of a command that answers a monitor, by itself or in the format of one, where 1 and 2
 * are findings; nothing for others, whose errors have exit codes of their own.
 */
export function failureExit(commandName: string | undefined, output?: string): 3 | undefined {
  const answersMonitor =
    commandName === 'check-expiry' || (output === 'nagios' && NAGIOS_TOO.has(commandName ?? ''));
  return answersMonitor ? CHECK_EXIT.unknown : undefined;
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
    try {
      const hints = applyRenamed(self);
      const { options, args } = withReferences(self, self.opts<Options & CommonOptions>());
      const out = createOutput(options);
      for (const hint of hints) out.note(`hint: ${hint}`);
      let opened: Promise<ControlPlane> | undefined;
      await run({
        options,
        args: args as unknown as Args,
        out,
        now: () => new Date(),
        controlPlane: () =>
          (opened ??= import('./account.js').then(({ openAccount }) => openAccount(options, out))),
      });
    } catch (error) {
      const given = self.opts<CommonOptions>();
      reportError(error, {
        ...given,
        output: errorOutput(given.output),
        monitorExit: failureExit(self.name(), given.output),
      });
    }
  };
}
