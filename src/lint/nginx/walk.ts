/** Walks one caller with one request through nginx, phase by phase, as ngx_http_core_module does. */
import type { Caller } from '../identity.js';
import { isUnknownIssuer, verifyOpenssl } from '../openssl.js';
import type { Ask, Outcome, Result, Step } from '../outcome.js';
import { regexOf, sampleOf } from '../regex.js';
import { isOpen, test, type Value } from '../value.js';
import { isKnown } from './known.js';
import {
  inherited,
  type Location,
  type NginxModel,
  own,
  type Scope,
  type Server,
  type TlsSettings,
  unreadIn,
} from './model.js';
import type { Directive } from './syntax.js';
import {
  bitsOf,
  certificateVariables,
  hasOddEnd,
  type Request,
  type Tls,
  variablesFor,
} from './variables.js';

/** How the caller comes to the server: whose TLS settings hold, and whose locations. */
export interface Way {
  isTls: boolean;
  /** The server that the name in the handshake means. */
  handshake: Server;
  /** The server that the Host header means. */
  server: Server;
  now: Date;
}

const stepOf = (directive: Directive, text = ''): Step => ({
  file: directive.file,
  line: directive.line,
  text: `${written(directive)}${text}`,
});

function written({ name, args, block }: Directive): string {
  const words = [name, ...args.map((each) => (each === '' ? '""' : each))].join(' ').replace(/ \)$/, ')');
  return `${words.length > 100 ? `${words.slice(0, 100)}…` : words}${block ? ' {…}' : ''}`;
}

/** What TLS settings make of a caller. */
export function handshakeOf(caller: Caller, settings: TlsSettings, now: Date): Tls {
  if (settings.mode === 'off' || caller.identity === undefined) {
    const doubt = settings.mode === 'off' ? settings.doubt : undefined;
    return { caller, errors: [], ...(doubt === undefined ? {} : { doubt }) };
  }
  return {
    caller,
    identity: caller.identity,
    errors: verifyOpenssl(caller, { certificates: settings.trusted, now }),
    ...(settings.doubt === undefined ? {} : { doubt: settings.doubt }),
  };
}

const HANDLERS = ['proxy_pass', 'fastcgi_pass', 'uwsgi_pass', 'scgi_pass', 'grpc_pass', 'memcached_pass'];

/** Directives by which the application is told what nginx saw. */
const TELLING = ['proxy_set_header', 'fastcgi_param', 'uwsgi_param', 'scgi_param', 'grpc_set_header'];

/** How often nginx itself follows rewrites and internal redirects before it answers 500. */
const MOST_HOPS = 10;

/** What the rewrite directives of a level came to. */
type Rewritten = { kind: 'go' } | { kind: 'again' } | { kind: 'done'; outcome: Outcome };

/** Programs that run at requests. */
const HOOK = /(?:^|_)(?:access|rewrite|content|preaccess|precontent)_by_lua|^js_(?:access|content)|^perl$/;

/** Programs that run when the answer is there. */
const AFTERWARDS = /^(?:log|header_filter|body_filter|balancer)_by_lua/;

/** Directives of the access phase that leave the decision to something outside of the configuration. */
const OTHERS_DECIDE = [
  { name: 'auth_basic', key: 'password', doubt: 'given', who: 'a password', status: 401 },
  { name: 'auth_request', key: 'auth_request', doubt: 'unknown', who: 'another service', status: 403 },
] as const;

const ACME = '/.well-known/acme-challenge';

