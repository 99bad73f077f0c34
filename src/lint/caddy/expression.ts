/** Expressions of Caddy's `expression` matcher: CEL, with placeholders and matchers as functions. */
import type { Ask } from '../outcome.js';
import { regexOf } from '../regex.js';
import { isOpen, test, type Value } from '../value.js';
import { dnsNames, NAMES, placeholder, type Scene } from './placeholders.js';

/** `error`: CEL has no answer, and neither has the request; one that `ends` all is not made up for by another part. */
type Term =
  | { kind: 'text'; value: Value }
  /** A distinguished name, which equals a text only from the left. */
  | { kind: 'name'; value: Value }
  | { kind: 'bool'; value: boolean }
  | { kind: 'number'; value: number }
  | { kind: 'list'; value: readonly Term[] }
  | { kind: 'null' }
  | { kind: 'error'; ends?: boolean }
  | { kind: 'open'; why: string };

interface Context {
  scene: Scene;
  ask: Ask;
  /** A matcher by its name and arguments; `undefined` for one that is not known. */
  matcher(name: string, words: readonly (string | readonly string[])[]): boolean | undefined;
}

type Expression = (context: Context) => Term;

interface Token {
  kind: 'text' | 'number' | 'name' | 'sign' | 'placeholder';
  text: string;
}

