import { once } from 'node:events';
import { Chalk, type ChalkInstance } from 'chalk';
import { AppError, EXIT, type ExitCode } from '../platform/errors.js';
import { printable, printableText } from '../platform/printable.js';
import type { OutputFormat } from './output-option.js';

/** What the options of every command say about its output. */
export interface OutputOptions {
  output: OutputFormat;
  color: boolean;
  quiet?: boolean;
  debug?: boolean;
}

/** Where a command's words go: results to stdout, everything else to stderr. */
export interface Output {
  /** Colours for stdout; plain where it is no terminal. */
  style: ChalkInstance;
  /** Colours for stderr. */
  noteStyle: ChalkInstance;
  /** The command's one result: `json` as a document, or the text, made only when it is wanted. */
  result(json: unknown, text: () => string): void;
  /**
   * The command's one result where that is a list which may be too long to be held: `json` as an object with `items` as its
   * only member, or a text for each item that has one, and one at the end.
   */
  list<Item>(
    items: AsyncIterable<Item>,
    text: { each: (item: Item) => string | undefined; end: () => string },
  ): Promise<void>;
  /** The command's one result where that is a file's content: these octets and nothing else. */
  content(octets: Uint8Array): void;
  /** Something worth knowing on the way; silenced by `--quiet`. */
  note(text: string): void;
  /**
   * The account and Region that the command works in: at once where stdin is a terminal, since a prompt may follow; otherwise before
   * the first note or the result. Only where the result is for people.
   */
  where(text: string): void;
  /** Something that the user must know; not silenced. */
  warn(text: string): void;
  /** Sets the exit code of the process. */
  exitWith(code: ExitCode | 3): void;
}

/**
 * Colours are for terminals. NO_COLOR (no-color.org) and `--no-color` switch them off, FORCE_COLOR on.
 */
function styleFor(stream: NodeJS.WriteStream, color: boolean): ChalkInstance {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '0';
  const wanted = color && !NO_COLOR && (forced || (stream.isTTY && TERM !== 'dumb'));
  return new Chalk({ level: wanted ? 1 : 0 });
}

function line(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}

/**
 * Writes to stdout, and waits where its reader is slower.
 * @returns whether stdout takes more: its reader may have gone, or the disk be full, which `main` reports
 */
async function written(text: string): Promise<boolean> {
  const { stdout } = process;
  if (!stdout.write(text) && stdout.writable) await once(stdout, 'drain').catch(() => undefined);
  return stdout.writable;
}

export function createOutput({ output, color, quiet = false }: OutputOptions): Output {
  const noteStyle = styleFor(process.stderr, color);
  const style = styleFor(process.stdout, color);
  const shown = (text: string): string => line(printableText(text, style.level > 0));
  const noted = (text: string): string => line(printableText(text, noteStyle.level > 0));
  const places = new Set<string>();
  const write = (text: string): void => {
    if (!quiet) process.stderr.write(noted(text));
  };
  const writePlaces = (): void => {
    for (const place of places) write(place);
    places.clear();
  };
  return {
    style,
    noteStyle,
    result(json, text) {
      writePlaces();
      process.stdout.write(output === 'json' ? `${JSON.stringify(json, null, 2)}\n` : shown(text()));
    },
    async list(items, { each, end }) {
      const isJson = output === 'json';
      let count = 0;
      writePlaces();
      for await (const item of items) {
        const json = isJson ? JSON.stringify(item, null, 2).replaceAll('\n', '\n    ') : '';
        const text = isJson ? `${count === 0 ? '{\n  "items": [' : ','}\n    ${json}` : each(item);
        count += 1;
        if (text !== undefined && !(await written(isJson ? text : shown(text)))) return;
      }
      if (!isJson) await written(shown(end()));
      else await written(count === 0 ? '{\n  "items": []\n}\n' : '\n  ]\n}\n');
    },
    content(octets) {
      writePlaces();
      process.stdout.write(octets);
    },
    note(text) {
      writePlaces();
      write(text);
    },
    where(text) {
      if (output !== 'text') return;
      places.add(text);
      if (process.stdin.isTTY) writePlaces();
    },
    warn(text) {
      process.stderr.write(noted(`${noteStyle.yellow('warning:')} ${text}`));
    },
    exitWith(code) {
      process.exitCode = code;
    },
  };
}

