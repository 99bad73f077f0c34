/** Directives of a Caddyfile as routes, in the order in which Caddy runs them (caddyconfig/httpcaddyfile). */
import { type Json, jsonAt, listOf, member, type Plain, printed, textOf } from './json.js';
import { matcherToken, type Matchers, namedMatcher } from './adapt-matchers.js';
import type { Segment, Word } from './syntax.js';

/** Where a directive stands among the others. */
const ORDER: readonly string[] = [
  'tracing',
  'map',
  'vars',
  'fs',
  'root',
  'log_append',
  'skip_log',
  'log_skip',
  'log_name',
  'header',
  'copy_response_headers',
  'request_body',
  'timeouts',
  'redir',
  'method',
  'rewrite',
  'uri',
  'try_files',
  'basicauth',
  'basic_auth',
  'forward_auth',
  'request_header',
  'encode',
  'push',
  'intercept',
  'templates',
  'invoke',
  'handle',
  'handle_path',
  'route',
  'abort',
  'error',
  'copy_response',
  'respond',
  'metrics',
  'reverse_proxy',
  'php_fastcgi',
  'file_server',
  'acme_server',
];

/** What the whole of a Caddyfile decides for its routes. */
export interface Routing {
  order: readonly string[];
  named: ReadonlyMap<string, Segment>;
  /** Makes the name of a group that no other has. */
  group(): string;
}

export const routing = (named: ReadonlyMap<string, Segment>, order: readonly string[]): Routing => {
  let groups = 0;
  return { order, named, group: () => `group${groups++}` };
};

/** The order after the `order` lines of the global options. */
export function orderOf(lines: readonly Segment[]): string[] {
  let order = [...ORDER];
  for (const { words } of lines) {
    const [, name = '', position, other = ''] = words.map(({ text }) => text);
    order = order.filter((each) => each !== name);
    const at = order.indexOf(other);
    if (position === 'first') order.unshift(name);
    else if (position === 'before' && at !== -1) order.splice(at, 0, name);
    else if (position === 'after' && at !== -1) order.splice(at + 1, 0, name);
    else order.push(name);
  }
  return order;
}

interface Routed {
  directive: string;
  routes: readonly Json[];
}

export const lineText = ({ words, block }: Segment): string =>
  `${words.map(({ text, quote }) => `${quote}${text}${quote}`).join(' ')}${block ? ' {…}' : ''}`;

const SHORTHANDS: Readonly<Record<string, string>> = {
  dir: 'http.request.uri.path.dir',
  file: 'http.request.uri.path.file',
  host: 'http.request.host',
  hostport: 'http.request.hostport',
  port: 'http.request.port',
  method: 'http.request.method',
  path: 'http.request.uri.path',
  query: 'http.request.uri.query',
  remote: 'http.request.remote',
  remote_host: 'http.request.remote.host',
  remote_port: 'http.request.remote.port',
  scheme: 'http.request.scheme',
  uri: 'http.request.uri',
  tls_cipher: 'http.request.tls.cipher_suite',
  tls_version: 'http.request.tls.version',
  tls_client_fingerprint: 'http.request.tls.client.fingerprint',
  tls_client_issuer: 'http.request.tls.client.issuer',
  tls_client_serial: 'http.request.tls.client.serial',
  tls_client_subject: 'http.request.tls.client.subject',
  tls_client_certificate_pem: 'http.request.tls.client.certificate_pem',
  tls_client_certificate_der_base64: 'http.request.tls.client.certificate_der_base64',
  upstream_hostport: 'http.reverse_proxy.upstream.hostport',
  client_ip: 'http.vars.client_ip',
};

const PREFIXES: Readonly<Record<string, string>> = {
  header: 'http.request.header',
  cookie: 'http.request.cookie',
  labels: 'http.request.host.labels',
  path: 'http.request.uri.path',
  file: 'http.request.uri.path.file',
  query: 'http.request.uri.query',
  re: 'http.regexp',
  vars: 'http.vars',
  rp: 'http.reverse_proxy',
  err: 'http.error',
  file_match: 'http.matchers.file',
};

