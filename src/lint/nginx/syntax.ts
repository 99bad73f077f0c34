/** nginx's configuration as a tree with places, everything that it includes put in place. */
import { type Files, dirname, hasPattern, textOf, within } from '../files.js';
import { type LintFinding, type LintSource, type Place, referenceUnreadable } from '../finding.js';

/** A directive, with its block's directives where it has a block. */
export interface Directive extends Place {
  name: string;
  args: readonly string[];
  block?: readonly Directive[];
}

/** The name of a directive that stands for an include that could not be read: anything could be in there. */
export const UNREADABLE = '(unreadable include)';

export interface Tree {
  directives: readonly Directive[];
  findings: readonly LintFinding[];
  /** Where the configuration as a whole cannot be what a server loads. */
  problem?: Place & { text: string };
}

interface Token extends Place {
  text: string;
  /** `;`, `{` and `}` outside of quotes. */
  sign: boolean;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  t: '\t',
  r: '\r',
  n: '\n',
};

const unescape = (text: string): string =>
  text.replace(/\\(["'\\trn])/g, (all, sign: string) => ESCAPES[sign] ?? all);

/** Cuts a text into words and signs as `ngx_conf_read_token` does. */
function tokensOf({ file, text }: LintSource): { tokens: Token[]; open?: number } {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  let first = true;
  while (at < text.length) {
    const sign = text.charAt(at);
    if (sign === '\n') line++;
    if (/\s/.test(sign)) {
      at++;
      continue;
    }
    if (sign === '#') {
      const end = text.indexOf('\n', at);
      at = end === -1 ? text.length : end;
      continue;
    }
    const begin = line;
    if (sign === ';' || sign === '{' || sign === '}') {
      const last = tokens.at(-1);
      tokens.push({ text: sign, file, line, sign: true });
      at++;
      // Programs in braces have a syntax of their own.
      if (sign === '{' && last && !last.sign && startsLua(tokens)) {
        const end = endOfLua(text, at);
        if (end === undefined) return { tokens, open: line };
        tokens.pop();
        tokens.push({ text: '', file, line, sign: false }, { text: ';', file, line, sign: true });
        line += text.slice(at, end).split('\n').length - 1;
        at = end;
      }
      first = true;
      continue;
    }
    if (sign === '"' || sign === "'") {
      let end = at + 1;
      while (end < text.length && text[end] !== sign) end += text[end] === '\\' ? 2 : 1;
      if (end >= text.length) return { tokens, open: begin };
      const word = text.slice(at + 1, end);
      line += word.split('\n').length - 1;
      tokens.push({ text: unescape(word), file, line: begin, sign: false });
      at = end + 1;
      first = false;
      continue;
    }
    let end = at;
    while (end < text.length && !/[\s;{]/.test(text.charAt(end))) {
      if (text[end] === '\\') end++;
      else if (text[end] === '$' && text[end + 1] === '{') {
        const close = text.indexOf('}', end);
        if (close !== -1) end = close;
      }
      end++;
    }
    tokens.push({ text: unescape(text.slice(at, end)), file, line: begin, sign: false });
    line += text.slice(at, end).split('\n').length - 1;
    at = end;
    first = false;
  }
  return first ? { tokens } : { tokens, open: line };
}

/** Whether the `{` that was read last begins a block of Lua. */
function startsLua(tokens: readonly Token[]): boolean {
  let at = tokens.length - 2;
  while (at >= 0 && !tokens[at]?.sign) at--;
  return tokens[at + 1]?.text.endsWith('_by_lua_block') === true;
}

/** The offset after the brace that ends a block of Lua; strings and comments may hold braces. */
function endOfLua(text: string, from: number): number | undefined {
  let depth = 1;
  const PATTERN =
    /--\[(=*)\[[^]*?\]\1\]|--[^\n]*|\[(=*)\[[^]*?\]\2\]|"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'|[{}]/g;
  PATTERN.lastIndex = from;
  for (let match = PATTERN.exec(text); match; match = PATTERN.exec(text)) {
    if (match[0] === '{') depth++;
    if (match[0] === '}' && --depth === 0) return match.index + 1;
  }
  return undefined;
}

/** A file may include itself; nginx itself would never come to an end. */
const DEEPEST = 40;

/**
 * The folder that relative paths start at: that of the main file. Of a part of a configuration it is not known, and the
 * nearest folder above it in which the path leads anywhere is taken.
 */
export function locate(path: string, top: string, isMain: boolean, files: Files): string {
  const exists = (candidate: string): boolean =>
    hasPattern(candidate) ? files.glob(candidate).paths.length > 0 : !isMissing(files, candidate);
  let folder = dirname(top);
  const own = within(folder, path);
  if (isMain || own === path) return own;
  for (;;) {
    const candidate = within(folder, path);
    if (exists(candidate)) return candidate;
    const parent = dirname(folder);
    if (parent === folder) return own;
    folder = parent;
  }
}

function isMissing(files: Files, path: string): boolean {
  const read = files.read(path);
  return 'problem' in read && read.problem === 'it does not exist';
}

const isMainText = (text: string): boolean => /^\s*(?:http|events|stream)\s*\{/m.test(text);

/** Reads a configuration, or a part of one, with everything that it includes. */
export function parseNginx(source: LintSource, files: Files): Tree & { isMain: boolean } {
  const findings: LintFinding[] = [];
  const isMain = isMainText(source.text);
  let problem: (Place & { text: string }) | undefined;
  const fail = (place: Place, text: string): void => {
    problem ??= { file: place.file, line: place.line, text };
  };

  const included = (directive: Directive, depth: number): Directive[] => {
    const { file, line } = directive;
    const unreadable = (path: string, why: string): Directive => {
      findings.push(referenceUnreadable(directive, `include ${path}`, why));
      return { name: UNREADABLE, args: [path], file, line };
    };
    const [pattern = ''] = directive.args;
    if (depth > DEEPEST) return [unreadable(pattern, 'files include each other')];
    const path = locate(pattern, source.file, isMain, files);
    const { paths, problem: why } = hasPattern(path) ? files.glob(path) : { paths: [path] };
    const all = paths.flatMap((each) => {
      const read = files.read(each);
      if ('problem' in read) return [unreadable(each, read.problem)];
      return parse({ file: each, text: textOf(read.bytes) }, depth + 1);
    });
    return why === undefined ? all : [...all, unreadable(path, why)];
  };

  const parse = (from: LintSource, depth: number): Directive[] => {
    const { tokens, open } = tokensOf(from);
    if (open !== undefined)
      fail({ file: from.file, line: open }, 'a directive or a string is not terminated');
    let at = 0;
    const block = (isTop: boolean): Directive[] => {
      const directives: Directive[] = [];
      let words: Token[] = [];
      for (let token = tokens[at++]; token; token = tokens[at++]) {
        if (!token.sign) {
          words.push(token);
          continue;
        }
        const [name, ...args] = words;
        words = [];
        if (token.text === '}') {
          if (name) fail(name, `"${name.text}" does not end with a semicolon`);
          if (!isTop) return directives;
          fail(token, 'there is an extra }');
          continue;
        }
        if (!name) {
          if (token.text === ';') continue;
          fail(token, 'a block has no name');
          block(false);
          continue;
        }
        const directive: Directive = {
          name: name.text,
          args: args.map(({ text }) => text),
          file: name.file,
          line: name.line,
          ...(token.text === '{' ? { block: block(false) } : {}),
        };
        if (directive.name === 'include' && !directive.block && directive.args.length === 1) {
          directives.push(...included(directive, depth));
        } else directives.push(directive);
      }
      if (!isTop) fail({ file: from.file, line: tokens.at(-1)?.line ?? 1 }, 'a block is not closed');
      return directives;
    };
    return block(true);
  };

  const directives = parse(source, 0);
  return { directives, findings, isMain, ...(problem === undefined ? {} : { problem }) };
}

/** A directive and everything below it. */
export function* below(directives: readonly Directive[]): Generator<Directive> {
  for (const each of directives) {
    yield each;
    if (each.block) yield* below(each.block);
  }
}
