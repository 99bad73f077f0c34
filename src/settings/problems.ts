/** What is wrong with a configuration, in words for a person, and where in the file. */
import leven from 'leven';
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Document,
  type LineCounter,
  type Pair,
  type YAMLMap,
} from 'yaml';
import type * as z from 'zod/mini';

/** One mistake. Line and column count from 1. */
export interface Problem {
  line: number;
  column: number;
  /** Where in the document, as in `targets.orders.trust[0]`; empty for the whole and for what is no YAML. */
  path: string;
  /** What is wrong, and what would be right. */
  message: string;
}

/** Keys and indexes that lead to a value of a document. */
export type Path = readonly PropertyKey[];

/** What is wrong with one value; see {@link problemsOf}. */
export interface Mistake {
  path: Path;
  message: string;
  /** Point at the key instead of its value. */
  atKey?: boolean;
}

const KIND: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1 ? String(values[0]) : `one of ${values.map(String).join(', ')}`;

/** Completes "… must be" for issues whose schema says nothing of its own. */
function wantedText(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return KIND[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'too_small':
      return issue.origin === 'number' ? `at least ${issue.minimum}` : 'filled in';
    case 'too_big':
      return `at most ${issue.maximum}`;
    case 'invalid_union':
      return ''; // its alternatives say it
    default:
      return 'written differently';
  }
}

function foundText(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'number') return String(value);
  return JSON.stringify(value).slice(0, 80);
}

const pathText = (path: Path): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  );

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    data,
  );
}