/** Short names of placeholders in full, as in JSON. */
const inFull = (text: string): string =>
  text.replace(/\{([a-z_]+)(?:\.([\w.-]+))?\}/g, (all, name: string, rest?: string) => {
    if (rest === undefined) return SHORTHANDS[name] === undefined ? all : `{${SHORTHANDS[name]}}`;
    return PREFIXES[name] === undefined ? all : `{${PREFIXES[name]}.${rest}}`;
  });

export const fullWords = (segment: Segment): Segment => ({
  ...segment,
  words: segment.words.map((word) => ({ ...word, text: inFull(word.text) })),
  ...(segment.block ? { block: segment.block.map(fullWords) } : {}),
});

/** Directives that neither answer nor change what later ones decide by. */
const NEUTRAL =
  /^(?:tracing|fs|root|log_append|skip_log|log_skip|log_name|copy_response_headers|request_body|timeouts|encode|push|intercept|templates|copy_response)$/;

/** Words anywhere in a segment. */
const allWords = ({ words, block }: Segment): Word[] => [...words, ...(block ?? []).flatMap(allWords)];

const handlerAt = (segment: Segment, handler: Plain): Json => jsonAt(segment, handler, lineText(segment));

function respond(words: readonly string[], segment: Segment): Plain {
  const [first, second] = words;
  const isStatus = words.length === 1 && /^\d{3}$/.test(first ?? '');
  const status = isStatus ? first : second;
  const body = segment.block?.find((line) => line.words[0]?.text === 'body');
  return {
    handler: 'static_response',
    ...(status === undefined ? {} : { status_code: status }),
    ...(isStatus && !body ? {} : { body: isStatus ? '(a text)' : (first ?? '(a text)') }),
  };
}

function redirect([, code = 'temporary']: readonly string[]): Plain {
  const status = { permanent: '301', temporary: '302', html: '200' }[code] ?? code;
  return { handler: 'static_response', status_code: status };
}

function errorHandler(words: readonly string[]): Plain {
  const status = words.length === 1 && !/^\d{3}$/.test(words[0] ?? '') ? undefined : words.at(-1);
  return { handler: 'error', ...(status === undefined ? {} : { status_code: status }) };
}

function uri([kind, target = '', ...rest]: readonly string[]): Plain {
  switch (kind) {
    case 'strip_prefix':
      return { handler: 'rewrite', strip_path_prefix: target.startsWith('/') ? target : `/${target}` };
    case 'strip_suffix':
      return { handler: 'rewrite', strip_path_suffix: target };
    case 'query':
      return { handler: 'rewrite', query: {} };
    default:
      return { handler: 'rewrite', uri_substring: [target, ...rest] };
  }
}

/** `name value`, on the line and in the block. */
function vars(words: readonly string[], segment: Segment): Plain {
  const pairs = [words, ...(segment.block ?? []).map((line) => line.words.map(({ text }) => text))];
  return {
    handler: 'vars',
    ...Object.fromEntries(
      pairs.flatMap(([name, value]) => (name === undefined ? [] : [[name, value ?? '']])),
    ),
  };
}

/** The destinations of `map`. */
function mapping(words: readonly string[], segment: Segment): Plain {
  const [source = '', ...destinations] = words;
  const lines = (segment.block ?? []).map((line) => line.words.map(({ text }) => text));
  const defaults = lines.find(([input]) => input === 'default')?.slice(1);
  return {
    handler: 'map',
    source,
    destinations: destinations.map((each) => each.replace(/^\{|\}$/g, '')),
    mappings: lines
      .filter(([input]) => input !== 'default')
      .map(([input = '', ...outputs]) =>
        input.startsWith('~') ? { input_regexp: input.slice(1), outputs } : { input, outputs },
      ),
    ...(defaults ? { defaults } : {}),
  };
}

