/** Reads a configuration that was found. Costs the start-up time of zod and yaml. */
import { parseReportPlace } from './report-place.js';
import { dirname } from 'node:path';
import { isScalar, isSeq, LineCounter, parseDocument, Parser, visit, type CST, type Document } from 'yaml';
import type * as z from 'zod/mini';
import { AppError } from '../platform/errors.js';
import { printable } from '../platform/printable.js';
import { readFileOrStream, UnsuitableFile, unsuitability } from '../platform/read-regular-file.js';
import { invalid, resolvePath } from './find.js';
import {
  lineOf,
  problemAt,
  problemsOf,
  readDocument,
  type Mistake,
  type Path,
  type Problem,
} from './problems.js';
import { configurationSchemaWith, type Configuration, type TrustDescription } from './schema.js';

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

function withAbsolutePaths<Trust extends TrustDescription>(
  configuration: Configuration<Trust>,
  directory: string,
  isPath: TrustKinds<Trust>['isPath'],
): Configuration<Trust> {
  for (const { trust, publish = [], acknowledge } of Object.values(configuration.targets ?? {})) {
    if (acknowledge && parseReportPlace(acknowledge.reports).kind === 'folder')
      acknowledge.reports = resolvePath(acknowledge.reports, directory);
    for (const entry of publish) if (entry.kind === 'file') entry.file = resolvePath(entry.file, directory);
    for (const store of trust as unknown as Record<string, unknown>[]) {
      for (const [key, value] of Object.entries(store)) {
        if (typeof value === 'string' && isPath(String(store['kind']), key))
          store[key] = resolvePath(value, directory);
      }
    }
  }
  return configuration;
}

/** Keys whose values are names and ids, which YAML may take for numbers: `12345e6789`, `0123456789`. */
const NAME_KEYS = new Set(['api', 'stages', 'profile', 'externalId']);

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

/** What this folder has to know of trust stores; the registry of kinds has it. */
export interface TrustKinds<Trust extends TrustDescription = TrustDescription> {
  /** What a trust store may be. */
  schema: z.core.$ZodType<Trust>;
  /** Whether a key of a kind holds a path. */
  isPath: (kind: string, key: string) => boolean;
}

/** A configuration has six levels; a reader that calls itself for each level has a stack that ends. */
const MOST_LEVELS = 100;

/** Where a text is nested too deeply to be read, if it is. Goes without a stack of its own. */
function tooDeep(text: string): number | undefined {
  const open: { token: CST.Token; level: number }[] = [...new Parser().parse(text)].map((token) => ({
    token,
    level: 0,
  }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, level } = next;
    if (level > MOST_LEVELS) return token.offset;
    const parts = 'items' in token ? token.items : 'value' in token ? [{ value: token.value }] : [];
    for (const { key, value } of parts as { key?: CST.Token | null; value?: CST.Token }[]) {
      for (const part of [key, value])
        if (typeof part === 'object' && part !== null) open.push({ token: part, level: level + 1 });
    }
  }
  return undefined;
}

/** Where keys are written that their mapping has already. The library compares each with all others. */
function repeatedKeys(document: Document.Parsed): number[] {
  const found: number[] = [];
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) found.push(key.range?.[0] ?? 0);
        seen.add(key.value);
      }
    },
  });
  return found;
}

/** Where things are written in a configuration. */
export interface Places {
  /** The line that a key is written in, from 1. */
  lineOf: (path: Path) => number;
  /** Mistakes of the caller's own rules, with their places. */
  problemsOf: (mistakes: readonly Mistake[]) => Problem[];
}

/** A configuration, or everything that the schema finds wrong with it and what was written, where that is YAML. */
export type Examined<Trust extends TrustDescription = TrustDescription> = Places &
  ({ configuration: Configuration<Trust> } | { problems: Problem[]; data: unknown });

/**
 * Reads a text as a configuration, whose relative paths start at `directory`.
 * @param kinds what a trust store may be
 * @returns its mistakes where it has any
 */
export function examineText<Trust extends TrustDescription>(
  text: string,
  directory: string,
  kinds: TrustKinds<Trust>,
): Examined<Trust> {
  const lineCounter = new LineCounter();
  const depth = tooDeep(text);
  const document = parseDocument(depth === undefined ? text : text.slice(0, depth), {
    lineCounter,
    prettyErrors: false,
    merge: true,
    uniqueKeys: false,
  });
  const places = {
    lineOf: (path: Path) => lineOf(document, lineCounter, path),
    problemsOf: (mistakes: readonly Mistake[]) => problemsOf(document, lineCounter, mistakes),
  };
  if (depth !== undefined) {
    const message = `nested more than ${MOST_LEVELS} levels deep; a configuration has six`;
    return { problems: [problemAt(lineCounter, depth, message)], data: undefined, ...places };
  }
  // Everything in a configuration is optional.
  if (document.errors.length === 0 && document.contents === null) return { configuration: {}, ...places };
  const repeated = repeatedKeys(document).map((at) => problemAt(lineCounter, at, 'Map keys must be unique'));
  if (repeated.length > 0 && document.errors.length === 0)
    return { problems: repeated, data: undefined, ...places };
  restoreNames(document);
  const result = readDocument(document, lineCounter, configurationSchemaWith(kinds.schema));
  return 'problems' in result
    ? { ...result, ...places }
    : { configuration: withAbsolutePaths(result.value, directory, kinds.isPath), ...places };
}

/**
 * Reads a file as {@link examineText} does.
 * @param file absolute
 * @throws AppError `FileNotReadable`, `ConfigurationInvalid` for what is no text or too long
 */
export async function examineConfiguration<Trust extends TrustDescription>(
  file: string,
  kinds: TrustKinds<Trust>,
): Promise<Examined<Trust>> {
  return examineText(await readText(file), dirname(file), kinds);
}

/** @throws AppError `ConfigurationInvalid` with the first mistakes as its message, and all in its details */
export function refuse(file: string, problems: readonly Problem[]): never {
  const lines = problems
    .slice(0, MAX_PROBLEMS)
    .map(({ line, column, message }) => `${file}:${line}:${column}: ${printable(message)}`);
  if (problems.length > MAX_PROBLEMS) lines.push(`and ${problems.length - MAX_PROBLEMS} more`);
  throw invalid(lines.join('\n'), 'every key is described in docs/configuration.md', { file, problems });
}