/** The first cause's stack: what `--debug` adds to an error. */
function stack(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined
    ? (error.stack ?? error.message)
    : `${error.stack ?? ''}\ncaused by: ${stack(error.cause)}`;
}

/** How an error is reported. */
export interface ErrorStyle extends Pick<OutputOptions, 'color' | 'debug'> {
  /** `other`: stdout is for a program that reads neither JSON nor sentences, and stays empty. */
  output: 'text' | 'json' | 'other';
  /** For a command that answers a monitor: the exit code, and the error is its result. */
  monitorExit?: 3 | undefined;
}

/** Formats that programs read, in which an error has no place. */
const FOR_PROGRAMS: ReadonlySet<string> = new Set(['sarif', 'junit', 'github', 'csv', 'prometheus', 'html']);

/** What an error is written as where a result would have been in this format. Monitors show the text of an error. */
export function errorOutput(format: string | undefined): ErrorStyle['output'] {
  if (format === 'json') return 'json';
  return FOR_PROGRAMS.has(format ?? '') ? 'other' : 'text';
}

/** Whatever was thrown as an AppError: anything else is a fault of ours. */
export function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError(
    'Internal',
    `unexpected: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    {
      hint: 'this is a bug in apigw-cert: please report it with the output of the same command with --debug',
      cause: thrown,
    },
  );
}

/** An error as machines read it. */
export function errorJson({ code, message, hint, details }: AppError): Record<string, unknown> {
  return { code, message, hint, details };
}

/** The mistakes of a configuration are one a line; any other message is one line, whatever it holds. */
const messageLines = ({ code, message }: AppError): string[] =>
  code === 'ConfigurationInvalid' ? message.split('\n') : [message];

/** Prints an error as a sentence with its remedy on stderr; `about` names what failed where that is one of several. */
export function printError(
  error: AppError,
  { color, debug = false }: Pick<ErrorStyle, 'color' | 'debug'>,
  about?: string,
): void {
  const style = styleFor(process.stderr, color);
  const subject = about === undefined ? '' : `${printable(about)}: `;
  const label = error.exitCode === EXIT.unfinished ? style.yellow('not finished:') : style.red('error:');
  for (const line of messageLines(error)) process.stderr.write(`${label} ${subject}${printable(line)}\n`);
  printRemedy(error, { color, debug });
}

function printRemedy(error: AppError, { color, debug }: Pick<ErrorStyle, 'color' | 'debug'>): void {
  const { hint } = error;
  const label = error.exitCode === EXIT.unfinished ? '  next:' : '  fix:';
  if (hint !== undefined)
    process.stderr.write(`${styleFor(process.stderr, color).dim(label)} ${printable(hint)}\n`);
  if (debug === true) process.stderr.write(`${stack(error).split('\n').map(printable).join('\n')}\n`);
}

/** Reports an error as a sentence with its remedy, or as a JSON document, and sets the exit code. */
export function reportError(thrown: unknown, style: ErrorStyle): void {
  const error = asAppError(thrown);
  const { output, monitorExit } = style;
  if (output === 'json') process.stdout.write(`${JSON.stringify({ error: errorJson(error) }, null, 2)}\n`);
  else if (monitorExit !== undefined && output === 'text')
    process.stdout.write(`UNKNOWN: ${messageLines(error).map(printable).join('\n')}\n`);
  if (output !== 'text' || monitorExit === undefined) printError(error, style);
  else printRemedy(error, style);
  process.exitCode = monitorExit ?? error.exitCode;
}
