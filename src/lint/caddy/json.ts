/** JSON whose values know the line that they stand on, whether it was read or made of a Caddyfile. */
import type { Place } from '../finding.js';

export type Content = string | number | boolean | null | readonly Json[] | ReadonlyMap<string, Json>;

export interface Json extends Place {
  content: Content;
  /** The words of a Caddyfile that made it, for the steps of an outcome. */
  text?: string;
}

/** Plain values, and `Json` where a part has a place of its own. `undefined` members are left out. */
export type Plain =
  string | number | boolean | null | readonly Plain[] | { readonly [name: string]: Plain | undefined } | Json;

const isJson = (value: object): value is Json => 'content' in value && 'file' in value;

/** Makes JSON of plain values, at one place. */
export function jsonAt(at: Place, value: Plain, text?: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && isJson(value)) return value;
  const base = { file: at.file, line: at.line, ...(text === undefined ? {} : { text }) };
  if (typeof value !== 'object' || value === null) return { ...base, content: value };
  if (Array.isArray(value)) {
    return { ...base, content: (value as readonly Plain[]).map((each) => jsonAt(at, each)) };
  }
  const members = Object.entries(value as Readonly<Record<string, Plain | undefined>>).flatMap(
    ([name, member]): [string, Json][] => (member === undefined ? [] : [[name, jsonAt(at, member)]]),
  );
  return { ...base, content: new Map(members) };
}

export const isMap = (content: Content | undefined): content is ReadonlyMap<string, Json> =>
  content instanceof Map;

export const isList = (content: Content | undefined): content is readonly Json[] => Array.isArray(content);

export const member = (json: Json | undefined, name: string): Json | undefined =>
  isMap(json?.content) ? json.content.get(name) : undefined;

/** The members of an object, in their order; none of anything else. */
export const membersOf = (json: Json | undefined): [name: string, value: Json][] =>
  isMap(json?.content) ? [...json.content] : [];

/** The elements of a list; none of anything else. */
export const listOf = (json: Json | undefined): readonly Json[] =>
  isList(json?.content) ? json.content : [];

/** The text of a string or number. */
export const textOf = (json: Json | undefined): string | undefined =>
  typeof json?.content === 'string'
    ? json.content
    : typeof json?.content === 'number'
      ? String(json.content)
      : undefined;

/** The strings of a list, or of a single string. */
export function textsOf(json: Json | undefined): string[] {
  const single = textOf(json);
  return single === undefined ? listOf(json).flatMap((each) => textOf(each) ?? []) : [single];
}

export const isTrue = (json: Json | undefined): boolean => json?.content === true;

/** The value as one line of JSON, the members of objects in the order of their names. */
export function printed(json: Json): string {
  const plain = ({ content }: Json): unknown =>
    isMap(content)
      ? Object.fromEntries(
          [...content].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, plain(value)]),
        )
      : isList(content)
        ? content.map(plain)
        : content;
  return JSON.stringify(plain(json));
}

/** Reads JSON. @throws SyntaxError for what is none */
export function parseJson(file: string, text: string): Json {
  // The grammar is JSON.parse's; below, only places are added.
  JSON.parse(text);
  let at = 0;
  let line = 1;
  const space = (): void => {
    for (; /\s/.test(text.charAt(at)); at++) if (text[at] === '\n') line++;
  };
  const scalar = (): string => {
    const [found = ''] = /^(?:"(?:[^"\\]|\\.)*"|[^\s,\]}:]+)/.exec(text.slice(at, at + 1_000_000)) ?? [];
    at += found.length;
    return found;
  };
  const value = (): Json => {
    space();
    const place = { file, line };
    if (text[at] === '[') {
      const list: Json[] = [];
      at++;
      space();
      while (text[at] !== ']') {
        if (text[at] === ',') at++;
        list.push(value());
        space();
      }
      at++;
      return { ...place, content: list };
    }
    if (text[at] === '{') {
      const members = new Map<string, Json>();
      at++;
      space();
      while (text[at] !== '}') {
        if (text[at] === ',') at++;
        space();
        const name = JSON.parse(scalar()) as string;
        space();
        at++;
        members.set(name, value());
        space();
      }
      at++;
      return { ...place, content: members };
    }
    return { ...place, content: JSON.parse(scalar()) as string | number | boolean | null };
  };
  return value();
}