export function walkNginx(model: NginxModel, way: Way, caller: Caller, request: Request, ask: Ask): Outcome {
  const { server, handshake, isTls } = way;
  const settings = handshake.tls;
  const tls = isTls ? handshakeOf(caller, settings, way.now) : undefined;
  const current: Request = {
    ...(request.uri === undefined ? {} : { originalUri: request.uri }),
    ...request,
  };
  const variables = variablesFor(model.makers, tls, current, ask);
  const steps: Step[] = [];
  let errorStatus: number | undefined;
  let inErrorPage = false;
  let isInternal = false;
  let hops = 0;

  const end = (result: Result, why?: string): Outcome => ({
    result,
    steps,
    ...(why === undefined ? {} : { why }),
  });
  const note = (directive: Directive, text?: string): void => void steps.push(stepOf(directive, text));

  /** An answer of nginx's own: refused, unless an error page leads to something else. */
  const fail = (status: number, scope: Scope): Outcome => {
    const pages = inherited(scope, 'error_page');
    const recursive = inherited(scope, 'recursive_error_pages').at(-1)?.args[0] === 'on';
    const page = pages.find(({ args }) => args.slice(0, -1).includes(String(status)));
    if (!page || (inErrorPage && !recursive) || ++hops > MOST_HOPS) return end('refused');
    inErrorPage = true;
    note(page);
    const overwrite = page.args.find((each) => /^=\d*$/.test(each));
    errorStatus =
      overwrite === undefined ? status : overwrite === '=' ? undefined : Number(overwrite.slice(1));
    const target = variables.expand(page.args.at(-1) ?? '');
    if (isOpen(target) || target.length !== 1)
      return end('unknown', `error_page redirects to ${page.args.at(-1) ?? ''}`);
    const [path = ''] = target;
    if (path.startsWith('@')) return named(path);
    if (!path.startsWith('/')) return end('refused');
    current.uri = path.split('?')[0] ?? path;
    isInternal = true;
    current.method = 'GET';
    return serve();
  };

  const answered = (status: number, scope: Scope): Outcome => {
    if (status >= 400) return fail(status, scope);
    // A redirect keeps its status, whatever an error page has set.
    if (status >= 300) return end('refused');
    return end((errorStatus ?? status) < 300 ? 'admitted' : 'refused');
  };

  /** The conditions of `if`. */
  const holds = (directive: Directive): boolean => {
    const words = directive.args
      .join(' ')
      .replace(/^\(\s*/, '')
      .replace(/\s*\)$/, '');
    const [, subject = '', operator, operand = ''] =
      /^(!?-[fdex]|\S+?)(?:\s*(!?=|!?~\*?)\s*([^]*))?$/.exec(words) ?? [];
    const about = (value: Value): string => (isOpen(value) ? value.key : '');
    const decide = (): boolean => {
      if (/^!?-[fdex]/.test(words)) {
        return ask({
          key: words,
          doubt: 'given',
          fallback: words.startsWith('!'),
          why: `it depends on a file: ${words}`,
        });
      }
      if (!subject.startsWith('$'))
        return ask({ key: words, doubt: 'unknown', fallback: false, why: `if (${words}) is not understood` });
      const value = variables.expand(subject);
      if (operator === undefined) return test(value, 'is true', (it) => it !== '' && it !== '0', ask);
      const negated = operator.startsWith('!');
      if (operator.endsWith('=')) {
        const right = variables.expand(operand);
        if (isOpen(right) || right.length !== 1) {
          return ask({
            key: `${words} ${about(right)}`,
            doubt: 'unknown',
            fallback: false,
            why: `if (${words}) compares with an unknown value`,
          });
        }
        const equal = test(value, `is ${right[0] ?? ''}`, (it) => it === right[0], ask, { text: right[0] });
        return equal !== negated;
      }
      const pattern = regexOf(operand, operator.endsWith('*') ? 'i' : '');
      const matches = test(
        value,
        `fits ${operator.replace('!', '')} ${operand}`,
        (it) => {
          if (!pattern || hasOddEnd(pattern, it)) return undefined;
          return pattern.test(it);
        },
        ask,
        { text: sampleOf(operand.replace(/^\(\?i\)/, '')) },
      );
      if (matches && pattern && !isOpen(value) && value.length === 1) {
        const match = pattern.exec(value[0] ?? '');
        if (match)
          variables.capture(
            [...match].map((each) => [(each as string | undefined) ?? '']),
            match.groups ?? {},
          );
      }
      return matches !== negated;
    };
    const answer = decide();
    for (const place of variables.origin(subject)) note(place as Directive);
    note(directive, answer ? ' holds' : ' does not hold');
    return answer;
  };

  const rewrite = (directive: Directive, scope: Scope): 'no' | 'moved' | 'stop' | Outcome => {
    const [source = '', replacement = '', flag] = directive.args;
    const pattern = regexOf(source);
    const uri: Value =
      current.uri === undefined
        ? { doubt: 'chosen', key: 'path', why: 'it depends on the path' }
        : [current.uri];
    const matches = test(uri, `fits ~ ${source}`, (it) => pattern?.test(it), ask);
    if (!matches) return 'no';
    note(directive);
    const match = current.uri === undefined ? undefined : pattern?.exec(current.uri);
    if (match)
      variables.capture(
        [...match].map((each) => [(each as string | undefined) ?? '']),
        match.groups ?? {},
      );
    const result = variables.expand(replacement);
    const isAway =
      /^(?:https?:\/\/|\$scheme)/.test(replacement) || flag === 'redirect' || flag === 'permanent';
    if (isAway) return answered(302, scope);
    // ngx_http_script_regex_end_code: a rewritten request counts as an internal one.
    isInternal = true;
    const known =
      !isOpen(result) && result.length === 1 && (match !== undefined || !/\$\d/.test(replacement));
    if (known) current.uri = (result[0] ?? '').split('?')[0] ?? '';
    else delete current.uri;
    return flag === 'last' ? 'moved' : flag === 'break' ? 'stop' : 'moved';
  };

  /** `set`, `if`, `rewrite`, `return` and `break` of one level, in their order. */
  const rewriting: { inside?: Scope | undefined; moved: boolean } = { moved: false };
  const leave = (): void => {
    rewriting.inside = undefined;
    rewriting.moved = false;
  };
  const rewrites = (scope: Scope): Rewritten => {
    leave();
    const run = (level: Scope): 'through' | 'break' | Outcome => {
      for (const directive of level.directive.block ?? []) {
        const { name, args } = directive;
        if (name === 'set') variables.set((args[0] ?? '').slice(1), variables.expand(args[1] ?? ''));
        else if (name === 'break') {
          rewriting.moved = false;
          return 'break';
        } else if (name === 'return') {
          note(directive);
          const [first = '', text] = args;
          if (!/^\d+$/.test(first)) return answered(302, rewriting.inside ?? scope);
          const status = Number(first);
          if (status === 444) return end('refused');
          if (status >= 400 && text !== undefined)
            return end((errorStatus ?? status) < 300 ? 'admitted' : 'refused');
          return answered(status, rewriting.inside ?? scope);
        } else if (name === 'rewrite') {
          const result = rewrite(directive, rewriting.inside ?? scope);
          if (typeof result === 'object') return result;
          if (result === 'moved') rewriting.moved = true;
          if (result === 'moved' && args[2] === 'last') return 'break';
          if (result === 'stop') {
            rewriting.moved = false;
            return 'break';
          }
        } else if (name === 'if' && directive.block) {
          if (!holds(directive)) continue;
          const branch: Scope = { directive, parent: level };
          rewriting.inside = branch;
          const result = run(branch);
          if (result !== 'through') return result;
        }
      }
      return 'through';
    };
    const result = run(scope);
    if (typeof result === 'object') return { kind: 'done', outcome: result };
    return { kind: rewriting.moved ? 'again' : 'go' };
  };

  const matching = (
    locations: readonly Location[],
    matches: (location: Location) => boolean,
  ): Location | undefined => locations.find(matches);

  /** ngx_http_core_find_location: exact, longest prefix (and what is nested in it), then expressions in their order. */
  const find = (locations: readonly Location[], uri: string): { location?: Location; isFinal: boolean } => {
    const exact = matching(locations, ({ kind, pattern }) => kind === 'exact' && pattern === uri);
    if (exact) return { location: exact, isFinal: true };
    const prefixes = locations.filter(
      ({ kind, pattern }) => (kind === 'prefix' || kind === 'prefixFirst') && uri.startsWith(pattern),
    );
    let best = prefixes.reduce<Location | undefined>(
      (longest, each) => (longest && longest.pattern.length >= each.pattern.length ? longest : each),
      undefined,
    );
    const isFirst = best?.kind === 'prefixFirst';
    if (best) {
      const deeper = find(best.nested, uri);
      if (deeper.location && deeper.isFinal) return deeper;
      best = deeper.location ?? best;
    }
    if (!isFirst) {
      for (const location of locations) {
        if (!location.kind.startsWith('regex')) continue;
        const pattern = regexOf(location.pattern, location.kind === 'regexIgnoringCase' ? 'i' : '');
        if (!test([uri], `is in location ${location.pattern}`, (it) => pattern?.test(it), ask)) continue;
        const match = pattern?.exec(uri);
        if (match)
          variables.capture(
            [...match].map((each) => [(each as string | undefined) ?? '']),
            match.groups ?? {},
          );
        return { location: find(location.nested, uri).location ?? location, isFinal: true };
      }
    }
    return best ? { location: best, isFinal: false } : { isFinal: false };
  };

  /** Any location that a path may lead to, where the path is not known. */
  const choose = (locations: readonly Location[]): Location | undefined => {
    for (const location of locations) {
      if (location.kind === 'named') continue;
      const key = `path in location ${location.pattern} (${location.directive.file}:${location.directive.line}, ${hops})`;
      if (!ask({ key, doubt: 'chosen', fallback: false, why: 'it depends on the path' })) continue;
      return choose(location.nested) ?? location;
    }
    return undefined;
  };

  /** A directive along the scopes that may decide, and that nothing here interprets. */
  const notUnderstood = (scope: Scope): Directive | undefined => {
    for (let at: Scope | undefined = scope; at; at = at.parent) {
      // Above http stand settings of the process; in a part of a configuration only programs count there.
      const isTop = at.directive.name === '';
      const odd = at.directive.block?.find(({ name }) =>
        isTop ? HOOK.test(name) : !isKnown(name) && !AFTERWARDS.test(name),
      );
      if (odd) return odd;
    }
    return undefined;
  };

  /** The access phase: `undefined` lets the request pass. */
  const access = (scope: Scope): Outcome | undefined => {
    const isAny = inherited(scope, 'satisfy').at(-1)?.args[0] === 'any';
    const verdicts: ('ok' | 401 | 403)[] = [];
    const rules = [...levelOf(scope, ['allow', 'deny'])];
    const rule = rules.find(({ args }) => isAddressIn(args[0] ?? '', current.address, ask));
    if (rule) {
      note(rule);
      verdicts.push(rule.name === 'allow' ? 'ok' : 403);
    }
    for (const { name, key, doubt, who, status } of OTHERS_DECIDE) {
      const directive = inherited(scope, name).at(-1);
      if (!directive || directive.args[0] === 'off') continue;
      note(directive);
      const why = `it depends on ${who} (${name}, line ${directive.line})`;
      verdicts.push(ask({ key, doubt, fallback: false, why }) ? 'ok' : status);
    }
    const refusals = verdicts.filter((each) => each !== 'ok');
    if (refusals.length === 0 || (isAny && verdicts.includes('ok'))) return undefined;
    // With `satisfy any` the answer asks for the password, if there is one to ask for.
    return fail((isAny ? refusals.find((each) => each === 401) : refusals[0]) ?? 403, scope);
  };

  const content = (scope: Scope, location: Scope): Outcome => {
    const handler =
      own(scope, ...HANDLERS, 'stub_status', 'echo', 'empty_gif').at(-1) ??
      own(location, ...HANDLERS, 'stub_status', 'echo', 'empty_gif').at(-1);
    if (
      !handler ||
      handler.name === 'echo' ||
      handler.name === 'empty_gif' ||
      handler.name === 'stub_status'
    ) {
      const tries = own(scope, 'try_files').at(-1);
      if (tries && !handler) return triedFiles(tries, location);
      if (handler) note(handler);
      else note(location.directive, ': files are served');
      return end((errorStatus ?? 200) < 300 ? 'admitted' : 'refused');
    }
    // It is not inherited: an `if` that holds, and limit_except, do without.
    const tries = own(scope, 'try_files').at(-1);
    if (tries) {
      const isFile = ask({
        key: `file of ${tries.file}:${tries.line} ${hops}`,
        doubt: 'given',
        fallback: true,
        why: 'it depends on which files exist',
      });
      if (!isFile) return triedFiles(tries, location);
    }
    note(handler);
    const target = variables.expand(handler.args[0] ?? '');
    if (isOpen(target)) {
      if (/^\w+:\/\/(?:\$|$)|^\$/.test(handler.args[0] ?? ''))
        return end('unknown', `the destination depends on ${handler.args[0] ?? ''}`);
    } else if (target.some((each) => each === '' || /^\w+:\/\/(?:$|\/)/.test(each))) return end('refused');
    const told = TELLING.flatMap((name) => [...inherited(scope, name)]).find(
      ({ args }) => certificateVariables(args.slice(1).join(' '), model.all).size > 0,
    );
    if (told && isTls) {
      note(told);
      return end(
        'unknown',
        `the application receives the result of the certificate check (line ${told.line}) and must evaluate it`,
      );
    }
    return end('admitted');
  };

  let triesLeft = MOST_HOPS;
  const triedFiles = (tries: Directive, location: Scope): Outcome => {
    // nginx answers 500 to a cycle.
    if (triesLeft-- <= 0) return end('refused');
    note(tries);
    const last = tries.args.at(-1) ?? '';
    const isFile = ask({
      key: `file of ${tries.file}:${tries.line} ${hops}`,
      doubt: 'given',
      fallback: false,
      why: 'it depends on which files exist',
    });
    if (isFile) return end((errorStatus ?? 200) < 300 ? 'admitted' : 'refused');
    if (last.startsWith('=')) return answered(Number(last.slice(1)), location);
    if (last.startsWith('@')) return named(last);
    const target = variables.expand(last);
    if (isOpen(target) || target.length !== 1) delete current.uri;
    else current.uri = (target[0] ?? '').split('?')[0] ?? '';
    if (++hops > MOST_HOPS) return end('refused');
    isInternal = true;
    return serve();
  };

  /** The phases of a location, once it is found. */
  const through = (location: Location | undefined): Outcome => {
    const scope: Scope = location ?? server;
    if (location) note(location.directive);
    if (location && !isInternal && inherited(location, 'internal').length > 0) return fail(404, scope);
    const odd = notUnderstood(scope);
    if (odd) {
      note(odd);
      return end('unknown', `${odd.name} is not supported (line ${odd.line})`);
    }
    leave();
    const except = location && own(location, 'limit_except')[0];
    const isExcepted =
      except !== undefined &&
      !except.args.includes(current.method) &&
      !(current.method === 'HEAD' && except.args.includes('GET'));
    // ngx_http_update_location_config: for these methods the block is the location, and what rewrites in it is passed by.
    if (location && !isExcepted) {
      const result = rewrites(location);
      if (result.kind === 'done') return result.outcome;
      if (result.kind === 'again') {
        if (++hops > MOST_HOPS) return end('refused');
        return through(locate());
      }
    }
    const level: Scope = rewriting.inside ?? scope;
    const accessed: Scope = isExcepted ? { directive: except, parent: scope } : level;
    if (isExcepted) note(except);
    const refused = access(accessed);
    if (refused) return refused;
    if (isPublicChallenge(scope, current.uri)) note(scope.directive, ': public by design (ACME)');
    return content(accessed, scope);
  };

  const locate = (): Location | undefined =>
    current.uri === undefined ? choose(server.locations) : find(server.locations, current.uri).location;

  const named = (name: string): Outcome => {
    const location = server.locations.find((each) => each.kind === 'named' && each.pattern === name);
    if (!location || ++hops > MOST_HOPS) return end('refused');
    isInternal = true;
    return through(location);
  };

  const serve = (): Outcome => {
    leave();
    const result = rewrites(server);
    if (result.kind === 'done') return result.outcome;
    leave();
    return through(locate());
  };

  const early = earlyHook(server) ?? earlyHook(handshake);
  if (early) {
    note(early);
    return end('unknown', `${early.name} is not supported (line ${early.line})`);
  }
  const unread = unreadIn(server) ?? unreadIn(handshake);
  if (unread) {
    note(unread);
    return end('unknown', `${unread.args[0] ?? 'a file'} could not be read`);
  }
  if (tls) {
    const certified = certificateStatus(tls, settings, server.tls);
    if (settings.rejectsHandshake) {
      note(settings.at as Directive);
      return end('refused');
    }
    if (handshake.tls.at !== handshake.directive) note(handshake.tls.at as Directive);
    if (certified.doubt !== undefined) return end('unknown', certified.doubt);
    if (certified.status !== undefined) return fail(certified.status, server);
  }
  return serve();
}

