/** Apache's expressions (`Require expr`, `<If>`, `SSLRequire`, conditions of mod_rewrite), for one caller. */
import { createHash } from 'node:crypto';
import { type Files, textOf, within } from '../files.js';
import { type LintFinding, type Place, referenceUnreadable } from '../finding.js';
import type { Identity, Name } from '../identity.js';
import { bitsOf } from '../nginx/variables.js';
import type { Ask } from '../outcome.js';
import { regexOf } from '../regex.js';
import type { Scene as CommonScene } from '../scene.js';
import { concat, isOpen, made, mapValue, type Open, test, unknown, type Value } from '../value.js';

/** What expressions can look at. */
export interface Scene extends CommonScene {
  environment: Map<string, Value>;
  files: Files;
  folder: string;
  found(finding: LintFinding): void;
}

const rfc2253 = (name: Name): string =>
  [...name]
    .reverse()
    .map(([type, value]) => `${type}=${value}`)
    .join(',');

function verifyValue({ presented, errors, isTls, caller }: Scene): Value {
  if (!isTls) return [''];
  if (!presented) return ['NONE'];
  // Of what was verified, a session of TLS 1.2 keeps whether it failed, and not what was put up with.
  if (caller.resumes) return ['SUCCESS'];
  // With an issuer that is not known, Apache's word depends on its version.
  return errors.length === 0
    ? ['SUCCESS']
    : ['GENEROUS', 'FAILED:self-signed certificate', 'FAILED:(null)', 'FAILED:'];
}

const given = (key: string): Open => ({
  doubt: 'given',
  key,
  why: `it depends on what the caller sends (${key})`,
  fallback: '',
});

/** A name of a certificate, or a part of it; `undefined` for what is not known. */
function nameOf(variable: string, { subject, issuer }: Identity): string | undefined {
  const dn = /^SSL_CLIENT_([SI])_DN(?:_(\w+))?$/.exec(variable);
  if (!dn) return undefined;
  const full = dn[1] === 'S' ? subject : issuer;
  const part = dn[2];
  if (part === undefined) return rfc2253(full);
  if (!/^(?:C|ST|L|O|OU|CN|Email)$/.test(part)) return undefined;
  return full.find(([type]) => type === part)?.[1] ?? '';
}

function ofCertificate(name: string, scene: Scene): Value {
  if (name === 'SSL_CLIENT_VERIFY') return verifyValue(scene);
  const identity = scene.presented ? scene.caller.identity : undefined;
  if (!identity) return [''];
  const known = (value: string | undefined): Value =>
    value === undefined
      ? unknown(name, `only a fingerprint of the certificate is known, and ${name} is compared`)
      : [value];
  if (name === 'SSL_CLIENT_CERT') return known(identity.pem);
  if (scene.caller.isForger) {
    const open = made(name, nameOf(name, identity));
    return scene.caller.resumes ? { doubt: 'chosen', key: name, why: open.why } : open;
  }
  if (name === 'SSL_CLIENT_M_SERIAL') return known(identity.serial);
  const part = nameOf(name, identity);
  return part === undefined ? unknown(name, `${name} is compared`) : [part];
}

