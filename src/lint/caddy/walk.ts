/** Walks one caller through the routes of one of Caddy's servers (modules/caddyhttp). */
import type { Caller } from '../identity.js';
import type { Ask, Outcome, Result, Step } from '../outcome.js';
import { isOpen, mapValue, type Value } from '../value.js';
import { setMatches } from './conditions.js';
import { isTrue, type Json, listOf, member, membersOf, printed, textOf, textsOf } from './json.js';
import { type Policy, policyFor, type Server } from './model.js';
import { expanded, type Scene } from './placeholders.js';
import { regexOf } from '../regex.js';
import { handshake } from './tls.js';

export interface Request {
  /** Absent: any path. */
  path?: string;
  method: string;
  /** The Host field, without a port. */
  host: string;
  /** The name of the handshake; empty for none. */
  sni: string;
  address?: string;
}

/** An error that goes up to whoever handles errors. */
interface Failure {
  failed: { status?: Value };
}

type End = Outcome | Failure;

const isFailure = (end: End): end is Failure => 'failed' in end;

const short = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text);

/** Handlers that change nothing about who is admitted. */
const NEUTRAL =
  /^(?:neutral|encode|push|request_body|templates|tracing|log_append|copy_response\w*|intercept)$/;

export function walkCaddy(server: Server, now: Date, caller: Caller, request: Request, ask: Ask): Outcome {
  const steps: Step[] = [];
  const step = (at: Json, text = at.text ?? printed(at)): void =>
    void steps.push({ file: at.file, line: at.line, text: short(text) });
  const end = (result: Result, why?: string): Outcome => ({
    result,
    steps,
    ...(why === undefined ? {} : { why }),
  });
  const scene: Scene = {
    isTls: server.isTls,
    caller,
    presented: false,
    request,
    host: request.host,
    sni: request.sni,
    ...(request.path === undefined ? {} : { path: [request.path] }),
    method: [request.method],
    variables: new Map(),
    mapped: new Map(),
    groups: new Set(),
    headersChanged: false,
    failed: false,
  };
  let told: Json | undefined;

  const byStatus = (status: Value, at: Json): End => {
    if (isOpen(status)) return end('unknown', status.why);
    const [text = ''] = status;
    if (status.length !== 1 || !/^\d+$/.test(text)) return { failed: { status: ['500'] } };
    const code = Number(text);
    if (code < 200) return end('unknown', `the status ${text} (line ${at.line})`);
    return end(code < 300 ? 'admitted' : 'refused');
  };

  /** What is answered where no handler does. */
  const nothing = (): End => {
    const at = steps.at(-1) ?? server.at;
    if (scene.error) return byStatus(scene.error.status ?? ['500'], server.at);
    steps.push({ file: at.file, line: at.line, text: 'no handler answers: Caddy sends 200 without a body' });
    return end('admitted');
  };

  const rewrite = (at: Json): void => {
    const uri = textOf(member(at, 'uri'));
    const prefix = textOf(member(at, 'strip_path_prefix'));
    const suffix = textOf(member(at, 'strip_path_suffix'));
    const method = textOf(member(at, 'method'));
    if (method !== undefined && method !== '')
      scene.method = mapValue(expanded(method, scene), 'upper', (text) => text.toUpperCase());
    if (uri !== undefined && !uri.startsWith('?')) {
      const value = expanded(uri.replace(/[?#].*$/, ''), scene);
      scene.path = mapValue(value, 'path', (text) => text.replace(/\?.*$/, ''));
    }
    const path = scene.path;
    if (path && prefix !== undefined) {
      scene.path = mapValue(path, `without ${prefix}`, (text) => withoutPrefix(text, prefix));
    }
    if (scene.path && suffix !== undefined) {
      scene.path = mapValue(scene.path, `without ${suffix}`, (text) =>
        text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
      );
    }
    if (member(at, 'uri_substring') ?? member(at, 'path_regexp'))
      scene.path = {
        doubt: 'chosen',
        key: `rewrite ${at.file} ${at.line}`,
        why: 'it depends on a rewritten path',
      };
  };

  const handler = (at: Json, next: () => End): End => {
    const name = textOf(member(at, 'handler')) ?? '';
    switch (name) {
      case 'subroute': {
        const inner = (): End => routes(listOf(member(at, 'routes')), next);
        const errors = member(at, 'errors');
        const ended = inner();
        if (!isFailure(ended) || !errors) return ended;
        scene.error = ended.failed;
        return routes(listOf(member(errors, 'routes')), next);
      }
      case 'static_response': {
        step(at);
        if (isTrue(member(at, 'abort'))) return end('refused');
        const written = textOf(member(at, 'status_code'));
        if (written === '103') return next();
        return byStatus(
          // Where a condition has failed, there is no status to go on with, and this answers 200.
          written === undefined || written === ''
            ? (scene.error?.status ?? ['200'])
            : expanded(written, scene),
          at,
        );
      }
      case 'error': {
        step(at);
        const written = textOf(member(at, 'status_code'));
        return {
          failed: { status: written === undefined || written === '' ? ['500'] : expanded(written, scene) },
        };
      }
      case 'reverse_proxy': {
        step(at);
        const isOdd =
          scene.path !== undefined && !isOpen(scene.path) && scene.path.some((path) => /^[^/]/.test(path));
        if (isOdd) return end('unknown', `a path without a slash is forwarded (line ${at.line})`);
        const telling =
          told ??
          (isTrue(member(at, 'tells')) || printed(at).includes('http.request.tls.client.') ? at : undefined);
        if (telling && scene.isTls)
          return end(
            'unknown',
            `the application receives the result of the certificate check (line ${telling.line}) and must evaluate it`,
          );
        return end('admitted');
      }
      case 'file_server': {
        step(at, `${at.text ?? 'file_server'}: files are served`);
        if (!isTrue(member(at, 'pass_thru'))) return end('admitted');
        const isThere = ask({
          key: `file ${at.line}`,
          doubt: 'unknown',
          fallback: false,
          why: 'it depends on whether a file exists',
        });
        return isThere ? end('admitted') : next();
      }
      case 'metrics':
      case 'acme_server':
        step(at);
        return end('admitted');
      case 'authentication':
        step(at);
        return ask({
          key: `password ${at.line}`,
          doubt: 'given',
          fallback: false,
          why: `it depends on a password (line ${at.line})`,
        })
          ? next()
          : { failed: { status: ['401'] } };
      case 'headers':
        if (
          isTrue(member(at, 'tells')) ||
          (member(at, 'request') && printed(at).includes('http.request.tls.client.'))
        )
          told ??= at;
        if (isTrue(member(at, 'changes')) || member(at, 'request')) scene.headersChanged = true;
        return next();
      case 'rewrite':
        step(at);
        rewrite(at);
        return next();
      case 'vars':
        for (const [key, value] of membersOf(at)) {
          if (key !== 'handler') scene.variables.set(key, expanded(textOf(value) ?? printed(value), scene));
        }
        return next();
      case 'map':
        mapInto(at);
        return next();
      default:
        if (NEUTRAL.test(name)) return next();
        step(at);
        return end(
          'unknown',
          textOf(member(at, 'why')) ?? `the handler ${name} is not supported (line ${at.line})`,
        );
    }
  };

  /** Destinations are computed when they are asked for, from what the source is then. */
  const mapInto = (at: Json): void => {
    const source = textOf(member(at, 'source')) ?? '';
    const lines = listOf(member(at, 'mappings'));
    textsOf(member(at, 'destinations')).forEach((destination, column) => {
      const name = destination.replace(/^\{|\}$/g, '');
      scene.mapped.set(name, () => {
        const value = expanded(source, scene);
        const odd = (why: string): Value => ({ doubt: 'unknown', key: `map ${name} ${at.line}`, why });
        if (isOpen(value)) return odd(value.why);
        const [text = ''] = value;
        if (value.length !== 1) return odd('a map of an unknown value');
        for (const line of lines) {
          const regexp = textOf(member(line, 'input_regexp'));
          const pattern = regexp === undefined || regexp === '' ? undefined : regexOf(regexp);
          if (regexp !== undefined && regexp !== '' && !pattern) return odd('a regular expression of a map');
          const output = listOf(member(line, 'outputs'))[column];
          if (!(pattern ? pattern.test(text) : textOf(member(line, 'input')) === text)) continue;
          if (output === undefined || output.content === null || textOf(output) === '-') continue;
          const written = textOf(output) ?? printed(output);
          return /[{}$]/.test(written) ? odd('a map with placeholders') : [written];
        }
        const otherwise = textOf(listOf(member(at, 'defaults'))[column]);
        return otherwise === undefined ? undefined : expanded(otherwise, scene);
      });
    });
  };

  const routes = (all: readonly Json[], next: () => End): End => {
    const from = (index: number): End => {
      const route = all[index];
      if (!route) return next();
      const sets = listOf(member(route, 'match'));
      const isMatched = sets.length === 0 || sets.some((set) => setMatches(set, scene, ask));
      if (sets.length > 0) {
        const texts = sets.map((set) =>
          membersOf(set)
            .map(([name, value]) => value.text ?? `${name} ${printed(value)}`)
            .join(', '),
        );
        const [first = route] = sets.flatMap((set) => membersOf(set).map(([, value]) => value));
        step(first, `${texts.join(' or ')}${isMatched ? '' : ' (does not match)'}`);
      }
      if (!isMatched) {
        if (!scene.failed) return from(index + 1);
        scene.failed = false;
        return { failed: {} };
      }
      const group = textOf(member(route, 'group')) ?? '';
      if (group !== '') {
        if (scene.groups.has(group)) return from(index + 1);
        scene.groups.add(group);
      }
      const rest = isTrue(member(route, 'terminal')) ? nothing : (): End => from(index + 1);
      const handlers = listOf(member(route, 'handle'));
      const run = (at: number): End => {
        const each = handlers[at];
        return each ? handler(each, () => run(at + 1)) : rest();
      };
      return run(0);
    };
    return from(0);
  };

  if (server.isTls) {
    const policy: Policy | undefined = policyFor(server, request.sni);
    if (!policy) return end('refused');
    const { auth, doubt } = policy;
    if (auth) step(auth.at, `client_auth: ${auth.mode}`);
    else step(policy.at, 'no client_auth: no certificate is requested');
    if (doubt !== undefined) return end('unknown', doubt);
    const { end: ended, why, presented } = handshake(caller, auth, now);
    if (ended) return end(ended, why);
    scene.presented = presented;
  }
  if (server.doubt !== undefined) return end('unknown', server.doubt);
  let ended: End;
  if (server.isTls && server.isStrict && request.sni.toLowerCase() !== request.host.toLowerCase()) {
    step(server.at, 'strict_sni_host: the host is not the name of the handshake');
    ended = { failed: { status: ['421'] } };
  } else ended = routes(server.routes, nothing);
  if (!isFailure(ended)) return ended;
  const handled = listOf(member(server.errors, 'routes'));
  if (handled.length > 0) {
    scene.error = ended.failed;
    const again = routes(handled, nothing);
    if (!isFailure(again)) return again;
    ended = again;
  }
  const last = byStatus(ended.failed.status ?? ['500'], server.at);
  return isFailure(last) ? end('refused') : last;
}

/** An empty path is cleaned to a dot, which no prefix is taken from. */
function withoutPrefix(path: string, prefix: string): string {
  const cleaned = path === '' ? '.' : path;
  return cleaned.toLowerCase().startsWith(prefix.toLowerCase()) ? cleaned.slice(prefix.length) : cleaned;
}