/** A program that takes part in the handshake, or that runs before everything else. */
function earlyHook(server: Server): Directive | undefined {
  for (let at: Scope | undefined = server; at; at = at.parent) {
    const found = at.directive.block?.find(({ name }) => /^(?:ssl_\w+|server_rewrite)_by_lua/.test(name));
    if (found) return found;
  }
  return undefined;
}

/** What nginx answers before anything else: 495 for a certificate that is not good enough, 496 for none. */
function certificateStatus(
  tls: Tls,
  asked: TlsSettings,
  checks: TlsSettings,
): { status?: number; doubt?: string } {
  if (checks.mode === 'off') return checks.doubt === undefined ? {} : { doubt: checks.doubt };
  const last = tls.errors.at(-1);
  if (tls.identity !== undefined && last !== undefined) {
    const isSure = checks.mode === 'optional_no_ca' && isUnknownIssuer(last.code);
    if (asked.doubt !== undefined) {
      // Even what is in doubt does not let an expired certificate, or one of nobody, pass by the issuer alone.
      return tls.errors.some(({ code }) => code === 10) ? { status: 495 } : { doubt: asked.doubt };
    }
    if (!isSure) return { status: 495 };
  } else if (tls.identity !== undefined && asked.doubt !== undefined && checks.mode !== 'optional_no_ca') {
    return { doubt: asked.doubt };
  }
  return checks.mode === 'on' && tls.identity === undefined ? { status: 496 } : {};
}

