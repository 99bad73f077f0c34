/** mod_rewrite for one request: conditions, flags, and what a rule makes of the path. */
import { regexOf } from '../regex.js';
import type { Ask } from '../outcome.js';
import { isOpen, test, unknown, type Value } from '../value.js';
import { evaluate, expand as expandBy, type Scene, variable } from './expression.js';
import type { Node } from './syntax.js';

/** `none`: nothing that ends the request. */
export type Rewritten =
  | { kind: 'none' }
  | { kind: 'refused'; by: Node }
  | { kind: 'proxied'; by: Node }
  /** Another file than the path says, for which sections still hold by that path. */
  | { kind: 'mapped'; by: Node }
  | { kind: 'unknown'; by: Node; why: string };

/** mod_rewrite has the variables of mod_ssl behind `SSL:` alone; without it they are names of nothing, and empty. */
const expand = (text: string, scene: Scene): Value =>
  expandBy(text, scene, (name, at) => (name.startsWith('SSL_') ? [''] : variable(name, at)));

const flagsOf = (node: Node): string[] =>
  (/^\[(.*)\]$/.exec(node.words[2] ?? '')?.[1] ?? '').split(',').map((each) => each.trim());

function condition(node: Node, scene: Scene, ask: Ask): boolean {
  const [subject = '', pattern = '', flags = ''] = node.words;
  const why = `RewriteCond ${node.args} is not supported`;
  if (subject.toLowerCase() === 'expr') return evaluate(pattern, scene, node, ask);
  const value: Value = /\$\d|%\d/.test(subject) ? unknown(subject, why) : expand(subject, scene);
  const isNegated = pattern.startsWith('!');
  const bare = isNegated ? pattern.slice(1) : pattern;
  const ignoresCase = /\bNC\b|nocase/.test(flags);
  const fold = (text: string): string => (ignoresCase ? text.toLowerCase() : text);
  if (/^-[a-zA-Z]+$/.test(bare) || /^-(?:eq|ge|gt|le|lt|ne)/.test(bare)) {
    return ask({
      key: node.args,
      doubt: /^-[dfslFhLx]$/.test(bare) ? 'given' : 'unknown',
      fallback: isNegated,
      why,
    });
  }
  if (bare.startsWith('=')) {
    const right = bare.slice(1).replace(/^"(.*)"$/, '$1');
    return test(value, `is ${right} ${ignoresCase}`, (text) => fold(text) === fold(right), ask) !== isNegated;
  }
  if (/^[<>]/.test(bare)) return ask({ key: node.args, doubt: 'unknown', fallback: false, why });
  const compiled = regexOf(bare, ignoresCase ? 'i' : '');
  return (
    test(
      value,
      `fits ${bare} ${ignoresCase}`,
      (text) => (compiled && !(text.endsWith('\n') && bare.includes('$')) ? compiled.test(text) : undefined),
      ask,
    ) !== isNegated
  );
}

/**
 * Applies the rules of one level in their order.
 * @param engine the `RewriteEngine` that holds for them, which other levels may have
 * @param strip what of the path rules of a section do not see: its own prefix
 */
