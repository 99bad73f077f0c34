import {
  judgePins,
  type LintFinding,
  type LintReference,
  type LintResult,
  type LintSource,
  type PinClass,
  type Place,
} from './finding.js';

interface Line extends Place {
  words: string[];
}

/** A section of haproxy.cfg that can listen. */
interface Section {
  lines: Line[];
}

/** Splits a line as HAProxy does: quotes, escapes, comments (configuration manual, section 2.2). */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  const PATTERN = /#.*|((?:"(?:\\.|[^"\\])*"?|'[^']*'?|\\.|[^\s#"'\\])+)|\s+|\\/g;
  for (const [all, word] of text.matchAll(PATTERN)) {
    if (all.startsWith('#')) break;
    if (word !== undefined) words.push(word.replace(/\\(.)/g, '$1').replace(/["']/g, ''));
  }
  return words;
}

const SECTION =
  /^(?:global|defaults|frontend|backend|listen|peers|resolvers|userlist|program|cache|mailers|ring)$/;

function sectionsOf({ file, text }: LintSource): Section[] {
  const sections: Section[] = [];
  let current: Section | undefined;
  text.split('\n').forEach((raw, index) => {
    const words = wordsOf(raw);
    const [first] = words;
    if (first === undefined) return;
    if (SECTION.test(first)) {
      current = first === 'frontend' || first === 'listen' ? { lines: [] } : undefined;
      if (current) sections.push(current);
    } else current?.lines.push({ words, file, line: index + 1 });
  });
  return sections;
}

const CLASSES: readonly (readonly [RegExp, PinClass])[] = [
  [/\bssl_c_der\b/, 'whole'],
  [/\bssl_c_sha1\b/, 'sha1'],
  [/\bssl_c_(?:s_dn|i_dn|serial|key_alg|notafter|notbefore)\b/, 'name'],
  [/\bssl_c_(?:verify|err)\b/, 'verify'],
  [/\b(?:ssl_c_used|ssl_fc_has_crt)\b/, 'presence'],
  [/\b(?:lua|var|txn|sess|req\.hdr)\b/, 'unknown'],
];

const classesIn = (text: string): PinClass[] =>
  CLASSES.filter(([pattern]) => pattern.test(text)).map(([, name]) => name);

/** Lines that can turn a caller away, or send it elsewhere. */
const DECIDES =
  /^(?:http-request (?:deny|reject|silent-drop|tarpit|return|redirect)|tcp-request (?:content|session) reject|use_backend|block)\b/;

/** What the rules of a section compare, the access lists that they use included. */
function comparedIn({ lines }: Section): Set<PinClass> {
  const lists = new Map<string, PinClass[]>();
  for (const { words } of lines) {
    if (words[0] !== 'acl' || words[1] === undefined) continue;
    lists.set(words[1], [...(lists.get(words[1]) ?? []), ...classesIn(words.slice(2).join(' '))]);
  }
  return new Set(
    lines
      .filter(({ words }) => DECIDES.test(words.join(' ')))
      .flatMap(({ words }) => [
        ...classesIn(words.join(' ')),
        ...words.flatMap((word) => lists.get(word.replace(/^!/, '')) ?? []),
      ]),
  );
}

/** The word after a keyword of a `bind` line. */
function after(words: readonly string[], keyword: string): string | undefined {
  const at = words.indexOf(keyword);
  return at === -1 ? undefined : words[at + 1];
}

const SELF_SIGNED = new Set(['18', 'X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT']);
const EXPIRED = new Set(['10', 'X509_V_ERR_CERT_HAS_EXPIRED']);

function lintBind({ words, file, line }: Line, compared: ReadonlySet<PinClass>): LintResult {
  const verify = after(words, 'verify') ?? (words.includes('ca-file') ? 'required' : 'none');
  if (!words.includes('ssl') || verify === 'none') return { findings: [], references: [] };
  const ignored = after(words, 'crt-ignore-err')?.split(',') ?? [];
  const ignoresAll = ignored.includes('all');
  const anyIssuer = ignoresAll || ignored.some((each) => SELF_SIGNED.has(each));
  const findings: LintFinding[] = [];
  if (ignoresAll || ignored.some((each) => EXPIRED.has(each))) {
    findings.push({ code: 'AdmitsExpired', file, line, subject: `crt-ignore-err ${ignored.join(',')}` });
  }
  if (anyIssuer) {
    const code = judgePins(compared);
    if (code) findings.push({ code, file, line, subject: `crt-ignore-err ${ignored.join(',')}` });
  } else if (verify === 'optional' && compared.size === 0) {
    findings.push({ code: 'OptionalUnchecked', file, line, subject: 'verify optional' });
  }
  const caFile = after(words, 'ca-file');
  return {
    findings,
    references: anyIssuer || caFile === undefined ? [] : [{ use: 'ca-bundle', path: caFile, file, line }],
  };
}

/** The files of pins that rules read: `ssl_c_der,sha2(256),hex,lower -m str -f FILE`. */
function pinFiles({ lines }: Section): LintReference[] {
  return lines
    .filter(({ words }) => words.some((word) => word.includes('ssl_c_der,sha2(256)')))
    .flatMap(({ words, file, line }) => {
      const path = after(words, '-f');
      return path === undefined ? [] : [{ use: 'haproxy-pins', path, file, line } as const];
    });
}

/** Judges haproxy.cfg. */
export function lintHaproxy(source: LintSource): LintResult {
  const sections = sectionsOf(source);
  const asking = sections.flatMap(({ lines }) =>
    lines.filter(
      ({ words }) =>
        words[0] === 'bind' && words.includes('ssl') && /\b(?:ca-file|verify)\b/.test(words.join(' ')),
    ),
  );
  const results = sections.map((section) => {
    const compared = comparedIn(section);
    const binds = section.lines
      .filter(({ words }) => words[0] === 'bind')
      .map((bind) => lintBind(bind, compared));
    return {
      findings: binds.flatMap((each) => each.findings),
      references: [...binds.flatMap((each) => each.references), ...pinFiles(section)],
    };
  });
  const findings = results.flatMap((each) => each.findings);
  if (asking.length === 0)
    findings.push({ code: 'NothingAsked', file: source.file, line: 1, subject: 'verify required' });
  return { findings, references: results.flatMap((each) => each.references) };
}

/** Judges a file of SHA-256 pins: the rule compares lower-case hex, so anything else never matches. */
export function lintHaproxyPins({ file, text }: LintSource): LintFinding[] {
  return text.split('\n').flatMap((raw, index): LintFinding[] => {
    const entry = raw.trim();
    if (entry === '' || entry.startsWith('#') || /^[0-9a-f]{64}$/.test(entry)) return [];
    return [{ code: 'PinNotExact', file, line: index + 1, subject: entry.slice(0, 100) }];
  });
}