/** The value of a variable, by the name in `%{…}`. */
export function variable(written: string, scene: Scene): Value {
  const name = written.replace(/^SSL:/, '');
  const { request } = scene;
  if (name.startsWith('SSL_CLIENT_')) return ofCertificate(name, scene);
  switch (name) {
    case 'HTTPS':
      return [scene.isTls ? 'on' : 'off'];
    case 'REQUEST_SCHEME':
      return [scene.isTls ? 'https' : 'http'];
    case 'SSL_SESSION_RESUMED':
      return [scene.caller.resumes ? 'Resumed' : 'Initial'];
    case 'REQUEST_METHOD':
      return [request.method];
    case 'REQUEST_URI':
    case 'SCRIPT_NAME':
    case 'PATH_INFO':
      return request.path === undefined
        ? { doubt: 'chosen', key: 'path', why: 'it depends on the path' }
        : [request.path];
    case 'THE_REQUEST': {
      const why = 'the caller may spell the path differently';
      return request.path === undefined
        ? { doubt: 'chosen', key: 'THE_REQUEST', why }
        : {
            doubt: 'given',
            key: 'THE_REQUEST',
            why,
            fallback: `${request.method} ${request.path} HTTP/1.1`,
          };
    }
    case 'REMOTE_ADDR':
    case 'CONN_REMOTE_ADDR':
      return request.address === undefined
        ? { doubt: 'given', key: 'REMOTE_ADDR', why: 'it depends on the address of the caller' }
        : [request.address];
    case 'HTTP_HOST':
    case 'SERVER_NAME':
    case 'SSL_TLS_SNI':
      return { doubt: 'given', key: name, why: 'it depends on the host name that the caller sends' };
    case 'QUERY_STRING':
    case 'REMOTE_USER':
      return given(name);
    default:
  }
  const environment = /^(?:ENV|reqenv|env):(\w+)$/.exec(name)?.[1];
  if (environment !== undefined) {
    return (
      scene.environment.get(environment) ??
      unknown(name, `the value of ${environment} depends on other modules`)
    );
  }
  if (/^(?:HTTP_|HTTP:|http:)/.test(name)) return given(name);
  return unknown(name, `the value of ${name} is unknown`);
}

/**
 * A text with `%{…}` in it.
 * @param read what a variable is; expressions and mod_rewrite do not know the same
 */
export function expand(text: string, scene: Scene, read = variable): Value {
  const parts = text.split(/(%\{[^}]*\})/).filter((part) => part !== '');
  return concat(parts.map((part) => (part.startsWith('%{') ? read(part.slice(2, -1), scene) : [part])));
}

interface Token {
  kind: 'text' | 'op' | 'word' | 'regex';
  text: string;
  flags?: string;
}

function tokensOf(source: string): Token[] | undefined {
  const tokens: Token[] = [];
  const PATTERN =
    /\s+|'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|m([#|!,/])((?:\\.|(?!\3)[^])*)\3([imsxg]*)|(&&|\|\||==|!=|=~|!~|<=|>=|[!(){},.<>=])|(-[a-zA-Z]+)|(%\{[^}]*\}|\$\d|[\w:%]+(?:-[\w]+)*)|(\/(?:\\.|[^/\\])*\/[imsxg]*)/gy;
  while (PATTERN.lastIndex < source.length) {
    const match = PATTERN.exec(source);
    if (!match) return undefined;
    const [all, single, double, , body, flags, op, unary, word, slashed] = match;
    const quoted = single ?? double;
    if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted.replace(/\\(.)/g, '$1') });
    else if (body !== undefined) tokens.push({ kind: 'regex', text: body, flags: flags ?? '' });
    else if (op !== undefined || unary !== undefined) tokens.push({ kind: 'op', text: op ?? unary ?? '' });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else if (slashed !== undefined) {
      const end = slashed.lastIndexOf('/');
      tokens.push({ kind: 'regex', text: slashed.slice(1, end), flags: slashed.slice(end + 1) });
    } else if (all.trim() !== '') return undefined;
  }
  return tokens;
}

const HASHES: Readonly<Record<string, string>> = { sha1: 'sha1', md5: 'md5' };

/**
 * Evaluates an expression.
 * @param dialect `ssl` for SSLRequire, in which `eq` compares texts
 */
