/** ACLs of HAProxy: sample fetches, converters, patterns, and how they are combined (configuration manual, section 7). */
import { createHash } from 'node:crypto';
import type { Place } from '../finding.js';
import type { Caller, Name } from '../identity.js';
import { bitsOf } from '../nginx/variables.js';
import type { VerifyError } from '../openssl.js';
import type { Ask } from '../outcome.js';
import { regexOf } from '../regex.js';
import type { HaproxyModel } from './model.js';
import type { Line } from './syntax.js';

/** What a rule can look at. */
export interface Scene {
  isTls: boolean;
  caller: Caller;
  /** Whether the caller was asked for a certificate, and has one. */
  presented: boolean;
  errors: readonly VerifyError[];
  request: { path?: string; method: string; address?: string };
  /** The path or a header is not what the caller sent any more. */
  rewritten: boolean;
  headersChanged?: boolean;
  variables: Map<string, Sample>;
  /** Some program sets variables. */
  programs: boolean;
  mode: string;
}

/** The value of a fetch: absent ones match nothing. `binary` is a text of octets (latin1). */
export type Sample =
  | { kind: 'text' | 'binary'; value: string }
  | { kind: 'number'; value: number }
  | { kind: 'bool'; value: boolean }
  | { kind: 'absent' }
  | { kind: 'open'; doubt: 'chosen' | 'given' | 'unknown'; key: string; why: string; fallback?: Sample };

const absent: Sample = { kind: 'absent' };
const text = (value: string): Sample => ({ kind: 'text', value });
const number = (value: number): Sample => ({ kind: 'number', value });
const bool = (value: boolean): Sample => ({ kind: 'bool', value });
const openSample = (key: string, why: string): Sample => ({ kind: 'open', doubt: 'unknown', key, why });