/** The key most like the one written, if one is like it at all. */
function nearest(key: string, validKeys: readonly string[]): string | undefined {
  const [best] = validKeys
    .map((validKey) => ({ validKey, distance: leven(key.toLowerCase(), validKey.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return best && best.distance <= Math.max(2, key.length / 3) ? best.validKey : undefined;
}

function unknownKey(key: string, parent: Path, validKeys: readonly string[]): Mistake {
  const where = parent.length === 0 ? '' : ` in ${pathText(parent)}`;
  const similar = nearest(key, validKeys);
  const right = similar === undefined ? `valid are ${validKeys.join(', ')}` : `did you mean "${similar}"?`;
  return {
    path: [...parent, key],
    atKey: true,
    message: `unknown key ${JSON.stringify(key)}${where}; ${right}`,
  };
}

/** What each alternative of a union would have wanted. */
function alternativesOf(issue: z.core.$ZodIssue): string[] {
  return issue.code === 'invalid_union' ? issue.errors.flatMap(([first]) => first?.message ?? []) : [];
}

function shapeOf(schema: unknown): string[] {
  const { shape } = (schema as z.core.$ZodObject | undefined)?._zod.def ?? {};
  return Object.keys(shape ?? {});
}

/** Checks `data`; everything that is wrong with it comes back as mistakes. */
function check<T>(schema: z.ZodMiniType<T>, data: unknown): { value: T } | { mistakes: Mistake[] } {
  const validKeys = new Map<string, string[]>();
  const alternatives = new Map<string, unknown[]>();
  const id = (path: Path): string => JSON.stringify(path);
  const result = schema.safeParse(data, {
    error: (issue) => {
      const key = id(issue.path ?? []);
      if (issue.code === 'unrecognized_keys') validKeys.set(key, shapeOf(issue.inst));
      if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
        const { propValues } = (issue.inst as z.core.$ZodDiscriminatedUnion)._zod;
        alternatives.set(key, [...(propValues[issue.discriminator] ?? [])]);
      }
      return wantedText(issue);
    },
  });
  if (result.success) return { value: result.data };

  const mistakesOf = (issue: z.core.$ZodIssue, parent: Path = []): Mistake[] => {
    const path = [...parent, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => unknownKey(key, path, validKeys.get(id(path)) ?? []));
    }
    if (issue.code === 'custom') return [{ path, message: `${pathText(path)}: ${issue.message}` }];
    const value = valueAt(data, path);
    if (issue.code === 'invalid_key') {
      const key = JSON.stringify(path.at(-1));
      return [
        { path, atKey: true, message: `the key ${key} must be ${issue.issues[0]?.message ?? 'another'}` },
      ];
    }
    if (issue.code === 'invalid_union') {
      // An alternative that fitted on the outside says best what is wrong on the inside.
      const inner = issue.errors.find((issues) => issues.every((part) => part.path.length > 0));
      if (inner && inner.length > 0) return inner.flatMap((part) => mistakesOf(part, path));
    }
    const known = alternatives.get(id(path));
    const wanted = known ? oneOf(known) : issue.message || alternativesOf(issue).join(' or ');
    if (value === undefined) {
      return [{ path, message: `${pathText(path)} is missing; it must be ${wanted}` }];
    }
    const quotes =
      wanted === 'text' && ['number', 'boolean'].includes(typeof value) ? '; put it in quotes' : '';
    return [
      {
        path,
        message: `${pathText(path) || 'the file'} must be ${wanted}, not ${foundText(value)}${quotes}`,
      },
    ];
  };
  return { mistakes: result.error.issues.flatMap((issue) => mistakesOf(issue)) };
}

type PairOf = (map: YAMLMap, key: PropertyKey) => Pair | undefined;

/** Finds pairs by their keys; a mapping with thousands of mistakes is gone through once. */
function pairFinder(): PairOf {
  const known = new WeakMap<YAMLMap, Map<unknown, Pair>>();
  return (map, key) => {
    const pairs =
      known.get(map) ??
      new Map(
        map.items.toReversed().map((item) => [isScalar(item.key) ? item.key.value : item.key, item] as const),
      );
    known.set(map, pairs);
    return pairs.get(key);
  };
}

/** Where the value of a path, or its key, begins; for what is missing, the key that it is missing under. */
function offsetOf(document: Document, { path, atKey }: Mistake, pairOf: PairOf = pairFinder()): number {
  let node: unknown = document.contents;
  let valueOffset = document.contents?.range?.[0] ?? 0;
  let keyOffset = valueOffset;
  for (const key of path) {
    const container = isAlias(node) ? node.resolve(document) : node;
    const pair = isMap(container) ? pairOf(container, key) : undefined;
    const value = isSeq(container) ? container.items[Number(key)] : pair?.value;
    if (!isNode(value)) return keyOffset;
    valueOffset = value.range?.[0] ?? valueOffset;
    keyOffset = isNode(pair?.key) ? (pair.key.range?.[0] ?? valueOffset) : valueOffset;
    node = value;
  }
  return atKey === true ? keyOffset : valueOffset;
}

/** Mistakes with their places in the document, in its order. */
export function problemsOf(
  document: Document.Parsed,
  lineCounter: LineCounter,
  mistakes: readonly Mistake[],
): Problem[] {
  const pairOf = pairFinder();
  return mistakes
    .map((mistake) => ({
      ...placeOf(lineCounter, offsetOf(document, mistake, pairOf)),
      path: pathText(mistake.path),
      message: mistake.message,
    }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

function placeOf(lineCounter: LineCounter, offset: number): Pick<Problem, 'line' | 'column'> {
  const { line, col } = lineCounter.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** The line that a value is written in, from 1; that of the nearest one around it where the path leads nowhere. */
export function lineOf(document: Document.Parsed, lineCounter: LineCounter, path: Path): number {
  return placeOf(lineCounter, offsetOf(document, { path, message: '', atKey: true })).line;
}

/** What is wrong at a place of the text that no path leads to. */
export const problemAt = (lineCounter: LineCounter, offset: number, message: string): Problem => ({
  ...placeOf(lineCounter, offset),
  path: '',
  message,
});

/**
 * Reads a YAML document by a schema.
 * @returns the value, or everything that is wrong with it in the order of the file, and what was written
 */
export function readDocument<T>(
  document: Document.Parsed,
  lineCounter: LineCounter,
  schema: z.ZodMiniType<T>,
): { value: T } | { problems: Problem[]; data: unknown } {
  const unreadable = [...document.errors, ...document.warnings];
  if (unreadable.length > 0) {
    return {
      problems: unreadable.map(({ pos, message }) => problemAt(lineCounter, pos[0], message)),
      data: undefined,
    };
  }
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return { problems: [problemAt(lineCounter, 0, (error as Error).message)], data: undefined };
  }
  const result = check(schema, data);
  if ('value' in result) return result;
  return { problems: problemsOf(document, lineCounter, result.mistakes), data };
}
