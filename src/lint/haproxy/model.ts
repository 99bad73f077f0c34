/** What haproxy.cfg makes: frontends with their ways in, backends, and what they inherit. */
import { type Announced, announcedBy, NOTHING_ANNOUNCED } from '../api-gateway.js';
import { type Files, dirname, textOf, within } from '../files.js';
import { type LintFinding, type LintSource, type Place, referenceUnreadable } from '../finding.js';
import type { Identity } from '../identity.js';
import { type Material, readMaterial } from '../material.js';
import { type Line, type Section, sectionsOf, wordsOf } from './syntax.js';

/** How a `bind`, or a line of its crt-list, asks for certificates. */
export interface BindTls extends Place {
  verify: 'none' | 'optional' | 'required';
  trusted: readonly Identity[];
  materials: readonly Material[];
  /** What it says to accept: the subjects of ca-file, not of ca-verify-file, unless no-ca-names. */
  announced: Announced;
  /** Errors that are put up with: at the certificate itself, and further up. */
  ignoresOwn: ReadonlySet<number> | 'all';
  ignoresAuthority: ReadonlySet<number> | 'all';
  doubt?: string;
  /** Host names of a line of a crt-list. */
  names: readonly string[];
}

export interface Bind extends Place {
  addresses: readonly string[];
  isTls: boolean;
  /** One for each way the handshake may go, by the name that is asked for. */
  ways: readonly BindTls[];
  /** The words that a step shows. */
  text: string;
}

export interface Proxy extends Section {
  mode: string;
  binds: readonly Bind[];
  /** Its own lines, after those of its defaults that are not replaced. */
  rules: readonly Line[];
}

export interface HaproxyModel {
  frontends: readonly Proxy[];
  backends: ReadonlyMap<string, Proxy>;
  findings: readonly LintFinding[];
  /** Everything, for a search of what is listed. */
  all: readonly Line[];
  /** Why nothing can be relied on. */
  doubt?: Place & { why: string };
  /** A pattern or map file as lines; `undefined` where it cannot be read. */
  patterns(path: string, at: Place): readonly string[] | undefined;
}

const ERRORS: Readonly<Record<string, number>> = {
  X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: 18,
  X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: 19,
  X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 20,
  X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: 21,
  X509_V_ERR_CERT_HAS_EXPIRED: 10,
  X509_V_ERR_CERT_NOT_YET_VALID: 9,
  X509_V_ERR_CERT_SIGNATURE_FAILURE: 7,
  X509_V_ERR_INVALID_CA: 79,
};

function errorsOf(word: string | undefined): ReadonlySet<number> | 'all' | 'unclear' {
  if (word === undefined) return new Set();
  const parts = word.split(',');
  if (parts.includes('all')) return 'all';
  const codes = parts.map((each) => (/^\d+$/.test(each) ? Number(each) : ERRORS[each]));
  return codes.every((each) => each !== undefined) ? new Set(codes) : 'unclear';
}

/** The word after a keyword. */
export function after(words: readonly string[], keyword: string): string | undefined {
  const at = words.lastIndexOf(keyword);
  return at === -1 ? undefined : words[at + 1];
}

interface Context {
  files: Files;
  folder: string;
  caBase?: string;
  crtBase?: string;
  load(path: string, at: Place): Material;
  findings: LintFinding[];
}

/** A path as HAProxy finds it; `base` is `ca-base` or `crt-base`. */
function pathOf({ folder }: Context, path: string, base?: string): string {
  return within(within(folder, base ?? ''), path);
}

function tlsOf(words: readonly string[], at: Place, context: Context, names: readonly string[]): BindTls {
  const written = after(words, 'verify') ?? 'none';
  const verify = written === 'required' || written === 'optional' ? written : 'none';
  const cas = ['ca-file', 'ca-verify-file']
    .flatMap((name) => after(words, name) ?? [])
    .map((path) => ({
      path,
      material: path.startsWith('@') ? undefined : context.load(pathOf(context, path, context.caBase), at),
    }));
  const announcing = after(words, 'ca-file');
  const announced: Announced =
    announcing === undefined || verify === 'none' || words.includes('no-ca-names')
      ? NOTHING_ANNOUNCED
      : announcing.startsWith('@')
        ? { ...NOTHING_ANNOUNCED, doubt: `${announcing} refers to the CAs of the system` }
        : announcedBy([context.load(pathOf(context, announcing, context.caBase), at)]);
  const own = errorsOf(after(words, 'crt-ignore-err'));
  const authority = errorsOf(after(words, 'ca-ignore-err'));
  const materials = verify === 'none' ? [] : cas.flatMap(({ material }) => material ?? []);
  const system = cas.find(({ material }) => material === undefined);
  const doubt =
    (system ? `${system.path} refers to the CAs of the system` : undefined) ??
    materials.find(({ problem }) => problem !== undefined)?.problem ??
    (after(words, 'crl-file') === undefined ? undefined : 'a revocation list also applies (crl-file)') ??
    (own === 'unclear' || authority === 'unclear' ? 'it ignores an unknown error' : undefined) ??
    (verify !== 'none' && cas.length === 0 ? `verify ${verify} without ca-file` : undefined) ??
    (written === 'none' || verify !== 'none' ? undefined : `verify ${written} is not understood`);
  return {
    ...at,
    verify,
    trusted: materials.flatMap(({ certificates }) => certificates),
    materials,
    announced,
    ignoresOwn: own === 'unclear' ? new Set() : own,
    ignoresAuthority: authority === 'unclear' ? new Set() : authority,
    names,
    ...(doubt === undefined || (verify === 'none' && written === 'none') ? {} : { doubt }),
  };
}

