/** Reads a configuration that was found. Costs the start-up time of zod and yaml. */
import { dirname } from 'node:path';
import { isScalar, isSeq, LineCounter, parseDocument, visit, type Document } from 'yaml';
import { AppError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { readFileOrStream, UnsuitableFile, unsuitability } from '../../platform/read-regular-file.js';
import { invalid, resolvePath } from './find.js';
import { lineOf, problemsOf, readDocument, type Mistake, type Path, type Problem } from './problems.js';
import { trustKind } from '../../trust/kinds/index.js';
import { configurationSchema, type Configuration } from './schema.js';

const MAX_BYTES = 1024 * 1024;
const MAX_PROBLEMS = 20;

async function readText(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFileOrStream(file, { limit: MAX_BYTES });
  } catch (cause) {
    if (cause instanceof UnsuitableFile && cause.code === 'EFBIG') {
      throw invalid(`${file} is larger than 1 MiB`, 'a configuration is a few hundred lines at most', {
        file,
      });
    }
    throw new AppError('FileNotReadable', `the configuration ${file} cannot be read${unsuitability(cause)}`, {
      hint: 'check the path and its permissions',
      cause,
      details: { file },
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(`${file} is not text in UTF-8`, 'save it as UTF-8', { file });
  }
}

function withAbsolutePaths(configuration: Configuration, directory: string): Configuration {
  for (const { trust } of Object.values(configuration.targets ?? {})) {
    for (const store of trust as Record<string, unknown>[]) {
      const { options = {} } = trustKind(String(store['kind'])) ?? {};
      for (const [key, value] of Object.entries(store)) {
        if (options[key] === 'path' && typeof value === 'string') store[key] = resolvePath(value, directory);
      }
    }
  }
  return configuration;
}

/** Keys whose values are names and ids, which YAML may take for numbers: `12345e6789`, `0123456789`. */
const NAME_KEYS = new Set(['api', 'stages', 'profile']);

/** Names that look like numbers, as they were written. */
function restoreNames(document: Document.Parsed): void {
  const restore = (node: unknown): void => {
    if (isSeq(node)) node.items.forEach(restore);
    else if (isScalar(node) && typeof node.value === 'number' && node.source !== undefined)
      node.value = node.source;
  };
  visit(document, {
    Pair: (_key, { key, value }) => {
      if (isScalar(key) && typeof key.value === 'string' && NAME_KEYS.has(key.value)) restore(value);
    },
  });
}

/** Where things are written in a configuration. */
export interface Places {
  /** The line that a key is written in, from 1. */
  lineOf: (path: Path) => number;
  /** Mistakes of the caller's own rules, with their places. */
  problemsOf: (mistakes: readonly Mistake[]) => Problem[];
}

/** A configuration, or everything that the schema finds wrong with it and what was written, where that is YAML. */
export type Examined = Places & ({ configuration: Configuration } | { problems: Problem[]; data: unknown });

/**
 * Reads a text as a configuration, whose relative paths start at `directory`.
 * @returns its mistakes where it has any
 */
export function examineText(text: string, directory: string): Examined {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, merge: true });
  const places = {
    lineOf: (path: Path) => lineOf(document, lineCounter, path),
    problemsOf: (mistakes: readonly Mistake[]) => problemsOf(document, lineCounter, mistakes),
  };
  // Everything in a configuration is optional.
  if (document.errors.length === 0 && document.contents === null) return { configuration: {}, ...places };
  restoreNames(document);
  const result = readDocument(document, lineCounter, configurationSchema);
  return 'problems' in result
    ? { ...result, ...places }
    : { configuration: withAbsolutePaths(result.value, directory), ...places };
}

/**
 * Reads a file as {@link examineText} does.
 * @param file absolute
 * @throws AppError `FileNotReadable`, `ConfigurationInvalid` for what is no text or too long
 */
export async function examineConfiguration(file: string): Promise<Examined> {
  return examineText(await readText(file), dirname(file));
}

/**
 * Reads and checks a file. Its relative paths start at its directory.
 * @throws AppError `ConfigurationInvalid` with every mistake's place and remedy, `FileNotReadable`
 */
export async function readConfiguration(file: string): Promise<Configuration> {
  const examined = await examineConfiguration(file);
  return 'problems' in examined ? refuse(file, examined.problems) : examined.configuration;
}

/** @throws AppError `ConfigurationInvalid` with the first mistakes as its message, and all in its details */
export function refuse(file: string, problems: readonly Problem[]): never {
  const lines = problems
    .slice(0, MAX_PROBLEMS)
    .map(({ line, column, message }) => `${file}:${line}:${column}: ${printable(message)}`);
  if (problems.length > MAX_PROBLEMS) lines.push(`and ${problems.length - MAX_PROBLEMS} more`);
  throw invalid(lines.join('\n'), 'every key is described in docs/configuration.md', { file, problems });
}
