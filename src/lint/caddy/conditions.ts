/** Request matchers (modules/caddyhttp/matchers.go, vars.go). */
import { bitsOf } from '../nginx/variables.js';
import type { Ask } from '../outcome.js';
import { regexOf } from '../regex.js';
import { isOpen, test, type Value } from '../value.js';
import { matchesHost } from './adapt.js';
import { expressionHolds } from './expression.js';
import {
  isList,
  type Json,
  jsonAt,
  listOf,
  member,
  membersOf,
  type Plain,
  printed,
  textOf,
  textsOf,
} from './json.js';
import { expanded, placeholder, type Scene } from './placeholders.js';

/** How Caddy 2.6 prints a value that is not there; later versions take an empty text. */
const ABSENT = '<nil>';

/** A path without doubled slashes and dots, as patterns see it. */
function cleaned(path: string): string {
  if (path === '') return '.';
  if (!path.startsWith('/')) return path;
  const parts: string[] = [];
  for (const part of path.split('/').slice(1)) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const whole = `/${parts.join('/')}`;
  return path.endsWith('/') && whole !== '/' ? `${whole}/` : whole;
}

/** A pattern of path.Match of Go: `*` and `?` stop at slashes. */
function globMatches(pattern: string, text: string): boolean | undefined {
  if (/[[\]\\]/.test(pattern)) return undefined;
  const source = pattern
    .replace(/[.+^${}()|]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return new RegExp(`^${source}$`).test(text);
}

/** Whether a path matches one pattern; `undefined` where the pattern is not understood. */
export function pathMatches(pattern: string, path: string): boolean | undefined {
  if (pattern === '*') return true;
  if (pattern.includes('%') || pattern.includes('//') || path.includes('%')) return undefined;
  const wanted = pattern.toLowerCase();
  const text = cleaned(path.toLowerCase().replace(/[. ]+$/, ''));
  const stars = wanted.split('*').length - 1;
  if (stars === 2 && wanted.startsWith('*') && wanted.endsWith('*'))
    return text.includes(wanted.slice(1, -1));
  if (stars === 1 && wanted.startsWith('*')) return text.endsWith(wanted.slice(1));
  if (stars === 1 && wanted.endsWith('*')) return text.startsWith(wanted.slice(0, -1));
  return globMatches(wanted, text);
}

const anyPath: Value = { doubt: 'chosen', key: 'path', why: 'it depends on the path' };

/** Patterns in their order; the first that matches is enough. */
function some<T>(all: readonly T[], holds: (each: T) => boolean): boolean {
  return all.some(holds);
}

function ofAddress(json: Json, scene: Scene, ask: Ask): boolean {
  const ranges = textsOf(member(json, 'ranges'));
  const { address } = scene.request;
  const key = `address ${ranges.join(' ')}`;
  if (member(json, 'forwarded')?.content === true)
    return ask({ key, doubt: 'given', fallback: false, why: 'it depends on a header field with an address' });
  if (address === undefined) {
    if (ranges.every((range) => /^(?:127\.|::1)/.test(range))) return false;
    return ask({ key, doubt: 'given', fallback: false, why: 'it depends on the address of the caller' });
  }
  const answers = ranges.map((range) => bitsOf(range, address));
  if (answers.some((bits) => bits !== undefined && bits >= 0)) return true;
  if (!answers.includes(undefined)) return false;
  return ask({
    key,
    doubt: 'unknown',
    fallback: false,
    why: 'it depends on an address that is not understood',
  });
}

function ofHeaders(json: Json, scene: Scene, ask: Ask): boolean {
  return membersOf(json).every(([name, wanted]) => {
    const values = isList(wanted.content) ? textsOf(wanted) : undefined;
    if (name.toLowerCase() === 'host') {
      return values?.some((value) => value.toLowerCase() === scene.host.toLowerCase()) ?? false;
    }
    const isAbsent = wanted.content === null || values?.length === 0;
    return ask({
      key: `header ${name} ${printed(wanted)}`,
      doubt: scene.headersChanged ? 'unknown' : 'given',
      fallback: isAbsent,
      why: `it depends on the header field ${name}`,
    });
  });
}

/** The value that a variable, or a placeholder in braces, is compared by. */
function variableOf(key: string, scene: Scene): Value {
  const braced = /^\{([^{}]+)\}$/.exec(key)?.[1];
  const value = braced === undefined ? scene.variables.get(key) : placeholder(braced, scene);
  return value ?? [ABSENT];
}

function compares(value: Value, wanted: Value, ask: Ask): boolean {
  if (isOpen(wanted) || wanted.length !== 1) {
    return ask({
      key: `${JSON.stringify(value)} = ${JSON.stringify(wanted)}`,
      doubt: 'unknown',
      fallback: false,
      why: isOpen(wanted) ? wanted.why : 'it compares an unknown value',
    });
  }
  const [text = ''] = wanted;
  // Versions differ in what nothing is as a text.
  const holds = (each: string): boolean | undefined =>
    each === ABSENT && (text === '' || text === ABSENT) ? undefined : each === text;
  return test(value, `= ${text}`, holds, ask);
}

function matchesRegexp(value: Value, source: string, ask: Ask): boolean {
  const pattern = regexOf(source);
  return test(value, `~ ${source}`, (text) => pattern?.test(text), ask);
}

/** Matchers as functions of expressions. */
function asFunction(
  name: string,
  words: readonly (string | readonly string[])[],
  at: Json,
  scene: Scene,
  ask: Ask,
): boolean | undefined {
  const flat = words.flat();
  const json = (value: Plain): Json => jsonAt(at, value);
  switch (name) {
    case 'host':
    case 'path':
    case 'method':
      return matches(name, json(flat), scene, ask);
    case 'protocol':
      return matches(name, json(flat[0] ?? ''), scene, ask);
    case 'path_regexp':
      return matches(name, json({ pattern: flat.at(-1) ?? '' }), scene, ask);
    case 'remote_ip':
    case 'client_ip':
      return matches(name, json({ ranges: flat }), scene, ask);
    default:
      return undefined;
  }
}

/** One matcher of a set. */
function matches(name: string, json: Json, scene: Scene, ask: Ask): boolean {
  const path = scene.path ?? anyPath;
  const unclear = (why: string): boolean =>
    ask({ key: `${name} ${printed(json)}`, doubt: 'unknown', fallback: false, why });
  switch (name) {
    case 'host':
      return some(textsOf(json), (pattern) => matchesHost(scene.host, pattern));
    case 'path':
      return some(textsOf(json), (pattern) => {
        if (/\{[^{}]+\}/.test(pattern)) return unclear('it depends on a path with a placeholder');
        return test(path, `path ${pattern}`, (text) => pathMatches(pattern, text), ask);
      });
    case 'path_regexp':
      return matchesRegexp(path, textOf(member(json, 'pattern')) ?? '', ask);
    case 'method': {
      const wanted = textsOf(json);
      return test(scene.method, `method ${wanted.join(' ')}`, (text) => wanted.includes(text), ask);
    }
    case 'protocol': {
      const wanted = textOf(json) ?? '';
      if (wanted === 'https' || wanted === 'http') return scene.isTls === (wanted === 'https');
      return ask({
        key: `protocol ${wanted}`,
        doubt: wanted === 'grpc' ? 'given' : 'chosen',
        fallback: /^http\/1\.[01]\+$|^http\/1\.1$/.test(wanted),
        why: 'it depends on the version of HTTP',
      });
    }
    case 'query':
      return ask({
        key: `query ${printed(json)}`,
        doubt: 'chosen',
        fallback: membersOf(json).length === 0,
        why: 'it depends on the query',
      });
    case 'header':
      return ofHeaders(json, scene, ask);
    case 'header_regexp':
      return ask({
        key: `header_regexp ${printed(json)}`,
        doubt: scene.headersChanged ? 'unknown' : 'given',
        fallback: false,
        why: 'it depends on a header field',
      });
    case 'remote_ip':
    case 'client_ip':
      return ofAddress(json, scene, ask);
    case 'not':
      return !listOf(json).some((set) => setMatches(set, scene, ask));
    case 'vars':
      return some(membersOf(json), ([key, wanted]) =>
        some(textsOf(wanted), (each) => compares(variableOf(key, scene), expanded(each, scene), ask)),
      );
    case 'vars_regexp':
      return some(membersOf(json), ([key, wanted]) => {
        const source = textOf(member(wanted, 'pattern')) ?? '';
        const isBraced = key.startsWith('{');
        const value = isBraced ? expanded(key, scene) : (scene.variables.get(key) ?? ['']);
        if (matchesRegexp(value, source, ask)) return true;
        // Caddy 2.6 also takes the text for nothing, and the name itself; later versions do not.
        const pattern = regexOf(source);
        const others = [ABSENT, ...(isBraced ? [] : [key])];
        return (
          others.some((text) => pattern?.test(text)) && unclear('versions of Caddy differ in vars_regexp')
        );
      });
    case 'expression': {
      const source = textOf(json) ?? textOf(member(json, 'expr')) ?? '';
      return expressionHolds(source, {
        scene,
        ask,
        matcher: (called, words) => asFunction(called, words, json, scene, ask),
      });
    }
    case 'tls':
      return membersOf(json).length === 0
        ? scene.isTls
        : ask({
            key: `tls ${printed(json)}`,
            doubt: 'chosen',
            fallback: false,
            why: 'it depends on early data',
          });
    case 'file':
      return unclear('it depends on whether a file exists');
    default:
      return unclear(`the matcher ${name} is not supported`);
  }
}

/** Whether all matchers of a set match. Caddy takes them in no certain order, which shows only where one fails. */
export function setMatches(set: Json, scene: Scene, ask: Ask): boolean {
  const before = scene.failed;
  let isSure = false;
  let all = true;
  let fails = false;
  for (const [name, json] of membersOf(set)) {
    const alone: Scene = Object.assign(Object.create(scene) as Scene, { failed: false });
    const answer = matches(name, json, alone, ask);
    all &&= answer;
    if (alone.failed) fails = true;
    else if (!answer) isSure = true;
  }
  scene.failed =
    before ||
    (fails &&
      (!isSure ||
        ask({
          key: `order of ${printed(set)}`,
          doubt: 'unknown',
          fallback: true,
          why: 'an expression that fails is combined with another condition',
        })));
  return all;
}