/** Handlers that one directive stands for; `undefined` for one that is not known. */
function handlerOf(
  name: string,
  words: readonly string[],
  segment: Segment,
  known: Matchers,
  rules: Routing,
): Plain | undefined {
  const tells = allWords(segment).some(({ text }) => text.includes('{http.request.tls.client.'));
  switch (name) {
    case 'handle':
      return { handler: 'subroute', routes: subroutes(segment.block ?? [], known, rules, true) };
    case 'route':
      return { handler: 'subroute', routes: subroutes(segment.block ?? [], known, rules, false) };
    case 'invoke': {
      const target = rules.named.get(words[0] ?? '');
      if (!target) return { handler: 'invoke' };
      return { handler: 'subroute', routes: subroutes(target.block ?? [], new Map(), rules, true) };
    }
    case 'abort':
      return { handler: 'static_response', abort: true };
    case 'error':
      return errorHandler(words);
    case 'respond':
      return respond(words, segment);
    case 'redir':
      return redirect(words);
    case 'metrics':
      return { handler: 'metrics' };
    case 'acme_server':
      return { handler: 'acme_server' };
    case 'reverse_proxy':
    case 'php_fastcgi':
      return { handler: 'reverse_proxy', tells };
    case 'file_server':
      return {
        handler: 'file_server',
        ...(segment.block?.some((line) => line.words[0]?.text === 'pass_thru') ? { pass_thru: true } : {}),
      };
    case 'basicauth':
    case 'basic_auth':
      return { handler: 'authentication' };
    case 'forward_auth':
      return { handler: 'forward_auth' };
    case 'header':
    case 'request_header':
      return {
        handler: 'headers',
        tells: tells && name === 'request_header',
        changes: name === 'request_header',
      };
    case 'rewrite':
      return { handler: 'rewrite', uri: words[0] ?? '' };
    case 'method':
      return { handler: 'rewrite', method: words[0] ?? '' };
    case 'uri':
      return uri(words);
    case 'vars':
      return vars(words, segment);
    case 'map':
      return mapping(words, segment);
    default:
      return NEUTRAL.test(name) ? { handler: 'neutral' } : undefined;
  }
}

/** A path is asked for by whether a file is there. */
const tryFiles = (segment: Segment): Json =>
  jsonAt(segment, {
    match: [{ file: {} }],
    handle: [handlerAt(segment, { handler: 'rewrite', uri_substring: [] })],
  });

function handlePath(segment: Segment, known: Matchers, rules: Routing): Json {
  const path = segment.words[1]?.text ?? '/*';
  const prefix = path.endsWith('/*') ? path.slice(0, -2) : path.replace(/\*$/, '');
  const inner = subroutes(segment.block ?? [], known, rules, true);
  const strip = jsonAt(segment, { handle: [{ handler: 'rewrite', strip_path_prefix: prefix }] });
  return jsonAt(segment, {
    match: [{ path: jsonAt(segment, [path], `path ${path}`) }],
    handle: [handlerAt(segment, { handler: 'subroute', routes: [strip, ...inner] })],
  });
}

function routed(segment: Segment, known: Matchers, rules: Routing): Routed {
  const directive = segment.words[0]?.text ?? '';
  const strange = (why: string): Routed => ({
    directive: '',
    routes: [jsonAt(segment, { handle: [handlerAt(segment, { handler: '?', why })] })],
  });
  if (directive === 'handle_path')
    return { directive: 'handle', routes: [handlePath(segment, known, rules)] };
  if (directive === 'try_files') return { directive, routes: [tryFiles(segment)] };
  const { set, rest, missing } = matcherToken(segment.words.slice(1), known);
  if (missing !== undefined) return strange(`the matcher ${missing} is not defined`);
  const handler = handlerOf(
    directive,
    rest.map(({ text }) => text),
    segment,
    known,
    rules,
  );
  if (handler === undefined || !rules.order.includes(directive)) {
    return strange(`the directive ${directive} is not supported`);
  }
  return {
    directive,
    routes: [jsonAt(segment, { ...(set ? { match: [set] } : {}), handle: [handlerAt(segment, handler)] })],
  };
}

