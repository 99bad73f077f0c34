/** Finds `apigw-cert.yaml` and reads it. Costs the start-up time of zod and yaml: import it where it is needed. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { LineCounter, parseDocument } from 'yaml';
import { AppError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { readDocument, type Problem } from './problems.js';
import { configurationSchema, type Configuration } from './schema.js';

const FILE_NAME = 'apigw-cert.yaml';
const MAX_BYTES = 1024 * 1024;
const MAX_PROBLEMS = 20;

/** Keys of a trust store that hold paths. */
const PATH_KEYS = ['file', 'directory'];

export interface ConfigurationSource {
  /** The file that `--config` names. Without it one is looked for. */
  file?: string | undefined;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** A configuration and where it was found; its paths are absolute. */
export interface LoadedConfiguration extends Configuration {
  /** Absolute. */
  file: string;
}

function invalid(message: string, hint: string, details: Record<string, unknown>): AppError {
  return new AppError('ConfigurationInvalid', message, { hint, details });
}

/** A path as the configuration means it: `~` is the home directory, a relative one starts at the file's directory. */
export function resolvePath(path: string, directory: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return resolve(directory, path);
}

function withAncestors(directory: string): string[] {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [directory, ...withAncestors(parent)];
}

/** The working directory and all above it, then the user's own configuration. */
function candidates(cwd: string, env: NodeJS.ProcessEnv): string[] {
  const base = env['XDG_CONFIG_HOME'];
  const own = join(base && isAbsolute(base) ? base : join(homedir(), '.config'), 'apigw-cert');
  return [...withAncestors(resolve(cwd)), own].map((directory) => join(directory, FILE_NAME));
}

/**
 * The file that would be used: found upwards from the working directory, else in `~/.config/apigw-cert/`. Its hooks
 * are run, so one that another user could have left in the way is refused, not skipped.
 * @throws AppError `ConfigurationInvalid`
 */
export async function findConfiguration({
  cwd = process.cwd(),
  env = process.env,
}: Omit<ConfigurationSource, 'file'> = {}): Promise<string | undefined> {
  for (const file of candidates(cwd, env)) {
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) continue;
    const user = process.getuid?.();
    if (user !== undefined && ((found.uid !== user && found.uid !== 0) || (found.mode & 0o002) !== 0)) {
      throw invalid(
        `${file} was found, but another user owns it or may write to it, and it can hold commands`,
        'if you trust it, name it with --config; otherwise take it away',
        { file },
      );
    }
    return file;
  }
  return undefined;
}

async function readText(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await buffer(createReadStream(file, { end: MAX_BYTES }));
  } catch (cause) {
    throw new AppError('FileNotReadable', `the configuration ${file} cannot be read`, {
      hint: 'check the path and its permissions',
      cause,
      details: { file },
    });
  }
  if (bytes.length > MAX_BYTES) {
    throw invalid(`${file} is larger than 1 MiB`, 'a configuration is a few hundred lines at most', { file });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(`${file} is not text in UTF-8`, 'save it as UTF-8', { file });
  }
}

function refuse(file: string, problems: readonly Problem[]): never {
  const lines = problems
    .slice(0, MAX_PROBLEMS)
    .map(({ line, column, message }) => `${file}:${line}:${column}: ${printable(message)}`);
  if (problems.length > MAX_PROBLEMS) lines.push(`and ${problems.length - MAX_PROBLEMS} more`);
  throw invalid(lines.join('\n'), 'every key is described in docs/configuration.md', { file, problems });
}

function withAbsolutePaths(configuration: Configuration, directory: string): Configuration {
  for (const { trust } of Object.values(configuration.targets ?? {})) {
    for (const store of trust as Record<string, unknown>[]) {
      for (const key of PATH_KEYS) {
        const path = store[key];
        if (typeof path === 'string') store[key] = resolvePath(path, directory);
      }
    }
  }
  return configuration;
}

/**
 * Reads and checks the configuration: the file named, or the one that is found; `undefined` when there is none.
 * @throws AppError `ConfigurationInvalid` with every mistake's file, line, column and remedy, `FileNotReadable`
 */
export async function loadConfiguration(
  source: ConfigurationSource = {},
): Promise<LoadedConfiguration | undefined> {
  const { cwd = process.cwd() } = source;
  const file = source.file === undefined ? await findConfiguration(source) : resolvePath(source.file, cwd);
  if (file === undefined) return undefined;
  const lineCounter = new LineCounter();
  const document = parseDocument(await readText(file), { lineCounter, prettyErrors: false, merge: true });
  const result = readDocument(document, lineCounter, configurationSchema);
  if ('problems' in result) return refuse(file, result.problems);
  return { ...withAbsolutePaths(result.value, dirname(file)), file };
}
