import { Command, CommanderError } from 'commander';
import { AppError, EXIT } from '../platform/errors.js';
import { hasAbandoned } from '../aws/abandoned.js';
import { addCommonOptions, failureExit } from '../terminal/command.js';
import { COMMANDS } from './commands.js';
import { exitCodesText } from '../terminal/exit-codes.js';
import { errorOutput, printError, reportError } from '../terminal/output.js';
import { VERSION } from '../platform/version.js';

const OVERVIEW = `
Common commands:
  apigw-cert list --usage                       certificates, their expiry, and the stages that present them
  apigw-cert check-expiry --warning 30d         for cron and monitors: exit 0, 1, 2 or 3
  apigw-cert rotate --stage orders/prod \\
    --trust pem-bundle:/etc/orders/apigw.pem --probe 'GET /health' --dry-run

Try it without an AWS account:
  apigw-cert demo

\`apigw-cert help <command>\` shows the help of a command.

${exitCodesText(false)}`;

/** The command line, with the one command that the words begin with, or with all where they begin otherwise. */
export async function createProgram([first = '', next]: readonly string[]): Promise<Command> {
  const program = new Command('apigw-cert')
    .description('Monitor and rotate Amazon API Gateway client certificates.')
    .version(VERSION)
    .addHelpText('after', OVERVIEW);
  const asked = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  const everything = (): Promise<Command> => createProgram([]);
  const loaders = asked ? [asked] : Object.values(COMMANDS);
  const commands = await Promise.all(loaders.map((load) => load(next, everything)));
  for (const command of commands) program.addCommand(command);
  finish(program);
  return program;
}

/** What every command has in common, those below a command included. */
function finish(command: Command): void {
  command.exitOverride().configureOutput(QUIET_ERRORS);
  if (command.commands.length === 0) {
    addCommonOptions(command);
    const answersMonitor = failureExit(command.name()) !== undefined;
    command.addHelpText('after', () => `\n${exitCodesText(answersMonitor)}`);
  } else {
    command.commands.forEach(finish);
  }
}

/** Errors of usage are reported like all others, by {@link main}. */
const QUIET_ERRORS = { writeErr: (): void => undefined };

/** What an option was given, read from words that commander could not parse. */
function wordAfter(option: string, words: readonly string[]): string | undefined {
  return new RegExp(`(?:^| )--${option}[ =](\\S+)`).exec(words.join(' '))?.[1];
}

/** Runs the command that the words name and leaves its exit code in `process.exitCode`. */
export async function main(given: readonly string[]): Promise<void> {
  const words = withoutHelpCommand(given);
  // The reader of a pipe may have seen enough (`apigw-cert list | head -1`): that is no error.
  // Nor may it end what is under way, such as a rotation. A result that is lost otherwise is one.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.once('exit', () => {
      const lost = new AppError('FileNotWritable', `the result cannot be written: ${error.message}`, {
        hint: 'check the destination of the output',
      });
      printError(lost, { color: !words.includes('--no-color') });
      process.exitCode = failureExit(words[0], wordAfter('output', words)) ?? lost.exitCode;
    });
  });
  // Nor does anybody who reads no more what is said on the way (`2>&1 | head -1`).
  process.stderr.on('error', () => undefined);
  const program = await createProgram(words);
  await run(program, words);
  // Credentials that did not come in time leave a child or a connection behind that would keep the process.
  if (hasAbandoned()) process.stdout.write('', () => process.exit());
}

/** `help backend config` asks what `backend config --help` asks; a command that is none is answered as anywhere. */
function withoutHelpCommand(words: readonly string[]): readonly string[] {
  const [first, ...rest] = words;
  const [asked] = rest;
  if (first !== 'help' || asked === undefined) return words;
  return Object.hasOwn(COMMANDS, asked) ? [...rest, '--help'] : [asked];
}

async function run(program: Command, words: readonly string[]): Promise<void> {
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync([...words], { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === EXIT.ok) return;
    // A group of commands without one of them: its help is no result.
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') {
      const group = program.commands.find((command) => command.name() === words[0]) ?? program;
      process.stderr.write(group.helpInformation());
      process.exitCode = EXIT.usage;
      return;
    }
    reportError(thrown instanceof CommanderError ? usageError(thrown, words) : thrown, {
      output: errorOutput(wordAfter('output', words) ?? wordAfter('format', words)),
      color: !words.includes('--no-color'),
      monitorExit: failureExit(words[0], wordAfter('output', words)),
    });
  }
}

/** Commander's sentence and its suggestion, `(Did you mean list?)`, as an error of ours. */
function usageError({ code, message }: CommanderError, words: readonly string[]): AppError {
  const [sentence = '', suggestion = ''] = message.replace(/^error: /, '').split('\n');
  const optionFirst = code === 'commander.unknownOption' && words[0]?.startsWith('-') === true;
  return new AppError('Usage', sentence, {
    hint: optionFirst
      ? 'write options after the command: apigw-cert list --region eu-west-1'
      : suggestion.replace(/^\((.*)\)$/, '$1') || '--help lists the commands and options',
  });
}