/** Splits `a(b,c),d,e(f)` at the commas outside of brackets. */
export function partsOf(expression: string): { name: string; args: string[] }[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const sign of expression) {
    if (sign === '(') depth++;
    if (sign === ')') depth--;
    if (sign === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += sign;
  }
  parts.push(part);
  return parts.map((each) => {
    const [, name = each, args] = /^([\w.-]+)\(([^]*)\)$/.exec(each) ?? [];
    return {
      name,
      args: args === undefined ? [] : args.split(',').map((arg) => arg.trim().replace(/^['"]|['"]$/g, '')),
    };
  });
}

const dnText = (name: Name): string => name.map(([type, value]) => `/${type}=${value}`).join('');

function dnPart(name: Name, [entry, position]: readonly string[]): Sample {
  if (entry === undefined || entry === '') return text(dnText(name));
  const found = name.filter(([type]) => type === entry);
  if (position !== undefined && position !== '1' && position !== '-1')
    return openSample('dn', 'a part of the name by its position decides');
  const [first] = position === '-1' ? found.slice(-1) : found;
  return first ? text(first[1]) : absent;
}

const hexBinary = (hex: string | undefined, what: string): Sample =>
  hex === undefined
    ? openSample(what, 'only a fingerprint of the certificate is known, and another of its parts is compared')
    : { kind: 'binary', value: Buffer.from(hex, 'hex').toString('latin1') };

const givenText = (name: string): Sample => ({
  kind: 'open',
  doubt: 'given',
  key: name,
  why: `what the caller sends decides (${name})`,
  fallback: absent,
});

/** @param at where it stands, for what differs by place */
function fetch(name: string, args: readonly string[], scene: Scene): Sample {
  const { caller, isTls, presented, errors } = scene;
  const identity = presented ? caller.identity : undefined;
  const own = errors.find(({ depth }) => depth === 0);
  const authority = errors.filter(({ depth }) => depth > 0).at(-1);
  switch (name) {
    case 'ssl_fc':
      return bool(isTls);
    case 'ssl_fc_has_crt':
    case 'ssl_c_used':
      return bool(identity !== undefined);
    case 'ssl_c_verify':
      return isTls ? number(errors.at(-1)?.code ?? 0) : absent;
    case 'ssl_c_err':
      return isTls ? number(own?.code ?? 0) : absent;
    case 'ssl_c_ca_err':
      return isTls ? number(authority?.code ?? 0) : absent;
    case 'ssl_c_ca_err_depth':
      return isTls ? number(authority?.depth ?? 0) : absent;
    case 'always_true':
      return bool(true);
    case 'always_false':
      return bool(false);
    case 'bool':
      return bool(args[0] === 'true' || args[0] === '1');
    case 'int':
      return number(Number(args[0]));
    case 'str':
      return text(args[0] ?? '');
    case 'method':
      return scene.mode === 'http'
        ? text(scene.request.method)
        : openSample('method', 'method is compared outside of HTTP');
    case 'src': {
      const { address } = scene.request;
      if (address !== undefined) return text(address);
      return { kind: 'open', doubt: 'given', key: 'src', why: 'the address of the caller decides' };
    }
    case 'var':
      return (
        scene.variables.get(args[0] ?? '') ??
        (scene.programs ? openSample(`var(${args[0] ?? ''})`, `a program may set ${args[0] ?? ''}`) : absent)
      );
    default:
  }
  if (/^(?:path|url|url_path|base|pathq|capture\.req\.uri|baseq)$/.test(name)) {
    const { path } = scene.request;
    if (scene.rewritten) return openSample(name, 'the path was rewritten before');
    if (path === undefined || /^(?:base|baseq)$/.test(name))
      return { kind: 'open', doubt: 'chosen', key: 'path', why: 'it depends on the path' };
    return text(path);
  }
  if (
    /^(?:req\.|s|h)?(?:hdr|fhdr)$|^req\.(?:cook|hdr_cnt|hdrs|body|cook_cnt)$|^(?:hdr|req\.hdr)_(?:cnt|ip|val)$|^(?:cook|url_param|urlp|query|req\.ver|req_ver|http_auth|hdr_\w+|url_ip|url_port)/.test(
      name,
    )
  ) {
    if (scene.headersChanged === true && name.includes('hdr'))
      return openSample(name, 'a header was changed before');
    if (name.includes('auth'))
      return { kind: 'open', doubt: 'given', key: name, why: 'a password decides', fallback: bool(false) };
    if (/cnt|val/.test(name))
      return { ...givenText(`${name}(${args.join(',')})`), fallback: number(0) } as Sample;
    return givenText(`${name}(${args.join(',')})`);
  }
  if (name === 'ssl_fc_sni' || name === 'req.ssl_sni' || name === 'req_ssl_sni')
    return { kind: 'open', doubt: 'given', key: name, why: 'the host name that the caller asks for decides' };
  if (!name.startsWith('ssl_c_'))
    return openSample(`${name}(${args.join(',')})`, `${name} is not interpreted`);
  if (!identity) return absent;
  switch (name) {
    case 'ssl_c_der':
      return hexBinary(identity.der?.toString('hex'), name);
    case 'ssl_c_sha1':
      return hexBinary(identity.sha1, name);
    case 'ssl_c_serial':
      return hexBinary(identity.serial, name);
    case 'ssl_c_s_dn':
      return dnPart(identity.subject, args);
    case 'ssl_c_i_dn':
      return dnPart(identity.issuer, args);
    default:
      return openSample(name, `${name} is compared`);
  }
}

const HASHES: Readonly<Record<string, string>> = {
  sha1: 'sha1',
  md5: 'md5',
  'sha2(256)': 'sha256',
  'sha2()': 'sha256',
  sha2: 'sha256',
  'sha2(512)': 'sha512',
  'sha2(384)': 'sha384',
  'digest(sha256)': 'sha256',
  'digest(sha1)': 'sha1',
  'digest(sha512)': 'sha512',
};

function convert(
  sample: Sample,
  name: string,
  args: readonly string[],
  scene: Scene,
  model: HaproxyModel,
  at: Place,
): Sample {
  const whole = args.length === 0 ? name : `${name}(${args.join(',')})`;
  if (sample.kind === 'open') {
    // Of a certificate that is known by its fingerprint alone, that fingerprint is known.
    if (
      sample.key === 'ssl_c_der' &&
      HASHES[whole] === 'sha256' &&
      scene.caller.identity?.sha256 !== undefined
    )
      return hexBinary(scene.caller.identity.sha256, name);
    if (sample.key === 'ssl_c_der' && HASHES[whole] === 'sha1' && scene.caller.identity?.sha1 !== undefined)
      return hexBinary(scene.caller.identity.sha1, name);
    const { fallback } = sample;
    return {
      ...sample,
      key: `${sample.key},${whole}`,
      ...(fallback === undefined ? {} : { fallback: convert(fallback, name, args, scene, model, at) }),
    };
  }
  if (name === 'bool') return sample;
  if (sample.kind === 'absent' && !/^(?:map|set-var)/.test(name)) return absent;
  const raw = sample.kind === 'absent' ? '' : String(sample.value);
  const hash = HASHES[whole.toLowerCase()];
  if (hash !== undefined)
    return {
      kind: 'binary',
      value: createHash(hash).update(Buffer.from(raw, 'latin1')).digest().toString('latin1'),
    };
  switch (name) {
    case 'hex':
      return text(Buffer.from(raw, 'latin1').toString('hex').toUpperCase());
    case 'lower':
      return text(raw.toLowerCase());
    case 'upper':
      return text(raw.toUpperCase());
    case 'base64':
      return text(Buffer.from(raw, 'latin1').toString('base64'));
    case 'not':
      return sample.kind === 'bool'
        ? bool(!sample.value)
        : openSample(whole, 'not is applied to no truth value');
    case 'length':
      return number(raw.length);
    case 'strcmp':
      return openSample(whole, 'strcmp decides');
    case 'map':
    case 'map_str': {
      const lines = model.patterns(args[0] ?? '', at);
      if (!lines) return openSample(whole, `${args[0] ?? 'the map'} could not be read, and it decides`);
      if (sample.kind === 'absent') return args[1] === undefined ? absent : text(args[1]);
      const found = lines.map((line) => /^(\S+)\s+(.*)$/.exec(line)).find((line) => line?.[1] === raw)?.[2];
      return found === undefined ? (args[1] === undefined ? absent : text(args[1])) : text(found);
    }
    case 'set-var':
    case 'debug':
      return sample;
    default:
      return openSample(whole, `the converter ${name} is not interpreted`);
  }
}

/** An expression of a fetch and converters. */
export function sampleOf(expression: string, scene: Scene, model: HaproxyModel, at: Place): Sample {
  const [first, ...converters] = partsOf(expression);
  if (!first) return openSample(expression, `${expression} is not interpreted`);
  return converters.reduce(
    (sample, { name, args }) => convert(sample, name, args, scene, model, at),
    fetch(first.name, first.args, scene),
  );
}

const OPERATORS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  eq: (a, b) => a === b,
  ge: (a, b) => a >= b,
  gt: (a, b) => a > b,
  le: (a, b) => a <= b,
  lt: (a, b) => a < b,
};

/** Fetches with a way of matching in their name: `path_beg`, `hdr_dom(host)`. */
const SUFFIX =
  /^(path|url|base|hdr|cook|urlp|ssl_c_s_dn|ssl_fc_sni|req\.hdr|req\.cook|req_ssl_sni|req\.ssl_sni)_(beg|end|sub|dir|dom|reg|len)(\(.*)?$/;

const NUMERIC =
  /^(?:ssl_c_(?:verify|err|ca_err|ca_err_depth|version)|dst_port|int|nbsrv|.*_(?:cnt|val|rate|cur|count)|ssl_fc_use_keysize)/;

function matchesNumber(
  value: number,
  patterns: readonly string[],
  operator: string | undefined,
): boolean | undefined {
  return some(patterns, (pattern) => {
    const range = /^(-?\d+)?:(-?\d+)?$/.exec(pattern);
    if (range) return value >= Number(range[1] ?? -Infinity) && value <= Number(range[2] ?? Infinity);
    if (!/^-?\d+$/.test(pattern)) return undefined;
    return (OPERATORS[operator ?? 'eq'] ?? ((a, b) => a === b))(value, Number(pattern));
  });
}

function some<T>(all: readonly T[], test: (each: T) => boolean | undefined): boolean | undefined {
  const answers = all.map(test);
  if (answers.includes(true)) return true;
  return answers.includes(undefined) ? undefined : false;
}

/** Whether a sample matches, by a way of matching; `undefined` where that is not understood. */
function matches(
  sample: Exclude<Sample, { kind: 'open' }>,
  method: string,
  patterns: readonly string[],
  operator: string | undefined,
  ignoresCase: boolean,
): boolean | undefined {
  if (sample.kind === 'absent') return false;
  if (method === 'found') return true;
  if (sample.kind === 'bool' && (method === 'bool' || patterns.length === 0)) return sample.value;
  if (method === 'bool') return sample.kind === 'number' ? sample.value !== 0 : undefined;
  if (method === 'int' || sample.kind === 'number' || sample.kind === 'bool') {
    const value =
      sample.kind === 'number'
        ? sample.value
        : sample.kind === 'bool'
          ? Number(sample.value)
          : Number.parseInt(sample.value, 10);
    return Number.isNaN(value) ? undefined : matchesNumber(value, patterns, operator);
  }
  const fold = (it: string): string => (ignoresCase ? it.toLowerCase() : it);
  const value = fold(sample.value);
  switch (method) {
    case 'str':
      return patterns.some((each) => fold(each) === value);
    case 'bin':
      return patterns.some((each) => Buffer.from(each, 'hex').toString('latin1') === sample.value);
    case 'beg':
      return patterns.some((each) => value.startsWith(fold(each)));
    case 'end':
      return patterns.some((each) => value.endsWith(fold(each)));
    case 'sub':
      return patterns.some((each) => value.includes(fold(each)));
    case 'dir':
      return patterns.some((each) =>
        `/${value}/`.replace(/\/+/g, '/').includes(`/${fold(each).replace(/^\/|\/$/g, '')}/`),
      );
    case 'reg':
      return some(patterns, (each) => regexOf(each, ignoresCase ? 'i' : '')?.test(sample.value));
    case 'len':
      return matchesNumber(sample.value.length, patterns, operator);
    case 'ip':
      return some(patterns, (each) => {
        const bits = bitsOf(each, sample.value);
        return bits === undefined ? undefined : bits >= 0;
      });
    default:
      return undefined;
  }
}

/** Evaluates `criterion flags patterns`. */
function criterion(
  words: readonly string[],
  scene: Scene,
  model: HaproxyModel,
  at: Place,
  ask: Ask,
): boolean {
  const [head = '', ...rest] = words;
  const suffixed = SUFFIX.exec(head);
  const expression = suffixed ? `${suffixed[1] ?? ''}${suffixed[3] ?? ''}` : head;
  let method = suffixed?.[2];
  let ignoresCase = false;
  let operator: string | undefined;
  let doubt: string | undefined;
  const patterns: string[] = [];
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] ?? '';
    if (patterns.length === 0 && word === '-m') method = rest[++index] ?? '';
    else if (patterns.length === 0 && word === '-i') ignoresCase = true;
    else if (patterns.length === 0 && word === '-n') continue;
    else if (patterns.length === 0 && (word === '-f' || word === '-M')) {
      const path = rest[++index] ?? '';
      const lines = model.patterns(path, at);
      if (lines) patterns.push(...lines);
      else doubt = `${path} could not be read, and it decides`;
    } else if (patterns.length === 0 && word === '-u') index++;
    else if (word === '--') continue;
    else if (
      patterns.length === 0 &&
      OPERATORS[word] &&
      operator === undefined &&
      (NUMERIC.test(head) || method === 'int' || method === 'len')
    )
      operator = word;
    else patterns.push(word);
  }
  const sample = sampleOf(expression, scene, model, at);
  const last = partsOf(expression).at(-1)?.name ?? '';
  const isBool = /^(?:ssl_fc|ssl_fc_has_crt|ssl_c_used|always_true|always_false|bool|not)$/.test(last);
  const isBinary = /^(?:ssl_c_der|ssl_c_sha1|ssl_c_serial|sha1|sha2|md5|digest)$/.test(last);
  const way =
    method ??
    (isBool
      ? 'bool'
      : NUMERIC.test(last) || last === 'length'
        ? 'int'
        : head.startsWith('src')
          ? 'ip'
          : isBinary
            ? 'bin'
            : 'str');
  const key = words.join(' ');
  const why = doubt ?? `the condition { ${key} } is not interpreted`;
  if (doubt !== undefined && sample.kind !== 'absent')
    return ask({ key, doubt: 'unknown', fallback: false, why });
  if (sample.kind === 'open') {
    if (
      head.startsWith('src') &&
      scene.request.address === undefined &&
      patterns.every((each) => /^(?:127\.|::1|localhost)/.test(each))
    )
      return false;
    const fallback =
      sample.fallback === undefined || sample.fallback.kind === 'open'
        ? false
        : matches(sample.fallback, way, patterns, operator, ignoresCase);
    return ask({
      key: `${sample.key} | ${key}`,
      doubt: sample.doubt,
      fallback: fallback ?? false,
      why: sample.why,
    });
  }
  const answer = matches(sample, way, patterns, operator, ignoresCase);
  return answer ?? ask({ key, doubt: 'unknown', fallback: false, why });
}

const PREDEFINED: Readonly<Record<string, readonly string[]>> = {
  TRUE: ['always_true'],
  FALSE: ['always_false'],
  HTTP: ['always_true'],
  WAIT_END: ['always_true'],
  METH_GET: ['method', 'GET', 'HEAD'],
  METH_POST: ['method', 'POST'],
  METH_HEAD: ['method', 'HEAD'],
  METH_PUT: ['method', 'PUT'],
  METH_DELETE: ['method', 'DELETE'],
  METH_OPTIONS: ['method', 'OPTIONS'],
  METH_CONNECT: ['method', 'CONNECT'],
  METH_TRACE: ['method', 'TRACE'],
  LOCALHOST: ['src', '127.0.0.1/8'],
  HTTP_URL_SLASH: ['path', '-m', 'beg', '/'],
};

/** Whether `if …` or `unless …` at the end of a rule holds; a rule without either always does. */
export function conditionHolds(
  words: readonly string[],
  rules: readonly Line[],
  scene: Scene,
  model: HaproxyModel,
  at: Place,
  ask: Ask,
): boolean {
  const start = words.findIndex((word, index) => (word === 'if' || word === 'unless') && index > 0);
  if (start === -1) return true;
  const terms = words.slice(start + 1);
  const evaluate = (name: string): boolean => {
    const lines = rules.filter(({ words: [first, second] }) => first === 'acl' && second === name);
    // Lines of one name are alternatives.
    if (lines.length > 0) {
      return lines.map((line) => criterion(line.words.slice(2), scene, model, line, ask)).includes(true);
    }
    const known = PREDEFINED[name];
    if (known) return criterion(known, scene, model, at, ask);
    return ask({
      key: `acl ${name}`,
      doubt: 'unknown',
      fallback: false,
      why: `the ACL ${name} is not defined here`,
    });
  };
  let any = false;
  let all = true;
  for (let index = 0; index < terms.length; index++) {
    let term = terms[index] ?? '';
    if (term === 'or' || term === '||') {
      any ||= all;
      all = true;
      continue;
    }
    if (term === 'and' || term === '&&') continue;
    let isNegated = false;
    while (term.startsWith('!')) {
      isNegated = !isNegated;
      term = term === '!' ? (terms[++index] ?? '') : term.slice(1);
    }
    let holds: boolean;
    if (term === '{') {
      const end = terms.indexOf('}', index);
      holds = criterion(terms.slice(index + 1, end === -1 ? undefined : end), scene, model, at, ask);
      index = end === -1 ? terms.length : end;
    } else holds = evaluate(term);
    all &&= holds !== isNegated;
  }
  return (any || all) !== (words[start] === 'unless');
}
