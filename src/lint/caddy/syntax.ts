/** A Caddyfile as segments (a line of words, and its block), with imports and snippets in their places. */
import { dirname, type Files, hasPattern, textOf, within } from '../files.js';
import { type LintFinding, type LintSource, type Place, referenceUnreadable } from '../finding.js';

export interface Word extends Place {
  text: string;
  /** The sign that it was quoted by; empty for none. */
  quote: string;
}

export interface Segment extends Place {
  words: readonly Word[];
  block?: readonly Segment[];
}

export interface Caddyfile {
  /** Sites and the global options, in their order. */
  sites: readonly Segment[];
  /** `&(name)`: routes that `invoke` runs. */
  named: ReadonlyMap<string, Segment>;
  findings: readonly LintFinding[];
  /** Why nothing can be relied on. */
  doubt?: Place & { why: string };
}

/** What an environment variable stands for is not known here; its default is what a site's address falls back to. */
const ENVIRONMENT = /\{\$([^:{}\s]+)(?::([^}]*))?\}/g;

export const ofEnvironment = (text: string): string | undefined => /\{\$([^}]+)\}/.exec(text)?.[1];

/** Cuts a text as Caddy's lexer does (caddyconfig/caddyfile/lexer.go): quotes, raw strings, here-documents, comments. */
export function wordsOf({ file, text: source }: LintSource): {
  words: Word[];
  defaults: Map<string, string>;
} {
  const defaults = new Map<string, string>();
  const text = source.replaceAll('\r\n', '\n').replace(ENVIRONMENT, (_, name: string, otherwise?: string) => {
    if (otherwise !== undefined) defaults.set(name, otherwise);
    return `{$${name}}`;
  });
  const words: Word[] = [];
  let line = 1;
  for (let at = 0; at < text.length;) {
    const sign = text.charAt(at);
    if (sign === '\n') line++;
    if (/\s/.test(sign)) {
      at++;
      continue;
    }
    if (sign === '#') {
      while (at < text.length && text[at] !== '\n') at++;
      continue;
    }
    if (sign === '\\' && text[at + 1] === '\n') {
      // The next line belongs to this one.
      at += 2;
      const rest = text.slice(at);
      const [blank = ''] = /^[ \t]*/.exec(rest) ?? [];
      at += blank.length;
      const joined = wordsOfLine(text, at);
      for (const word of joined.words) words.push({ ...word, file, line });
      at = joined.end;
      line++;
      continue;
    }
    const read = readWord(text, at);
    words.push({ file, line, text: read.text, quote: read.quote });
    line += text.slice(at, read.end).split('\n').length - 1;
    at = read.end;
  }
  return { words, defaults };
}

function readWord(text: string, start: number): { text: string; quote: string; end: number } {
  const sign = text.charAt(start);
  if (sign === '"' || sign === '`') {
    let word = '';
    let at = start + 1;
    for (; at < text.length && text[at] !== sign; at++) {
      if (sign === '"' && text[at] === '\\' && text[at + 1] === '"') at++;
      word += text.charAt(at);
    }
    return { text: word, quote: sign, end: at + 1 };
  }
  const here = /^<<([\w-]+)\n/.exec(text.slice(start, start + 200));
  if (here) {
    const body = text.slice(start + here[0].length);
    const close = new RegExp(`^[ \\t]*${here[1] ?? ''}(?![\\w-])`, 'm').exec(body);
    if (close)
      return {
        text: body.slice(0, close.index),
        quote: '`',
        end: start + here[0].length + close.index + close[0].length,
      };
  }
  let word = '';
  let at = start;
  for (; at < text.length && !/\s/.test(text.charAt(at)); at++) {
    if (text[at] === '\\' && text[at + 1] === '\n') break;
    if (text[at] === '\\' && /\s/.test(text[at + 1] ?? '')) at++;
    word += text.charAt(at);
  }
  return { text: word, quote: '', end: at };
}

/** The words up to the end of a line that a backslash continues. */
function wordsOfLine(text: string, start: number): { words: Omit<Word, keyof Place>[]; end: number } {
  const words: Omit<Word, keyof Place>[] = [];
  let at = start;
  for (;;) {
    while (/[ \t]/.test(text.charAt(at))) at++;
    if (at >= text.length || text[at] === '\n' || text.startsWith('\\\n', at)) return { words, end: at };
    const { end, ...word } = readWord(text, at);
    words.push(word);
    at = end;
  }
}