export function rewrite(
  nodes: readonly Node[],
  engine: Node | undefined,
  scene: Scene,
  ask: Ask,
  strip: string | undefined,
  note: (node: Node, text: string) => void,
): Rewritten {
  if (!/^on$/i.test(engine?.words[0] ?? 'off')) return { kind: 'none' };
  let conditions: Node[] = [];
  let skip = 0;
  let isChained = true;
  const asked = scene.request;
  let mapped: Node | undefined;
  for (const node of nodes) {
    if (node.name === 'rewritemap')
      return { kind: 'unknown', by: node, why: `RewriteMap is not supported (line ${node.line})` };
    if (node.name === 'rewriteoptions' && /inherit/i.test(node.args))
      return { kind: 'unknown', by: node, why: `RewriteOptions ${node.args} is not supported` };
    if (node.name === 'rewritecond') conditions.push(node);
    if (node.name !== 'rewriterule') continue;
    const own = conditions;
    conditions = [];
    const flags = flagsOf(node);
    const has = (...names: string[]): boolean =>
      flags.some((flag) => names.includes(flag.split('=')[0] ?? ''));
    const chains = has('C', 'chain');
    if (skip > 0) {
      skip--;
      continue;
    }
    if (!isChained) {
      isChained = !chains;
      continue;
    }
    const [pattern = '', target = ''] = node.words;
    const isNegated = pattern.startsWith('!');
    const source = isNegated ? pattern.slice(1) : pattern;
    const compiled = regexOf(source, has('NC', 'nocase') ? 'i' : '');
    const { path } = scene.request;
    const subject: Value =
      path === undefined
        ? { doubt: 'chosen', key: 'path', why: 'it depends on the path' }
        : [strip === undefined ? path : path.startsWith(strip) ? path.slice(strip.length) : path];
    const fitsAll =
      /^(?:\^|\.\*|\^\.\*|\^\.\*\$|\(\.\*\)|\^\(\.\*\)\$?|\.\?|\^\/)$/.test(source) &&
      !(source === '^/' && strip !== undefined);
    const matches =
      (fitsAll ? true : test(subject, `fits ${source}`, (text) => compiled?.test(text), ask)) !== isNegated;
    let holds = matches;
    if (matches && own.length > 0) {
      // Conditions are joined by "and", those before an OR by "or".
      let group = false;
      for (const each of own) {
        const answer = condition(each, scene, ask);
        note(each, answer ? ' holds' : ' does not hold');
        group ||= answer;
        if (/\bOR\b|ornext/.test(each.words[2] ?? '')) continue;
        if (!group) holds = false;
        group = false;
      }
    }
    note(node, holds ? '' : ' (does not apply)');
    if (!holds) {
      isChained = !chains;
      continue;
    }
    for (const flag of flags) {
      const [, name = '', text = ''] = /^(?:E|env)=!?([^:]+):?(.*)$/.exec(flag) ?? [];
      if (name !== '')
        scene.environment.set(
          name,
          flag.includes('=!')
            ? ['']
            : /\$\d|%\d/.test(text)
              ? unknown(name, 'it depends on a captured group')
              : expand(text, scene),
        );
    }
    const status = /^(?:R|redirect)=(\d+)$/.exec(
      flags.find((flag) => /^(?:R|redirect)=/.test(flag)) ?? '',
    )?.[1];
    if (has('F', 'forbidden', 'G', 'gone')) return { kind: 'refused', by: node };
    if (has('R', 'redirect') || /^https?:\/\//.test(target)) {
      if (has('P', 'proxy')) return { kind: 'proxied', by: node };
      return status?.startsWith('2') === true
        ? { kind: 'unknown', by: node, why: `[R=${status}] is not supported` }
        : { kind: 'refused', by: node };
    }
    if (has('P', 'proxy')) return { kind: 'proxied', by: node };
    if (has('N', 'next'))
      return { kind: 'unknown', by: node, why: `the flag N is not supported (line ${node.line})` };
    const jump = /^(?:S|skip)=(\d+)$/.exec(flags.find((flag) => /^(?:S|skip)=/.test(flag)) ?? '')?.[1];
    if (jump !== undefined) skip = Number(jump);
    if (target !== '-') {
      if (strip !== undefined)
        return {
          kind: 'unknown',
          by: node,
          why: `a rule inside of a section changes the path (line ${node.line})`,
        };
      const match = path === undefined ? undefined : compiled?.exec(path);
      const replaced = target.replace(/\$(\d)/g, (_, digit: string) => match?.[Number(digit)] ?? '');
      const made =
        /%\d|\$\{/.test(target) || (/\$\d/.test(target) && !match) ? undefined : expand(replaced, scene);
      if (made !== undefined && !isOpen(made) && made.length === 1)
        scene.request = { ...scene.request, path: (made[0] ?? '').split('?')[0] ?? '' };
      else {
        const { method, address } = scene.request;
        scene.request = { method, ...(address === undefined ? {} : { address }) };
      }
    }
    const isPassed = has('PT', 'passthrough');
    if (target !== '-') mapped = isPassed ? undefined : node;
    else if (isPassed) mapped = undefined;
    // PT implies L.
    if (isPassed || has('L', 'last', 'END')) break;
  }
  if (mapped === undefined) return { kind: 'none' };
  scene.request = asked;
  return { kind: 'mapped', by: mapped };
}
