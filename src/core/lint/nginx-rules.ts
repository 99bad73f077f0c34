import {
  judgePins,
  type LintFinding,
  type LintReference,
  type LintResult,
  type LintSource,
  type PinClass,
  type ReadIncluded,
} from './finding.js';
import { below, parseNginx, type NginxDirective } from './nginx-syntax.js';

/** What nginx's variables of the client's certificate prove (ngx_http_ssl_module). */
const CLASS_OF_VARIABLE: readonly (readonly [RegExp, PinClass])[] = [
  [/^ssl_client_(?:escaped_cert|raw_cert|cert)$/, 'whole'],
  [/^ssl_client_fingerprint$/, 'sha1'],
  [/^ssl_client_(?:s_dn|i_dn|serial|s_dn_legacy|i_dn_legacy|v_\w+)$/, 'name'],
  [/^ssl_client_verify$/, 'verify'],
];

const variablesIn = (text: string): string[] =>
  [...text.matchAll(/\$\{?(\w+)\}?/g)].map(([, name = '']) => name);

/** Variables that a program makes: what it compares cannot be seen here. */
const PROGRAMMED = new Set([
  'js_set',
  'js_var',
  'perl_set',
  'set_by_lua',
  'set_by_lua_block',
  'auth_request_set',
]);

/** The class of every variable that maps and programs of this configuration make. */
function madeVariables(all: readonly NginxDirective[]): Map<string, Set<PinClass>> {
  const made = new Map<string, Set<PinClass>>();
  for (const { name, args } of all) {
    const [first = '', second = ''] = args;
    if (PROGRAMMED.has(name)) made.set(first.replace(/^\$/, ''), new Set(['unknown']));
    if (name === 'map') made.set(second.replace(/^\$/, ''), classesOf(first, made));
    if (name === 'set') made.set(first.replace(/^\$/, ''), classesOf(second, made));
  }
  return made;
}

function classesOf(text: string, made: ReadonlyMap<string, ReadonlySet<PinClass>>): Set<PinClass> {
  const classes = new Set<PinClass>();
  for (const variable of variablesIn(text)) {
    for (const known of made.get(variable) ?? []) classes.add(known);
    const own = CLASS_OF_VARIABLE.find(([pattern]) => pattern.test(variable))?.[1];
    if (own) classes.add(own);
  }
  return classes;
}

const isNothing = (value: string | undefined): boolean =>
  value === undefined || value === '' || value === '0';

/** A key of a map that matches whatever comes. */
const MATCHES_ALL = /^~\*?\^?(?:\.[*+]?)?\$?$/;

/** Judges the entries of a map on the client's certificate. */
function lintMap(entries: readonly NginxDirective[]): LintFinding[] {
  return entries.flatMap(({ name, args: [value], file, line }): LintFinding[] => {
    if (name === 'include') return [{ code: 'ReferenceUnreadable', file, line, subject: value ?? '' }];
    if (isNothing(value)) return [];
    if (name === '') return [{ code: 'EmptyKeyAdmits', file, line, subject: `"" ${value ?? ''}` }];
    if (name !== 'default' && !MATCHES_ALL.test(name)) return [];
    return [{ code: 'DefaultAdmits', file, line, subject: `${name} ${value ?? ''}` }];
  });
}

interface Scope {
  server: readonly NginxDirective[];
  /** `ssl_verify_client`, the server's own or inherited. */
  verify: NginxDirective;
  inherited: readonly NginxDirective[];
}

/** Every server with what holds in it; a part without servers is one itself. */
function scopes(root: readonly NginxDirective[]): Scope[] {
  const found: Scope[] = [];
  const visit = (directives: readonly NginxDirective[], inherited: readonly NginxDirective[]): void => {
    const here = [...directives, ...inherited];
    const servers = directives.filter(({ name, children }) => name === 'server' && children.length > 0);
    for (const { children } of servers) {
      const verify = [...children, ...here].find(({ name }) => name === 'ssl_verify_client');
      if (verify) found.push({ server: children, verify, inherited: here });
    }
    for (const block of directives) if (block.name === 'http') visit(block.children, here);
  };
  visit(root, []);
  const own = root.find(({ name }) => name === 'ssl_verify_client');
  if (found.length === 0 && own) found.push({ server: root, verify: own, inherited: [] });
  return found;
}

function lintScope(
  { server, verify, inherited }: Scope,
  made: ReadonlyMap<string, ReadonlySet<PinClass>>,
): LintResult {
  const mode = verify.args[0] ?? '';
  const all = [...below(server)];
  const conditions = all.filter(({ name }) => name === 'if').map(({ args }) => args.join(' '));
  const classes = new Set(conditions.flatMap((text) => [...classesOf(text, made)]));
  const passedOn = [...all, ...inherited].some(
    ({ name, args }) =>
      /^(?:proxy_set_header|fastcgi_param|uwsgi_param|grpc_set_header|scgi_param)$/.test(name) &&
      classesOf(args.join(' '), made).size > 0,
  );
  const subject = `ssl_verify_client ${mode}`;
  const { file, line } = verify;
  const demandsSuccess = conditions.some((text) => /ssl_client_verify\b.*!=\s*"?'?SUCCESS/.test(text));
  const references: LintReference[] =
    mode === 'optional_no_ca' && !demandsSuccess
      ? []
      : [...server, ...inherited]
          .filter(({ name }) => name === 'ssl_client_certificate' || name === 'ssl_trusted_certificate')
          .map((each) => ({ use: 'ca-bundle', path: each.args[0] ?? '', file: each.file, line: each.line }));
  const findings: LintFinding[] = [];
  if (mode === 'optional' && classes.size === 0) {
    findings.push({ code: passedOn ? 'CheckLeftToUpstream' : 'OptionalUnchecked', file, line, subject });
  }
  if (mode === 'optional_no_ca' && !demandsSuccess) {
    const code = classes.size === 0 && passedOn ? 'CheckLeftToUpstream' : judgePins(classes);
    if (code) findings.push({ code, file, line, subject });
  }
  return { findings, references };
}

/** Judges nginx's configuration, or the part of one that a file is. */
export function lintNginx(source: LintSource, readIncluded: ReadIncluded): LintResult {
  const root = parseNginx(source, readIncluded);
  const all = [...below(root)];
  const made = madeVariables(all);
  const maps = all.filter(({ name, args }) => name === 'map' && classesOf(args[0] ?? '', made).size > 0);
  const judged = scopes(root)
    .filter(({ verify }) => verify.args[0] !== 'off')
    .map((scope) => lintScope(scope, made));
  const findings = [
    ...maps.flatMap(({ children }) => lintMap(children)),
    ...judged.flatMap((each) => each.findings),
  ];
  if (judged.length === 0 && maps.length === 0) {
    findings.push({ code: 'NothingAsked', file: source.file, line: 1, subject: 'ssl_verify_client' });
  }
  return { findings, references: judged.flatMap((each) => each.references) };
}
