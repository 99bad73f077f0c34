/** ACLs of HAProxy: patterns, and how they are combined (configuration manual, section 7.1 and 7.2). */
import type { Place } from '../finding.js';
import { bitsOf } from '../nginx/variables.js';
import type { Ask } from '../outcome.js';
import { regexOf } from '../regex.js';
import type { HaproxyModel } from './model.js';
import { partsOf, sampleOf, type Sample, type Scene } from './samples.js';
import type { Line } from './syntax.js';

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
      else doubt = `${path} could not be read, but the result depends on it`;
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
  const why = doubt ?? `the condition { ${key} } is not supported`;
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
