/** Reads a configuration that was found. Costs the start-up time of zod and yaml. */
import { createReadStream } from 'node:fs';
import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { isScalar, isSeq, LineCounter, parseDocument, visit, type Document } from 'yaml';
import { AppError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { invalid, resolvePath } from './find.js';
import { readDocument, type Problem } from './problems.js';
import { configurationSchema, type Configuration } from './schema.js';

const MAX_BYTES = 1024 * 1024;
const MAX_PROBLEMS = 20;

/** Keys of a trust store that hold paths. */
const PATH_KEYS = ['file', 'directory'];

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

/**
 * Reads and checks a file. Its relative paths start at its directory.
 * @throws AppError `ConfigurationInvalid` with every mistake's place and remedy, `FileNotReadable`
 */
export async function readConfiguration(file: string): Promise<Configuration> {
  const lineCounter = new LineCounter();
  const text = await readText(file);
  const document = parseDocument(text, { lineCounter, prettyErrors: false, merge: true });
  // Everything in a configuration is optional.
  if (document.errors.length === 0 && document.contents === null) return {};
  restoreNames(document);
  const result = readDocument(document, lineCounter, configurationSchema);
  if ('problems' in result) return refuse(file, result.problems);
  return withAbsolutePaths(result.value, dirname(file));
}
