/** Matchers of a Caddyfile in the form that they have in JSON (caddyconfig/httpcaddyfile, modules/caddyhttp). */
import { type Json, jsonAt, type Plain } from './json.js';
import type { Segment, Word } from './syntax.js';

/** Matcher sets by their name, with the `@`. */
export type Matchers = ReadonlyMap<string, Json>;

const PRIVATE_RANGES = ['192.168.0.0/16', '172.16.0.0/12', '10.0.0.0/8', '127.0.0.1/8', 'fd00::/8', '::1'];

const rawOf = ({ text, quote }: Word): string => `${quote}${text}${quote}`;

/** Names and values, several for one name. */
function grouped(lines: readonly Segment[]): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const { words } of lines) {
    const [, name, ...values] = words.map(({ text }) => text);
    if (name !== undefined) all[name] = [...(all[name] ?? []), ...values];
  }
  return all;
}

function regexps(lines: readonly Segment[]): Record<string, Plain> {
  const all: Record<string, Plain> = {};
  for (const { words } of lines) {
    const given = words.slice(1).map(({ text }) => text);
    const [field = '', pattern = ''] = given.slice(-2);
    all[field] = { pattern };
  }
  return all;
}

/** One kind of matcher, written once or several times in a set; `lines` begin with its name. */
function matcherOf(name: string, lines: readonly Segment[]): Plain {
  const values = lines.flatMap(({ words }) => words.slice(1).map(({ text }) => text));
  const last = lines.at(-1);
  switch (name) {
    case 'host':
    case 'path':
    case 'method':
      return values;
    case 'path_regexp':
      return { pattern: values.at(-1) ?? '' };
    case 'protocol':
      return values.at(-1) ?? '';
    case 'query':
      return Object.fromEntries(
        values.map((value) => [value.split('=')[0] ?? '', [value.slice(value.indexOf('=') + 1)]]),
      );
    case 'header': {
      const all: Record<string, Plain> = {};
      for (const [field, wanted] of Object.entries(grouped(lines))) {
        if (field.startsWith('!')) all[field.slice(1)] = null;
        else all[field] = wanted;
      }
      return all;
    }
    case 'vars':
      return grouped(lines);
    case 'header_regexp':
    case 'vars_regexp':
      return regexps(lines);
    case 'remote_ip':
    case 'client_ip':
      return {
        ranges: values
          .filter((each) => each !== 'forwarded')
          .flatMap((each) => (each === 'private_ranges' ? PRIVATE_RANGES : [each])),
        ...(values.includes('forwarded') ? { forwarded: true } : {}),
      };
    case 'expression': {
      const words = last?.words.slice(1) ?? [];
      return words.length > 1 ? words.map(rawOf).join(' ') : (words[0]?.text ?? '');
    }
    case 'not':
      return lines.map((line) => {
        const inner = line.block ?? [{ ...line, words: line.words.slice(1) }];
        return setOf(inner, line);
      });
    case 'tls':
      return values.includes('early_data') ? { early_data: true } : {};
    default:
      return {};
  }
}

/** A matcher set; every kind in it has to match. */
function setOf(lines: readonly Segment[], at: Segment): Json {
  const kinds = new Map<string, Segment[]>();
  for (const line of lines) {
    const name = line.words[0]?.text ?? '';
    kinds.set(name, [...(kinds.get(name) ?? []), line]);
  }
  const members = [...kinds].map(([name, all]): [string, Json] => {
    const [first = at] = all;
    return [
      name,
      jsonAt(first, matcherOf(name, all), `${name} ${first.words.slice(1).map(rawOf).join(' ')}`.trim()),
    ];
  });
  return { file: at.file, line: at.line, content: new Map(members) };
}

/** `@name` with what stands behind it, or in its block. */
export function namedMatcher(segment: Segment): Json {
  const [, first, ...rest] = segment.words;
  if (!first) return setOf(segment.block ?? [], segment);
  if (first.quote !== '' && rest.length === 0) {
    const name: Word = { ...first, text: 'expression', quote: '' };
    return setOf([{ ...segment, words: [name, first] }], segment);
  }
  const { block, ...line } = segment;
  return setOf([{ ...line, words: [first, ...rest], ...(block ? { block } : {}) }], segment);
}

/** The matcher that a directive's first word is, and the words after it. */
export function matcherToken(
  words: readonly Word[],
  known: Matchers,
): { set?: Json; rest: readonly Word[]; missing?: string } {
  const [first, ...rest] = words;
  if (!first) return { rest: words };
  if (first.text === '*') return { rest };
  if (first.text.startsWith('/')) {
    const path = jsonAt(first, [first.text], `path ${first.text}`);
    return { set: { file: first.file, line: first.line, content: new Map([['path', path]]) }, rest };
  }
  if (!first.text.startsWith('@')) return { rest: words };
  const set = known.get(first.text);
  return set ? { set, rest } : { rest, missing: first.text };
}