/** `allow` and `deny` are one list of the innermost level that has either. */
export function levelOf(scope: Scope, names: readonly string[]): Directive[] {
  for (let at: Scope | undefined = scope; at; at = at.parent) {
    const here = own(at, ...names);
    if (here.length > 0) return here;
  }
  return [];
}

export function isAddressIn(network: string, address: string | undefined, ask: Ask): boolean {
  if (network === 'all') return true;
  if (address !== undefined) {
    const bits = network === 'unix:' ? -1 : bitsOf(network, address);
    if (bits !== undefined) return bits >= 0;
  }
  // Who calls from elsewhere does not call from this machine.
  if (address === undefined && /^(?:127\.|::1|unix:)/.test(network)) return false;
  return ask({
    key: `address in ${network}`,
    doubt: 'given',
    fallback: false,
    why: `it depends on the address of the caller (${network})`,
  });
}

/** A path below which an ACME client puts its proofs, which anybody may read: RFC 8555 section 8.3. */
export function isPublicChallenge(scope: Scope, uri: string | undefined): boolean {
  const { directive } = scope;
  const pattern = directive.args.at(-1) ?? '';
  return (
    directive.name === 'location' &&
    pattern.replace(/^\^/, '').startsWith(ACME) &&
    uri?.startsWith(ACME) === true &&
    own(scope, ...HANDLERS).length === 0
  );
}