export function evaluate(
  source: string,
  scene: Scene,
  at: Place,
  ask: Ask,
  dialect: 'expr' | 'ssl' = 'expr',
): boolean {
  const why = `the expression ${source.slice(0, 80)} is not supported`;
  const giveUp = (): boolean => ask({ key: source, doubt: 'unknown', fallback: false, why });
  const tokens = tokensOf(source);
  if (!tokens) return giveUp();
  let next = 0;
  const state = { failed: false };
  const peek = (): Token | undefined => tokens[next];
  const isOp = (text: string): boolean => peek()?.kind === 'op' && peek()?.text === text;
  const isWord = (text: string): boolean => peek()?.kind === 'word' && peek()?.text.toLowerCase() === text;
  const take = (): Token | undefined => tokens[next++];

  const call = (name: string, argument: Value): Value => {
    const lower = name.toLowerCase();
    if (lower === 'file') {
      if (isOpen(argument)) return unknown(`file(${argument.key})`, 'it depends on an unknown file');
      const [path = ''] = argument;
      const read = scene.files.read(within(scene.folder, path));
      if ('bytes' in read) return [textOf(read.bytes)];
      scene.found(referenceUnreadable(at, path, read.problem));
      return unknown(`file(${path})`, `${path} could not be read, but the result depends on it`);
    }
    const hash = HASHES[lower];
    if (hash !== undefined)
      return mapValue(argument, lower, (text) => createHash(hash).update(text, 'latin1').digest('hex'));
    switch (lower) {
      case 'base64':
        return mapValue(argument, lower, (text) => Buffer.from(text, 'latin1').toString('base64'));
      case 'unbase64':
        return mapValue(argument, lower, (text) => Buffer.from(text, 'base64').toString('latin1'));
      case 'tolower':
        return mapValue(argument, lower, (text) => text.toLowerCase());
      case 'toupper':
        return mapValue(argument, lower, (text) => text.toUpperCase());
      case 'http':
      case 'req':
        return given(`header ${isOpen(argument) ? argument.key : (argument[0] ?? '')}`);
      case 'env':
      case 'reqenv':
        return isOpen(argument) ? argument : variable(`ENV:${argument[0] ?? ''}`, scene);
      default:
        return unknown(`${name}()`, `the function ${name} is not supported`);
    }
  };

  const primary = (): Value => {
    const token = take();
    if (!token || token.kind === 'op' || token.kind === 'regex') {
      state.failed = true;
      return [''];
    }
    if (token.kind === 'text') return expand(token.text, scene);
    if (token.text.startsWith('%{')) return variable(token.text.slice(2, -1), scene);
    if (isOp('(')) {
      take();
      const argument = word();
      if (!isOp(')')) state.failed = true;
      take();
      return call(token.text, argument);
    }
    if (token.text.startsWith('$')) return unknown(token.text, 'it depends on a captured group');
    return [token.text];
  };
  const word = (): Value => {
    const parts = [primary()];
    while (isOp('.')) {
      take();
      parts.push(primary());
    }
    return parts.length === 1 ? (parts[0] ?? ['']) : concat(parts);
  };

  const equal = (left: Value, right: Value): boolean => {
    if (isOpen(right) && !isOpen(left)) return equal(right, left);
    if (isOpen(right))
      return ask({
        key: `${isOpen(left) ? left.key : ''} is ${right.key}`,
        doubt: 'unknown',
        fallback: false,
        why: right.why,
      });
    if (right.length !== 1)
      return ask({ key: `is ${right.join('|')}`, doubt: 'unknown', fallback: false, why });
    return test(left, `is ${right[0] ?? ''}`, (text) => text === right[0], ask);
  };
  const ordered = (
    left: Value,
    right: Value,
    isNumeric: boolean,
    holds: (order: number) => boolean,
  ): boolean => {
    if (isOpen(right) || right.length !== 1)
      return ask({ key: source, doubt: 'unknown', fallback: false, why });
    const other = right[0] ?? '';
    const order = (text: string): number =>
      isNumeric ? Math.sign(Number(text) - Number(other)) : text < other ? -1 : text > other ? 1 : 0;
    return test(left, `in order with ${other} by ${String(holds)}`, (text) => holds(order(text)), ask);
  };

  const comparison = (): boolean => {
    const token = peek();
    if (token?.kind === 'op' && /^-[a-zA-Z]$/.test(token.text)) {
      take();
      const subject = word();
      switch (token.text) {
        case '-n':
          return test(subject, 'is not empty', (text) => text !== '', ask);
        case '-z':
          return test(subject, 'is empty', (text) => text === '', ask);
        case '-T':
          return test(subject, 'is true', (text) => !/^(?:|0|off|false|no)$/i.test(text), ask);
        case '-R':
          return inNetwork(variable('REMOTE_ADDR', scene), subject);
        default:
          return giveUp();
      }
    }
    if (isWord('true') && !isComparison(next + 1)) return take() !== undefined;
    if (isWord('false') && !isComparison(next + 1)) return take() === undefined;
    const left = word();
    const operator = take();
    if (!operator) {
      state.failed = true;
      return false;
    }
    const name = operator.text.toLowerCase();
    if (name === '=~' || name === '!~') {
      const pattern = take();
      if (!pattern || (pattern.kind !== 'regex' && pattern.kind !== 'text')) {
        state.failed = true;
        return false;
      }
      const flags = pattern.flags?.includes('i') === true ? 'i' : '';
      const compiled = regexOf(pattern.text, flags);
      const matches = test(
        left,
        `fits ${pattern.text} ${flags}`,
        (text) =>
          compiled && !(text.endsWith('\n') && pattern.text.includes('$')) ? compiled.test(text) : undefined,
        ask,
      );
      return matches === (name === '=~');
    }
    if (name === 'in' || name === '-in') {
      if (!isOp('{')) {
        word();
        return giveUp();
      }
      take();
      const choices: Value[] = [word()];
      while (isOp(',')) {
        take();
        choices.push(word());
      }
      if (!isOp('}')) state.failed = true;
      take();
      return choices.map((each) => equal(left, each)).includes(true);
    }
    if (name === '-ipmatch') return inNetwork(left, word());
    const right = word();
    const bare = name.replace('-', '');
    const isText = /^[=!<>]/.test(name) || dialect === 'ssl';
    switch (bare) {
      case '==':
      case '=':
      case 'eq':
        return isText ? equal(left, right) : ordered(left, right, true, (order) => order === 0);
      case '!=':
      case 'ne':
        return isText ? !equal(left, right) : ordered(left, right, true, (order) => order !== 0);
      case '<':
      case 'lt':
        return ordered(left, right, !isText, (order) => order < 0);
      case '<=':
      case 'le':
        return ordered(left, right, !isText, (order) => order <= 0);
      case '>':
      case 'gt':
        return ordered(left, right, !isText, (order) => order > 0);
      case '>=':
      case 'ge':
        return ordered(left, right, !isText, (order) => order >= 0);
      default:
        return giveUp();
    }
  };
  const isComparison = (at_: number): boolean => {
    const token = tokens[at_];
    return token !== undefined && !/^(?:&&|\|\||\)|and|or)$/i.test(token.text);
  };
  const inNetwork = (address: Value, network: Value): boolean => {
    if (isOpen(network)) return giveUp();
    return test(
      address,
      `in ${network[0] ?? ''}`,
      (text) => {
        const bits = bitsOf(network[0] ?? '', text);
        return bits === undefined ? undefined : bits >= 0;
      },
      ask,
    );
  };
  const negation = (): boolean => {
    if (isOp('!') || isWord('not')) {
      take();
      return !negation();
    }
    if (isOp('(')) {
      take();
      const inner = disjunction();
      if (!isOp(')')) state.failed = true;
      take();
      return inner;
    }
    return comparison();
  };
  const conjunction = (): boolean => {
    let result = negation();
    while (isOp('&&') || isWord('and')) {
      take();
      // Both sides are read, whichever decides.
      const right = negation();
      result &&= right;
    }
    return result;
  };
  const disjunction = (): boolean => {
    let result = conjunction();
    while (isOp('||') || isWord('or')) {
      take();
      const right = conjunction();
      result ||= right;
    }
    return result;
  };
  const result = disjunction();
  return state.failed || next < tokens.length ? giveUp() : result;
}