const TOKEN =
  /\s*(?:(\{[a-zA-Z][\w.-]*\})|([rR]?"""[\s\S]*?"""|[rR]"[^"]*"|[rR]'[^']*'|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\d+(?:\.\d+)?)|([a-zA-Z_]\w*)|(==|!=|<=|>=|&&|\|\||[-!<>()[\],.?:+*/%{}]))/y;

function unquoted(literal: string): string | undefined {
  if (/^[rR]/.test(literal)) return literal.slice(2, -1);
  if (literal.startsWith('"""')) return literal.slice(3, -3);
  const inner = literal.slice(1, -1);
  if (/\\[^\\"'`nrt/]/.test(inner)) return undefined;
  return inner.replace(/\\(.)/g, (_, sign: string) => ({ n: '\n', r: '\r', t: '\t' })[sign] ?? sign);
}

function tokensOf(source: string): Token[] | undefined {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const text = source.trimEnd();
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text);
    if (!found) return undefined;
    const [, place, literal, number, name, sign] = found;
    if (place !== undefined) tokens.push({ kind: 'placeholder', text: place.slice(1, -1) });
    else if (literal !== undefined) {
      const value = unquoted(literal);
      if (value === undefined) return undefined;
      tokens.push({ kind: 'text', text: value });
    } else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else tokens.push({ kind: 'sign', text: sign ?? '' });
  }
  return tokens;
}

const bool = (value: boolean): Term => ({ kind: 'bool', value });
const ERROR: Term = { kind: 'error' };
const END: Term = { kind: 'error', ends: true };
const open = (why: string): Term => ({ kind: 'open', why });

function equals(a: Term, b: Term, { ask }: Context): Term {
  if (a.kind === 'error') return a;
  if (b.kind === 'error') return b;
  if (a.kind === 'open') return a;
  if (b.kind === 'open') return b;
  if (a.kind === 'null' || b.kind === 'null') return bool(a.kind === b.kind);
  if (a.kind === 'text' && b.kind === 'name') return bool(false);
  if ((a.kind === 'text' || a.kind === 'name') && b.kind === 'text') {
    if (!isOpen(b.value) && b.value.length === 1) {
      const [wanted = ''] = b.value;
      return bool(test(a.value, `= ${wanted}`, (text) => text === wanted, ask));
    }
    if (!isOpen(a.value) && a.value.length === 1) {
      const [wanted = ''] = a.value;
      return bool(test(b.value, `= ${wanted}`, (text) => text === wanted, ask));
    }
    return open('two unknown values are compared');
  }
  if (a.kind === 'bool' && b.kind === 'bool') return bool(a.value === b.value);
  if (a.kind === 'number' && b.kind === 'number') return bool(a.value === b.value);
  return a.kind === b.kind ? open('a comparison that is not supported') : bool(false);
}

function contains(term: Term, list: Term, context: Context): Term {
  if (term.kind === 'error') return term;
  if (list.kind === 'error') return list;
  if (term.kind === 'open') return term;
  if (list.kind !== 'list') return open('“in” with a value that is not a list');
  // A list of constants is looked up as a set, in which a distinguished name is never found.
  if (term.kind === 'name') return bool(false);
  const answers = list.value.map((each) => equals(term, each, context));
  if (answers.some((each) => each.kind === 'bool' && each.value)) return bool(true);
  return answers.find((each) => each.kind === 'open' || each.kind === 'error') ?? bool(false);
}

/** `a && b` and `a || b`: an error only matters where the other side does not decide. */
function both(a: Term, b: Expression, decisive: boolean, context: Context): Term {
  if ((a.kind === 'bool' && a.value === decisive) || (a.kind === 'error' && a.ends === true)) return a;
  const other = b(context);
  if (other.kind === 'error' && other.ends === true) return other;
  if (other.kind === 'bool' && other.value === decisive) return other;
  if (a.kind === 'open' || other.kind === 'open') return a.kind === 'open' ? a : other;
  if (a.kind === 'bool' && other.kind === 'bool') return other;
  return ERROR;
}

const METHODS: Readonly<Record<string, (text: string, argument: string) => boolean | undefined>> = {
  startsWith: (text, argument) => text.startsWith(argument),
  endsWith: (text, argument) => text.endsWith(argument),
  contains: (text, argument) => text.includes(argument),
  matches: (text, argument) => regexOf(argument)?.test(text),
};

function method(subject: Term, name: string, args: readonly Term[], { ask }: Context): Term {
  if (subject.kind === 'open') return subject;
  // Caddy 2.6 panics where a distinguished name is asked for something.
  if (subject.kind === 'name' || (subject.kind === 'error' && subject.ends === true)) return END;
  if (subject.kind !== 'text') return ERROR;
  const [argument] = args;
  const holds = METHODS[name];
  if (holds && args.length === 1) {
    if (argument?.kind !== 'text') return argument?.kind === 'open' ? argument : ERROR;
    if (isOpen(argument.value) || argument.value.length !== 1) return open(`${name} of an unknown value`);
    const [wanted = ''] = argument.value;
    return bool(test(subject.value, `${name} ${wanted}`, (text) => holds(text, wanted), ask));
  }
  if ((name === 'lowerAscii' || name === 'upperAscii') && args.length === 0 && !isOpen(subject.value)) {
    return {
      kind: 'text',
      value: subject.value.map((text) => (name === 'lowerAscii' ? text.toLowerCase() : text.toUpperCase())),
    };
  }
  return open(`the function ${name} of an expression is not supported`);
}

function ofPlaceholder(key: string, { scene }: Context): Term {
  const names = dnsNames(key, scene);
  if (names) return { kind: 'list', value: names.map((each) => ({ kind: 'text', value: [each] })) };
  const value = placeholder(key, scene);
  if (value === undefined) return { kind: 'null' };
  // A number that CEL has no type for.
  if (key === 'http.request.tls.client.serial') return ERROR;
  if (/^http\.(?:vars\.|error\.)/.test(key)) return open(`{${key}} in an expression is not supported`);
  return { kind: NAMES.test(key) ? 'name' : 'text', value };
}

/** Reads an expression; `undefined` where it is not understood. */
export function parseExpression(source: string): Expression | undefined {
  const tokens = tokensOf(source);
  if (!tokens) return undefined;
  let at = 0;
  const state = { odd: false };
  const is = (sign: string): boolean => tokens[at]?.kind === 'sign' && tokens[at]?.text === sign;
  const eat = (sign: string): boolean => {
    if (!is(sign)) return false;
    at++;
    return true;
  };
  const need = (sign: string): void => {
    if (!eat(sign)) state.odd = true;
  };
  const listUntil = (sign: string): Expression[] => {
    const all: Expression[] = [];
    while (!state.odd && at < tokens.length && !is(sign)) {
      all.push(ternary());
      if (!eat(',')) break;
    }
    need(sign);
    return all;
  };
  const call = (name: string): Expression => {
    const args = listUntil(')');
    return (context) => {
      const words: (string | string[])[] = [];
      for (const arg of args) {
        const term = arg(context);
        const list = term.kind === 'list' ? term.value : [term];
        const texts = list.flatMap((each) =>
          each.kind === 'text' && !isOpen(each.value) && each.value.length === 1 ? [each.value[0] ?? ''] : [],
        );
        if (texts.length !== list.length) return open(`${name}() receives an unknown value`);
        words.push(term.kind === 'list' ? texts : (texts[0] ?? ''));
      }
      const answer = context.matcher(name, words);
      return answer === undefined
        ? open(`the function ${name} of an expression is not supported`)
        : bool(answer);
    };
  };
  const primary = (): Expression => {
    const token = tokens[at++];
    if (!token) {
      state.odd = true;
      return () => ERROR;
    }
    const { kind, text } = token;
    if (kind === 'placeholder') return (context) => ofPlaceholder(text, context);
    if (kind === 'text') return () => ({ kind: 'text', value: [text] });
    if (kind === 'number') return () => ({ kind: 'number', value: Number(text) });
    if (kind === 'name') {
      if (text === 'true' || text === 'false') return () => bool(text === 'true');
      if (text === 'null') return () => ({ kind: 'null' });
      if (eat('(')) return call(text);
      return () => open(`${text} of an expression is not supported`);
    }
    if (text === '(') {
      const inner = ternary();
      need(')');
      return inner;
    }
    if (text === '[') {
      const all = listUntil(']');
      return (context) => ({ kind: 'list', value: all.map((each) => each(context)) });
    }
    state.odd = true;
    return () => ERROR;
  };
  const postfix = (): Expression => {
    let subject = primary();
    while (!state.odd && eat('.')) {
      const name = tokens[at++];
      const before = subject;
      if (name?.kind !== 'name' || !eat('(')) {
        subject = () => open('a member of an expression is not supported');
        continue;
      }
      const args = listUntil(')');
      subject = (context) =>
        method(
          before(context),
          name.text,
          args.map((each) => each(context)),
          context,
        );
    }
    return subject;
  };
  const unary = (): Expression => {
    if (!eat('!')) return postfix();
    const inner = unary();
    return (context) => {
      const term = inner(context);
      return term.kind === 'bool'
        ? bool(!term.value)
        : term.kind === 'open' || term.kind === 'error'
          ? term
          : ERROR;
    };
  };
  const relation = (): Expression => {
    const left = unary();
    const token = tokens[at];
    if (token?.kind === 'name' && token.text === 'in') {
      at++;
      const right = unary();
      return (context) => contains(left(context), right(context), context);
    }
    if (token?.kind !== 'sign' || !/^(?:==|!=|[<>]=?|[-+*/%])$/.test(token.text)) return left;
    at++;
    const right = unary();
    return (context) => {
      if (token.text !== '==' && token.text !== '!=')
        return open(`${token.text} of an expression is not supported`);
      const answer = equals(left(context), right(context), context);
      return answer.kind === 'bool' && token.text === '!=' ? bool(!answer.value) : answer;
    };
  };
  const chain = (next: () => Expression, sign: string, decisive: boolean): Expression => {
    let left = next();
    while (!state.odd && eat(sign)) {
      const before = left;
      const right = next();
      left = (context) => both(before(context), right, decisive, context);
    }
    return left;
  };
  const ternary = (): Expression => {
    const condition = chain(() => chain(relation, '&&', false), '||', true);
    if (!eat('?')) return condition;
    const yes = ternary();
    need(':');
    const no = ternary();
    return (context) => {
      const term = condition(context);
      if (term.kind === 'bool') return (term.value ? yes : no)(context);
      return term.kind === 'open' || term.kind === 'error' ? term : ERROR;
    };
  };
  const whole = ternary();
  return state.odd || at < tokens.length ? undefined : whole;
}

/** Whether an expression holds; where it has no answer, the request has failed. */
export function expressionHolds(source: string, context: Context): boolean {
  const { ask, scene } = context;
  const unclear = (why: string): boolean =>
    ask({ key: `expression ${source}`, doubt: 'unknown', fallback: false, why });
  const expression = parseExpression(source);
  if (!expression) return unclear('it depends on an expression that is not understood');
  const term = expression(context);
  if (term.kind === 'bool') return term.value;
  if (term.kind === 'open') return unclear(term.why);
  scene.failed = true;
  return false;
}
