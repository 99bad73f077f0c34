/** Walks one caller through a frontend of HAProxy and the backend that it ends in (configuration manual, section 4). */
import type { Caller } from '../identity.js';
import { verifyOpenssl, type VerifyError } from '../openssl.js';
import type { Ask, Outcome, Result, Step } from '../outcome.js';
import { conditionHolds } from './conditions.js';
import type { Bind, BindTls, HaproxyModel, Proxy } from './model.js';
import { sampleOf, type Scene } from './samples.js';
import type { Line } from './syntax.js';

export interface Request {
  /** Absent: any path. */
  path?: string;
  method: string;
  address?: string;
}

/** Keywords of proxies that are interpreted here, or that do not take part in the decision. */
const KNOWN =
  /^(?:acl|balance|bind|capture|cookie|compression|declare|default_backend|default-server|description|disabled|enabled|dispatch|email-alert|errorfiles?|errorloc\w*|error-log-format|external-check|force-persist|filter|fullconn|grace|guid|hash-\S+|http-(?:after-response|check|error|request|response|reuse|send-name-header)|id|ignore-persist|load-server-state-from-file|log\S*|max-\S+|maxconn|mode|monitor-uri|monitor-net|monitor|no|option|persist|rate-limit|redirect|retries|retry-on|server|server-template|server-state-file-name|source|srvtcpka\S*|clitcpka\S*|stats|stick|stick-table|tcp-check|tcp-request|tcp-response|timeout|transparent|unique-id-\S+|use_backend|use-fcgi-app|use-server|bind-process)$/;