/** The lines of a crt-list with options of their own; the first is also for who asks for no name of the list. */
function crtListOf(path: string, words: readonly string[], at: Place, context: Context): BindTls[] {
  const located = pathOf(context, path, undefined);
  const read = context.files.read(located);
  if ('problem' in read) {
    context.findings.push(referenceUnreadable(at, `crt-list ${path}`, read.problem));
    return [
      { ...tlsOf(words, at, context, []), doubt: `the crt-list ${path} could not be read: ${read.problem}` },
    ];
  }
  return textOf(read.bytes)
    .split('\n')
    .flatMap((raw, index): BindTls[] => {
      const line = raw.replace(/^\s*#.*|\s#.*$/, '').trim();
      if (line === '') return [];
      const [, options = '', names = ''] = /^\S+\s*(?:\[([^\]]*)\])?\s*(.*)$/.exec(line) ?? [];
      // What stands in the brackets replaces what the bind says.
      return [
        tlsOf([...words, ...wordsOf(options)], { file: located, line: index + 1 }, context, wordsOf(names)),
      ];
    });
}

function bindOf({ words, file, line }: Line, context: Context): Bind {
  const at = { file, line };
  const [, addresses = '', ...options] = words;
  const isTls = options.includes('ssl');
  const list = after(options, 'crt-list');
  const own = options.includes('crt') || list === undefined ? [tlsOf(options, at, context, [])] : [];
  return {
    ...at,
    addresses: addresses.split(','),
    isTls,
    ways: isTls ? [...own, ...(list === undefined ? [] : crtListOf(list, options, at, context))] : [],
    text: words.join(' '),
  };
}

/** Directives of `defaults` that proxies take over as they are. */
const INHERITED =
  /^(?:mode|default_backend|monitor-uri|filter|errorfile|http-request|tcp-request|http-after-response|stats)$/;

/** Reads haproxy.cfg, or several files in their order. */
export function haproxyModel(sources: readonly LintSource[], files: Files): HaproxyModel {
  const { sections, conditional, environment } = sectionsOf(sources);
  const top = sources[0]?.file ?? '';
  const findings: LintFinding[] = [];
  const loaded = new Map<string, Material>();
  const global = sections.filter(({ kind }) => kind === 'global').flatMap(({ lines }) => lines);
  const base = (name: string): string | undefined => global.find(({ words }) => words[0] === name)?.words[1];
  const caBase = base('ca-base');
  const crtBase = base('crt-base');
  const context: Context = {
    files,
    folder: dirname(top),
    findings,
    ...(caBase === undefined ? {} : { caBase }),
    ...(crtBase === undefined ? {} : { crtBase }),
    load(path, at) {
      const known = loaded.get(path) ?? readMaterial(path, at, files);
      if (!loaded.has(path)) findings.push(...known.findings);
      loaded.set(path, known);
      return known;
    },
  };

  let defaults: Section | undefined;
  const named = new Map<string, Section>();
  const proxies = sections.flatMap((section): Proxy[] => {
    if (section.kind === 'defaults') {
      defaults = section;
      if (section.name !== '') named.set(section.name, section);
      return [];
    }
    if (!/^(?:frontend|listen|backend)$/.test(section.kind)) return [];
    const from = after(section.words, 'from');
    const parent = from === undefined ? defaults : named.get(from);
    const taken = parent?.lines.filter(({ words }) => INHERITED.test(words[0] ?? '')) ?? [];
    const rules = [...taken, ...section.lines];
    const modes = rules.filter(({ words }) => words[0] === 'mode');
    const short =
      section.kind !== 'backend' && section.words[2]?.includes(':')
        ? [{ ...section, words: ['bind', section.words[2]] }]
        : [];
    const binds =
      section.kind === 'backend'
        ? []
        : [...short, ...section.lines.filter(({ words }) => words[0] === 'bind')];
    return [
      {
        ...section,
        mode: modes.at(-1)?.words[1] ?? 'tcp',
        binds: binds.map((each) => bindOf(each, context)),
        rules,
      },
    ];
  });
  const odd = conditional[0];
  const doubt = odd
    ? { file: odd.file, line: odd.line, why: 'it depends on a condition (.if)' }
    : environment[0]
      ? { file: environment[0].file, line: environment[0].line, why: 'it uses a value from the environment' }
      : undefined;
  return {
    frontends: proxies.filter(({ kind }) => kind !== 'backend'),
    backends: new Map(proxies.filter(({ kind }) => kind !== 'frontend').map((each) => [each.name, each])),
    findings,
    all: sections.flatMap(({ lines }) => lines),
    ...(doubt === undefined ? {} : { doubt }),
    patterns(path, at) {
      const located = pathOf(context, path);
      const read = files.read(located);
      if ('bytes' in read)
        return textOf(read.bytes)
          .split('\n')
          .map((each) => each.trim())
          .filter((each) => each !== '' && !each.startsWith('#'));
      const finding = referenceUnreadable(at, path, read.problem);
      if (!findings.some((each) => JSON.stringify(each) === JSON.stringify(finding))) findings.push(finding);
      return undefined;
    },
  };
}
