import { DEEPEST_INCLUDE, type LintSource, type Place, type ReadIncluded } from './finding.js';

/** A directive of nginx's configuration, its block's directives with it. */
export interface NginxDirective extends Place {
  name: string;
  args: string[];
  children: NginxDirective[];
}

interface Token {
  text: string;
  line: number;
  quoted: boolean;
}

/** Cuts a text into words and the signs `;`, `{`, `}`. Whatever it is, it comes to an end. */
function* tokens(text: string): Generator<Token> {
  const PATTERN =
    /(\n)|[^\S\n]+|#[^\n]*|("(?:\\[^]|[^"\\])*"?|'(?:\\[^]|[^'\\])*'?)|([;{}])|((?:\$\{[^}\n]*\}?|\\[^]|[^\s;{}"'\\])(?:\$\{[^}\n]*\}?|\\[^]|[^\s;{}\\])*)|(\\)/g;
  let line = 1;
  for (const [all, newline, quote, sign, word] of text.matchAll(PATTERN)) {
    const at = line;
    if (newline !== undefined) line++;
    else if (quote !== undefined) {
      line += quote.split('\n').length - 1;
      const end = quote.length > 1 && quote.endsWith(quote.charAt(0)) ? -1 : undefined;
      yield { text: quote.slice(1, end).replace(/\\(["'\\])/g, '$1'), line: at, quoted: true };
    } else if (sign !== undefined) yield { text: sign, line: at, quoted: false };
    else if (word !== undefined) {
      line += word.split('\n').length - 1;
      yield { text: word, line: at, quoted: true };
    } else if (all === '\\') yield { text: all, line: at, quoted: true };
  }
}

/**
 * Reads nginx's configuration, or a part of one, and puts in place what it includes. Braces that do not match are put
 * up with: nginx itself says so.
 */
export function parseNginx(
  { file, text }: LintSource,
  readIncluded: ReadIncluded,
  depth = 0,
): NginxDirective[] {
  const root: NginxDirective[] = [];
  const open: NginxDirective[][] = [root];
  let words: Token[] = [];
  const finish = (): NginxDirective | undefined => {
    const [first, ...rest] = words;
    words = [];
    if (!first) return undefined;
    const args = rest.map((each) => each.text);
    const directive: NginxDirective = { name: first.text, args, file, line: first.line, children: [] };
    const included =
      first.text === 'include' && depth < DEEPEST_INCLUDE ? readIncluded(args[0] ?? '', file) : undefined;
    open
      .at(-1)
      ?.push(...(included?.flatMap((each) => parseNginx(each, readIncluded, depth + 1)) ?? [directive]));
    return directive;
  };
  for (const token of tokens(text)) {
    if (token.quoted) words.push(token);
    else if (token.text === ';') finish();
    else if (token.text === '{') open.push(finish()?.children ?? []);
    else {
      finish();
      if (open.length > 1) open.pop();
    }
  }
  finish();
  return root;
}

/** A directive and everything below it. */
export function* below(directives: readonly NginxDirective[]): Generator<NginxDirective> {
  const waiting = [...directives];
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    yield next;
    waiting.unshift(...next.children);
  }
}