/** Actions that change nothing about who is admitted. */
const NEUTRAL =
  /^(?:add-header|cache-use|capture|del-header|del-headers-bin|disable-l7-retry|do-log|do-resolve|early-hint|pause|replace-header|replace-value|sc-\S+|set-bandwidth-limit|set-bc-\S+|set-dst\S*|set-fc-\S+|set-header|set-log-level|set-mark|set-nice|set-priority-\S+|set-retries|set-timeout|set-tos|strict-mode|track-sc\d|unset-var\(.*|wait-for-\S+|expect-proxy|expect-netscaler-cip)$/;

const REWRITES =
  /^(?:normalize-uri|replace-path|replace-pathq|replace-uri|set-method|set-path|set-pathq|set-query|set-uri)$/;

const TELLS = /%\[(?:ssl_c_|ssl_fc_has_crt)|%\{\+Q\}\[ssl_c_|%\[ssl_c/;

const stepOf = ({ words, file, line }: Line): Step => {
  const all = words.join(' ');
  return { file, line, text: all.length > 120 ? `${all.slice(0, 120)}…` : all };
};

/** What TLS makes of a caller: whether it comes through, and what rules see of it. */
function handshake(
  caller: Caller,
  way: BindTls,
  now: Date,
): { end?: Result; why?: string; presented: boolean; errors: readonly VerifyError[] } {
  if (way.verify === 'none')
    return {
      presented: false,
      errors: [],
      ...(way.doubt === undefined ? {} : { end: 'unknown', why: way.doubt }),
    };
  if (caller.identity === undefined) {
    return { presented: false, errors: [], ...(way.verify === 'required' ? { end: 'refused' } : {}) };
  }
  const errors = verifyOpenssl(caller, { certificates: way.trusted, now });
  const isIgnored = ({ code, depth }: VerifyError): boolean => {
    const ignored = depth === 0 ? way.ignoresOwn : way.ignoresAuthority;
    return ignored === 'all' || ignored.has(code);
  };
  const fatal = errors.some((each) => !isIgnored(each));
  if (way.doubt !== undefined) {
    const isExpired = errors.some((each) => each.code === 10 && !isIgnored(each));
    return isExpired
      ? { end: 'refused', presented: true, errors }
      : { end: 'unknown', why: way.doubt, presented: true, errors };
  }
  return { presented: true, errors, ...(fatal ? { end: 'refused' } : {}) };
}

/** The port that a caller came to, where a bind has one alone. */
function portOf({ addresses }: Bind): { port?: number } {
  const port = addresses.length === 1 ? /:(\d+)$/.exec(addresses[0] ?? '')?.[1] : undefined;
  return port === undefined ? {} : { port: Number(port) };
}

/** What rules of one kind came to: on to the next kind, or an end. */
type Ruled = Outcome | undefined;

export function walkHaproxy(
  model: HaproxyModel,
  { frontend, bind, way, now }: { frontend: Proxy; bind: Bind; way?: BindTls; now: Date },
  caller: Caller,
  request: Request,
  ask: Ask,
): Outcome {
  const steps: Step[] = [stepOf({ words: bind.text.split(' '), file: bind.file, line: bind.line })];
  if (way && way.line !== bind.line)
    steps.push({ file: way.file, line: way.line, text: `verify ${way.verify}` });
  let told: Line | undefined;
  const end = (result: Result, why?: string): Outcome => ({
    result,
    steps,
    ...(why === undefined ? {} : { why }),
  });
  const odd = (line: Line, what = line.words[0] ?? ''): Outcome => {
    steps.push(stepOf(line));
    return end('unknown', `${what} is not supported (line ${line.line})`);
  };
  const scene: Scene = {
    isTls: false,
    caller,
    presented: false,
    errors: [],
    request,
    rewritten: false,
    variables: new Map(),
    programs: [...frontend.rules].some(
      ({ words }) => words[0] === 'filter' && /^(?:spoe|lua|opentracing)/.test(words[1] ?? ''),
    ),
    mode: frontend.mode,
    ...portOf(bind),
  };
  const holds = (line: Line, proxy: Proxy): boolean => {
    const answer = conditionHolds(line.words, proxy.rules, scene, model, line, ask);
    const text = answer ? '' : ' (does not apply)';
    steps.push({ ...stepOf(line), text: `${stepOf(line).text}${text}` });
    return answer;
  };

  const setVariable = (line: Line, action: string): void => {
    const [, name = ''] = /^set-var(?:-fmt)?\(([^,)]+)/.exec(action) ?? [];
    const written = line.words[line.words.indexOf(action) + 1] ?? '';
    scene.variables.set(
      name,
      action.startsWith('set-var-fmt')
        ? { kind: 'open', doubt: 'unknown', key: `var ${name}`, why: `${name} is built from a format` }
        : sampleOf(written, scene, model, line),
    );
  };

  /** Rules of `tcp-request LEVEL`, or `http-request` where no level is given. */
  const rules = (proxy: Proxy, kind: 'tcp-request' | 'http-request', level?: string): Ruled => {
    for (const line of proxy.rules) {
      const { words } = line;
      if (words[0] !== kind || (level !== undefined && words[1] !== level)) continue;
      const action = words[level === undefined ? 1 : 2] ?? '';
      if (NEUTRAL.test(action)) {
        if (/^(?:set|add|replace)-header$|^replace-value$/.test(action)) {
          if (TELLS.test(words.join(' ')) && holds(line, proxy)) told ??= line;
          scene.headersChanged = true;
        }
        continue;
      }
      if (REWRITES.test(action)) {
        scene.rewritten = true;
        continue;
      }
      if (/^set-var(?:-fmt)?\(/.test(action)) {
        if (holds(line, proxy)) setVariable(line, action);
        continue;
      }
      if (!holds(line, proxy)) continue;
      switch (action) {
        case 'accept':
        case 'allow':
          return undefined;
        case 'deny':
        case 'reject':
        case 'tarpit': {
          // A status that says success, for the sake of whoever asks.
          const status = words.includes('deny_status')
            ? Number(words[words.indexOf('deny_status') + 1])
            : 403;
          return end(status < 300 ? 'admitted' : 'refused');
        }
        case 'silent-drop':
        case 'redirect':
          return end('refused');
        case 'return': {
          const status = Number(words[words.indexOf('status') + 1]);
          return end(words.includes('status') && !(status < 300) ? 'refused' : 'admitted');
        }
        case 'auth':
          if (
            !ask({
              key: 'password',
              doubt: 'given',
              fallback: false,
              why: `it depends on a password (line ${line.line})`,
            })
          )
            return end('refused');
          continue;
        default:
          return odd(line, `${kind} ${action}`);
      }
    }
    return undefined;
  };

  const redirects = (proxy: Proxy): Ruled => {
    for (const line of proxy.rules)
      if (line.words[0] === 'redirect' && holds(line, proxy)) return end('refused');
    return undefined;
  };

  /** The page of statistics, which HAProxy serves itself. */
  const statistics = (proxy: Proxy): Ruled => {
    const lines = proxy.rules.filter(
      ({ words }) => words[0] === 'stats' && !/^(?:socket|timeout|maxconn)$/.test(words[1] ?? ''),
    );
    const [first] = lines;
    if (!first || proxy.mode !== 'http') return undefined;
    const uri = lines.filter(({ words }) => words[1] === 'uri').at(-1)?.words[2] ?? '/haproxy?stats';
    const isThere =
      request.path === undefined || scene.rewritten
        ? ask({ key: `path ${uri}`, doubt: 'chosen', fallback: false, why: 'it depends on the path' })
        : request.path.startsWith(uri);
    if (!isThere) return undefined;
    steps.push(stepOf(first));
    if (lines.some(({ words }) => words[1] === 'http-request' || words[1] === 'auth')) {
      return end('unknown', `access to the statistics depends on a password or a rule (line ${first.line})`);
    }
    return end('admitted');
  };

  const backend = (proxy: Proxy, isOwn: boolean): Outcome => {
    if (!isOwn) {
      if (
        proxy.rules.some(
          ({ words }) => words[0] === 'filter' && /^(?:spoe|lua|opentracing)/.test(words[1] ?? ''),
        )
      )
        scene.programs = true;
      const strange = proxy.rules.find(({ words }) => !KNOWN.test(words[0] ?? ''));
      if (strange) return odd(strange);
      const isHttp = proxy.mode === 'http' && frontend.mode === 'http';
      const ruled =
        rules(proxy, 'tcp-request', 'content') ??
        (isHttp ? (rules(proxy, 'http-request') ?? statistics(proxy) ?? redirects(proxy)) : undefined);
      if (ruled) return ruled;
    }
    const server = proxy.lines.find(
      ({ words }) =>
        /^(?:server|server-template|dispatch)$/.test(words[0] ?? '') && !words.includes('disabled'),
    );
    if (!server) return end('refused');
    steps.push(stepOf(server));
    const telling =
      told ?? (server.words.some((word) => word.startsWith('send-proxy-v2-ssl')) ? server : undefined);
    if (telling && scene.isTls) {
      return end(
        'unknown',
        `the application receives the result of the certificate check (line ${telling.line}) and must evaluate it`,
      );
    }
    return end('admitted');
  };

  /** `undefined` where the rule names no backend there is; then the default one is taken. */
  const named = (line: Line, proxy: Proxy): Outcome | 'none' => {
    const name = line.words[1] ?? '';
    if (!name.includes('%')) {
      const found = model.backends.get(name);
      return found ? backend(found, found === proxy) : odd(line, `the backend ${name}`);
    }
    const [, before = '', expression, behind = ''] = /^([^%]*)%\[([^\]]*)\]([^%]*)$/.exec(name) ?? [];
    if (expression === undefined) return odd(line, `use_backend ${name}`);
    const sample = sampleOf(expression, scene, model, line);
    if (sample.kind === 'open') return end('unknown', sample.why);
    const value = sample.kind === 'absent' ? '' : String(sample.value);
    const found = model.backends.get(`${before}${value}${behind}`);
    return found ? backend(found, found === proxy) : 'none';
  };

  const strange = frontend.rules.find(({ words }) => !KNOWN.test(words[0] ?? ''));
  if (strange) return odd(strange);
  const early = rules(frontend, 'tcp-request', 'connection');
  if (early) return early;
  if (way) {
    const { end: ended, why, presented, errors } = handshake(caller, way, now);
    if (ended) return end(ended, why);
    Object.assign(scene, { isTls: true, presented, errors });
  } else if (frontend.mode !== 'http') {
    return end('unknown', 'it forwards connections unchanged: TLS is terminated behind it, if at all');
  }
  const isHttp = frontend.mode === 'http';
  const ruled = rules(frontend, 'tcp-request', 'session') ?? rules(frontend, 'tcp-request', 'content');
  if (ruled) return ruled;
  if (isHttp) {
    const monitor = frontend.rules.filter(({ words }) => words[0] === 'monitor-uri').at(-1);
    const uri = monitor?.words[1];
    if (monitor && uri !== undefined) {
      const isThere =
        request.path === undefined
          ? ask({ key: `path ${uri}`, doubt: 'chosen', fallback: false, why: 'it depends on the path' })
          : request.path === uri;
      if (isThere) {
        steps.push(stepOf(monitor));
        return end('admitted');
      }
    }
    const http = rules(frontend, 'http-request') ?? statistics(frontend) ?? redirects(frontend);
    if (http) return http;
  }
  for (const line of frontend.rules) {
    if (line.words[0] !== 'use_backend' || !holds(line, frontend)) continue;
    const outcome = named(line, frontend);
    if (outcome !== 'none') return outcome;
    break;
  }
  const fallback = frontend.rules.filter(({ words }) => words[0] === 'default_backend').at(-1);
  if (fallback) {
    steps.push(stepOf(fallback));
    const outcome = named(fallback, frontend);
    return outcome === 'none' ? end('refused') : outcome;
  }
  return frontend.kind === 'listen' ? backend(frontend, true) : end('refused');
}