/** Groups words by lines and braces. @param odd is called where the braces do not fit */
function segmentsOf(words: readonly Word[], odd: (at: Place, why: string) => void): Segment[] {
  let at = 0;
  const block = (isTop: boolean, opened?: Place): Segment[] => {
    const segments: Segment[] = [];
    while (at < words.length) {
      const first = words[at];
      if (!first) break;
      if (first.text === '}' && first.quote === '') {
        at++;
        if (!isTop) return segments;
        odd(first, 'a closing brace has no opening one');
        continue;
      }
      const line: Word[] = [];
      let inner: Segment[] | undefined;
      for (let last = first; ;) {
        const word = words[at];
        if (!word || (word.line !== last.line && line.length > 0 && !(isTop && last.text.endsWith(','))))
          break;
        if (word.text === '}' && word.quote === '' && line.length > 0) break;
        at++;
        if (word.text === '{' && word.quote === '') {
          inner = block(false, word);
          break;
        }
        line.push(word);
        last = word;
      }
      segments.push({
        file: first.file,
        line: first.line,
        words: line,
        ...(inner === undefined ? {} : { block: inner }),
      });
    }
    if (!isTop && opened) odd(opened, 'a brace is not closed');
    return segments;
  };
  return block(true);
}

const MOST_IMPORTS = 1000;

/** Reads a Caddyfile with everything that it imports. */
export function readCaddyfile(source: LintSource, files: Files): Caddyfile {
  const findings: LintFinding[] = [];
  const snippets = new Map<string, readonly Segment[]>();
  const named = new Map<string, Segment>();
  const defaults = new Map<string, string>();
  let doubt: Caddyfile['doubt'];
  let imports = 0;
  const doubtAt = ({ file, line }: Place, why: string): void => void (doubt ??= { file, line, why });

  const parse = (from: LintSource): Segment[] => {
    const read = wordsOf(from);
    for (const [name, value] of read.defaults) defaults.set(name, value);
    return segmentsOf(read.words, doubtAt);
  };

  const withArguments = (segments: readonly Segment[], given: readonly Word[]): Segment[] =>
    segments.map((segment) => ({
      ...segment,
      words: segment.words.flatMap((word): Word[] => {
        if (/^\{args\[:\]\}$/.test(word.text)) return [...given];
        const text = word.text.replace(
          /\{args(?:\.(\d+)|\[(\d+)\])\}/g,
          (all, dotted?: string, indexed?: string) => given[Number(dotted ?? indexed)]?.text ?? all,
        );
        if (/\{(?:args\[|block(?:\.|\}))/.test(text)) {
          doubtAt(word, `${text} of a snippet is not supported`);
        }
        return [{ ...word, text }];
      }),
      ...(segment.block ? { block: withArguments(segment.block, given) } : {}),
    }));

  const imported = (segment: Segment, folder: string): Segment[] => {
    const [, target, ...given] = segment.words;
    if (!target || ++imports > MOST_IMPORTS) {
      doubtAt(segment, 'imports that are not understood');
      return [];
    }
    if (segment.block) doubtAt(segment, 'a block is given to an import');
    const snippet = snippets.get(target.text);
    if (snippet) return expand(withArguments(snippet, given), folder);
    const variable = ofEnvironment(target.text);
    if (variable !== undefined) {
      doubtAt(segment, `the import depends on the environment variable ${variable}`);
      return [];
    }
    const path = within(folder, target.text);
    const found = hasPattern(path) ? files.glob(path) : { paths: [path] };
    if (found.problem !== undefined) doubtAt(segment, found.problem);
    return found.paths.flatMap((each) => {
      const read = files.read(each);
      if ('problem' in read) {
        findings.push(referenceUnreadable(segment, each, read.problem));
        doubtAt(segment, `${each} could not be read: ${read.problem}`);
        return [];
      }
      return expand(withArguments(parse({ file: each, text: textOf(read.bytes) }), given), dirname(each));
    });
  };

  const expand = (segments: readonly Segment[], folder: string): Segment[] =>
    segments.flatMap((segment): Segment[] => {
      const [first] = segment.words;
      const snippet = /^\(([^()]+)\)$/.exec(first?.text ?? '')?.[1];
      if (snippet !== undefined && segment.block && segment.words.length === 1) {
        snippets.set(snippet, segment.block);
        return [];
      }
      const route = /^&\(([^()]+)\)$/.exec(first?.text ?? '')?.[1];
      if (route !== undefined && segment.block) {
        named.set(route, { ...segment, block: expand(segment.block, folder) });
        return [];
      }
      if (first?.text === 'import' && first.quote === '') return imported(segment, folder);
      return [{ ...segment, ...(segment.block ? { block: expand(segment.block, folder) } : {}) }];
    });

  const folder = dirname(source.file);
  const parsed = parse(source);
  // One site may do without braces: its addresses are the first line, and everything else is in it.
  const [head] = parsed;
  const isBare =
    head !== undefined &&
    head.block === undefined &&
    head.words.length > 0 &&
    head.words[0]?.text !== 'import';
  const top = isBare ? [{ ...head, block: expand(parsed.slice(1), folder) }] : expand(parsed, folder);
  const addressed = top.map((segment) => ({
    ...segment,
    words: segment.words.map((word) => ({
      ...word,
      text: word.text.replace(/\{\$([^}]+)\}/g, (all, name: string) => defaults.get(name) ?? all),
    })),
  }));
  return { sites: addressed, named, findings, ...(doubt === undefined ? {} : { doubt }) };
}