/** The only path of a route's only matcher set; `matches` whether it has one at all. */
function specificity(route: Json | undefined): { path: string; matches: boolean } {
  const sets = listOf(member(route, 'match'));
  const paths = sets.length === 1 ? listOf(member(sets[0], 'path')) : [];
  return { path: paths.length === 1 ? (textOf(paths[0]) ?? '') : '', matches: sets.length > 0 };
}

/** Longer paths first; whatever has a matcher before what has none. */
function byPath(a: Json | undefined, b: Json | undefined): number {
  const [one, other] = [specificity(a), specificity(b)];
  if (one.path !== '' && other.path !== '') return other.path.length - one.path.length;
  return Number(other.matches) - Number(one.matches);
}

function sorted(all: readonly Routed[], order: readonly string[]): Routed[] {
  const compare = (a: Routed, b: Routed): number => {
    const apart = order.indexOf(a.directive) - order.indexOf(b.directive);
    if (apart !== 0) return apart;
    const within = byPath(a.routes[0], b.routes[0]);
    return a.directive === 'vars' ? -within : within;
  };
  // The comparison is not transitive, so the way of sorting shows: Go inserts one after the other.
  const inOrder: Routed[] = [];
  for (const each of all) {
    let at = inOrder.length;
    for (; at > 0; at--) {
      const before = inOrder[at - 1];
      if (before === undefined || compare(each, before) >= 0) break;
    }
    inOrder.splice(at, 0, each);
  }
  return inOrder;
}

/** Neighbours under the same conditions become one route, so that all of their handlers run, blocks of `handle` too. */
export function consolidated(routes: readonly Json[]): Json[] {
  const apart = (route: Json): string =>
    ['match', 'group', 'terminal'].map((name) => printed(member(route, name) ?? jsonAt(route, null))).join();
  const all: Json[] = [];
  for (const route of routes) {
    const before = all.at(-1);
    if (!before || apart(before) !== apart(route)) {
      all.push(route);
      continue;
    }
    const handle = [...listOf(member(before, 'handle')), ...listOf(member(route, 'handle'))];
    all[all.length - 1] = {
      ...before,
      content: new Map([
        ...(before.content as ReadonlyMap<string, Json>),
        ['handle', jsonAt(before, handle)] as const,
      ]),
    };
  }
  return all;
}

/** Directives that are not routes. */
const APART = /^(?:bind|tls|log|handle_errors)$/;

/**
 * The routes of a block.
 * @param isSorted by the order of directives, as everywhere but in `route`
 */
export function subroutes(
  segments: readonly Segment[],
  outer: Matchers,
  rules: Routing,
  isSorted: boolean,
): Json[] {
  const known = new Map(outer);
  for (const segment of segments) {
    const name = segment.words[0]?.text ?? '';
    if (name.startsWith('@')) known.set(name, namedMatcher(segment));
  }
  const all = segments
    .filter(({ words: [first] }) => first && !first.text.startsWith('@') && !APART.test(first.text))
    .map((segment) => routed(segment, known, rules));
  const inOrder = isSorted ? sorted(all, rules.order) : all;
  if (!isSorted) return inOrder.flatMap(({ routes }) => routes);
  const groups = new Map<string, string>();
  const isGrouped = (directive: string): boolean =>
    directive === 'rewrite' ||
    (directive === 'handle' && inOrder.filter((each) => each.directive === directive).length > 1);
  return consolidated(
    inOrder.flatMap(({ directive, routes }) => {
      if (!isGrouped(directive)) return routes;
      const group = groups.get(directive) ?? rules.group();
      groups.set(directive, group);
      return routes.map((route) => ({
        ...route,
        content: new Map([
          ...(route.content as ReadonlyMap<string, Json>),
          ['group', jsonAt(route, group)] as const,
        ]),
      }));
    }),
  );
}
