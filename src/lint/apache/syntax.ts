/** Apache's configuration as a tree with places: includes, definitions and conditions of the start are resolved. */
import { type Files, dirname, hasPattern, textOf, within } from '../files.js';
import { type LintFinding, type LintSource, type Place, referenceUnreadable } from '../finding.js';

/** A directive, or a section with what is in it. */
export interface Node extends Place {
  /** Lower case. */
  name: string;
  /** As it is written, quotes included. */
  args: string;
  words: readonly string[];
  children?: Node[];
}

export interface Tree {
  nodes: readonly Node[];
  findings: readonly LintFinding[];
  /** Why the whole cannot be relied on. */
  doubt?: Place & { why: string };
}

/** The name of a node that stands for an include that could not be read. */
export const UNREADABLE = '(unreadable include)';

/** Words of a line: quotes of both kinds, with `\"` in them. */
export function wordsOf(text: string): string[] {
  return [...text.matchAll(/"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(\S+)/g)].map(
    ([, double, single, bare]) =>
      double !== undefined
        ? double.replace(/\\(["\\])/g, '$1')
        : single !== undefined
          ? single.replace(/\\(['\\])/g, '$1')
          : (bare ?? ''),
  );
}

interface Raw extends Place {
  text: string;
}

/** Lines with their continuations joined, without comments. */
function linesOf({ file, text }: LintSource): Raw[] {
  const lines: Raw[] = [];
  let pending: Raw | undefined;
  text.split('\n').forEach((raw, index) => {
    const line = raw.replace(/\r$/, '');
    pending = { file, line: pending?.line ?? index + 1, text: `${pending?.text ?? ''}${line}` };
    if (pending.text.endsWith('\\') && !pending.text.trimStart().startsWith('#')) {
      pending.text = pending.text.slice(0, -1);
      return;
    }
    const trimmed = pending.text.trim();
    if (trimmed !== '' && !trimmed.startsWith('#')) lines.push({ ...pending, text: trimmed });
    pending = undefined;
  });
  if (pending && pending.text.trim() !== '') lines.push({ ...pending, text: pending.text.trim() });
  return lines;
}

/** Modules that are built in on every system. */
const STATIC = new Set([
  'core_module',
  'so_module',
  'http_module',
  'unixd_module',
  'log_config_module',
  'version_module',
  'watchdog_module',
  'logio_module',
]);

/** `mod_ssl.c` and `ssl_module` are one. */
const moduleName = (written: string): string => {
  const file = /^mod_(\w+)\.c$/.exec(written)?.[1];
  return file === undefined ? written : `${file}_module`;
};

const DEEPEST = 40;

/** A version that conditions are held against: any 2.4 of today. */
const VERSION = [2, 4, 58];

function versionHolds(words: readonly string[]): boolean | undefined {
  const [operator, written] = words.length === 1 ? ['=', words[0] ?? ''] : [words[0] ?? '', words[1] ?? ''];
  if (!/^\d+(?:\.\d+)*$/.test(written)) return undefined;
  const parts = written.split('.').map(Number);
  let order = 0;
  for (const [at, part] of parts.entries()) if (order === 0) order = Math.sign((VERSION[at] ?? 0) - part);
  switch (operator.replace('!', '')) {
    case '=':
    case '==':
      return (order === 0) !== operator.startsWith('!');
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    default:
      return undefined;
  }
}

/** Directives that may decide who is admitted: in a condition that cannot be told they make everything uncertain. */
const DECIDES =
  /^(?:ssl|require|satisfy|order$|allow$|deny$|rewrite|auth|include|proxypass|virtualhost|location|directory|files|if)/;

export function parseApache(source: LintSource, files: Files): Tree {
  const findings: LintFinding[] = [];
  const defined = new Map<string, string>();
  const modules = new Set<string>(STATIC);
  let serverRoot: string | undefined;
  let doubt: (Place & { why: string }) | undefined;
  const fail = ({ file, line }: Place, why: string): void => {
    doubt ??= { file, line, why };
  };
  // A part of a configuration loads no module itself: those that it uses are there.
  const loadsModules = /^[ \t]*LoadModule\b/im.test(source.text);

  const substituted = (text: string): string =>
    text.replace(/\$\{(\w+)\}/g, (all, name: string) => defined.get(name) ?? all);

  const locate = (path: string): string => {
    if (serverRoot !== undefined) return within(serverRoot, path);
    for (let folder = dirname(source.file); ; folder = dirname(folder)) {
      const candidate = within(folder, path);
      const found = hasPattern(candidate)
        ? files.glob(candidate).paths.length > 0
        : 'bytes' in files.read(candidate) || files.list(candidate) !== undefined;
      if (found) return candidate;
      if (dirname(folder) === folder) return within(dirname(source.file), path);
    }
  };

  const included = (raw: Raw, pattern: string, isOptional: boolean, depth: number): Node[] => {
    const { file, line } = raw;
    const unreadable = (path: string, why: string): Node => {
      findings.push(referenceUnreadable(raw, `Include ${path}`, why));
      return { name: UNREADABLE, args: path, words: [path], file, line };
    };
    if (depth > DEEPEST) return [unreadable(pattern, 'files include each other')];
    if (pattern.includes('${'))
      return isOptional ? [] : [unreadable(pattern, 'a variable in it is not defined')];
    const path = locate(pattern);
    const { paths, problem } = hasPattern(path) ? files.glob(path) : { paths: [path] };
    if (paths.length === 0 && !isOptional && problem === undefined)
      return [unreadable(path, 'nothing matches it')];
    const nodes = paths.flatMap(function visit(each: string): Node[] {
      const entries = files.list(each);
      if (entries) return entries.flatMap(visit);
      const read = files.read(each);
      if ('problem' in read)
        return isOptional && read.problem === 'it does not exist' ? [] : [unreadable(each, read.problem)];
      return parse({ file: each, text: textOf(read.bytes) }, depth + 1);
    });
    return problem === undefined ? nodes : [...nodes, unreadable(path, problem)];
  };

  /** Whether a condition of the start holds; `undefined` where that cannot be told. */
  const holds = (name: string, words: readonly string[]): boolean | undefined => {
    const [first = ''] = words;
    const isNegated = first.startsWith('!');
    const what = isNegated ? first.slice(1) : first;
    switch (name) {
      case 'ifmodule':
        return (!loadsModules || modules.has(moduleName(what))) !== isNegated;
      case 'ifdefine':
        return defined.has(what) ? !isNegated : undefined;
      case 'ifversion':
        return versionHolds(words);
      case 'iffile':
        return ('bytes' in files.read(locate(what)) || files.list(locate(what)) !== undefined) !== isNegated;
      default:
        return undefined;
    }
  };

  const parse = (from: LintSource, depth: number): Node[] => {
    const lines = linesOf(from);
    let at = 0;
    const block = (closing: string | undefined, isSkipped: boolean): Node[] => {
      const nodes: Node[] = [];
      for (let raw = lines[at++]; raw; raw = lines[at++]) {
        const end = /^<\/(\w+)\s*>/.exec(raw.text);
        if (end) {
          if (end[1]?.toLowerCase() !== closing) fail(raw, `</${end[1] ?? ''}> has no opening tag`);
          return nodes;
        }
        const text = substituted(raw.text);
        const section = /^<(\w+)\s*([^]*?)\s*>$/.exec(text);
        if (section) {
          const name = (section[1] ?? '').toLowerCase();
          const args = section[2] ?? '';
          const words = wordsOf(args);
          if (/^if(?:module|define|version|file)$/.test(name)) {
            const isTrue = isSkipped ? false : holds(name, words);
            const inner = block(name, isTrue === false || isSkipped);
            if (isTrue === true) nodes.push(...inner);
            else if (isTrue === undefined && inner.some(({ name: each }) => DECIDES.test(each))) {
              fail(raw, `whether <${section[1] ?? ''} ${args}> applies depends on how the server is started`);
            }
            continue;
          }
          if (name === 'macro') fail(raw, 'macros are not expanded');
          nodes.push({ name, args, words, file: raw.file, line: raw.line, children: block(name, isSkipped) });
          continue;
        }
        const [, written = '', args = ''] = /^(\S+)\s*([^]*)$/.exec(text) ?? [];
        const name = written.toLowerCase();
        const words = wordsOf(args);
        if (!isSkipped) {
          if (name === 'define') defined.set(words[0] ?? '', words[1] ?? '');
          if (name === 'undefine') defined.delete(words[0] ?? '');
          if (name === 'serverroot') serverRoot = words[0];
          if (name === 'loadmodule') modules.add(words[0] ?? '');
          if (name === 'include' || name === 'includeoptional') {
            nodes.push(...included(raw, words[0] ?? '', name === 'includeoptional', depth));
            continue;
          }
        }
        nodes.push({ name, args, words, file: raw.file, line: raw.line });
      }
      if (closing !== undefined)
        fail({ file: from.file, line: lines.at(-1)?.line ?? 1 }, `<${closing}> is not closed`);
      return nodes;
    };
    return block(undefined, false);
  };
  const nodes = parse(source, 0);
  return { nodes, findings, ...(doubt === undefined ? {} : { doubt }) };
}

/** A node and everything below it. */
export function* below(nodes: readonly Node[]): Generator<Node> {
  for (const each of nodes) {
    yield each;
    if (each.children) yield* below(each.children);
  }
}
