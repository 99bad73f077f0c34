import {
  DEEPEST_INCLUDE,
  judgePins,
  type LintFinding,
  type LintReference,
  type LintResult,
  type LintSource,
  type PinClass,
  type Place,
  type ReadIncluded,
} from './finding.js';

/** A directive of Apache's configuration, or a section with what is in it. */
interface ApacheNode extends Place {
  name: string;
  args: string;
  parent: ApacheNode | undefined;
  children: ApacheNode[];
}

/** Lines with their continuations joined, without comments. */
function linesOf(text: string): { text: string; line: number }[] {
  const lines: { text: string; line: number }[] = [];
  let pending: { text: string; line: number } | undefined;
  text.split('\n').forEach((raw, index) => {
    pending = { text: `${pending?.text ?? ''}${raw.trimEnd()}`, line: pending?.line ?? index + 1 };
    if (pending.text.endsWith('\\')) {
      pending.text = `${pending.text.slice(0, -1)} `;
      return;
    }
    lines.push({ ...pending, text: pending.text.trim() });
    pending = undefined;
  });
  if (pending) lines.push(pending);
  return lines.filter((line) => line.text !== '' && !line.text.startsWith('#'));
}

/** Reads a configuration into `root`, and puts in place what it includes. */
function parseInto(
  root: ApacheNode,
  { file, text }: LintSource,
  readIncluded: ReadIncluded,
  depth = 0,
): ApacheNode {
  let current = root;
  for (const { text: line, line: at } of linesOf(text)) {
    if (line.startsWith('</')) {
      if (current !== root) current = current.parent ?? root;
      continue;
    }
    const section = /^<(\w+)\s*(.*?)\s*>$/.exec(line);
    const [, name = '', args = ''] = section ?? /^(\S+)\s*(.*)$/.exec(line) ?? [];
    const node = { name: name.toLowerCase(), args, file, line: at, parent: current, children: [] };
    if (/^include(?:optional)?$/.test(node.name) && depth < DEEPEST_INCLUDE) {
      const included = readIncluded(args.replace(/^["']|["']$/g, ''), file);
      if (included) {
        for (const each of included) parseInto(current, each, readIncluded, depth + 1);
        continue;
      }
    }
    current.children.push(node);
    if (section) current = node;
  }
  return root;
}

function* below(node: ApacheNode): Generator<ApacheNode> {
  const waiting = [...node.children];
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    yield next;
    waiting.unshift(...next.children);
  }
}

const CLASSES: readonly (readonly [RegExp, PinClass])[] = [
  [/SSL_CLIENT_CERT(?![A-Z_])/, 'whole'],
  [/SSL_CLIENT_(?:S_DN|I_DN|M_SERIAL|M_VERSION|V_|SAN|CERT_RFC4523_CEA)/, 'name'],
  [/SSL_CLIENT_VERIFY|ssl-verify-client/, 'verify'],
];

/** `-n %{SSL_CLIENT_CERT}`: that there is one, whichever. */
const GUARD = /^expr\s+["']?\s*-n\s+%\{(?:SSL_CLIENT_CERT|SSL:SSL_CLIENT_CERT)\}\s*["']?$/i;
const GUARD_WITHIN = /-n\s+%\{SSL_CLIENT_CERT\}\s*&&/i;
const FILE_PIN = /SSL_CLIENT_CERT\}?\s*(?:==|=|-eq)\s*(?:%\{)?file\(\s*'?"?([^'")]+)/i;
const EMPTY_PIN = /SSL_CLIENT_CERT\}\)?\s*(?:==|=)\s*(?:''|"")/;

const isRequire = ({ name, parent }: ApacheNode): boolean =>
  (name === 'require' || name === 'sslrequire') && parent?.name !== 'requirenone';

function classesIn(requires: readonly ApacheNode[]): Set<PinClass> {
  return new Set(
    requires
      .filter(({ args }) => !GUARD.test(args))
      .flatMap(({ args }) => CLASSES.filter(([pattern]) => pattern.test(args)).map(([, name]) => name)),
  );
}

/** Whether a guard stands in a RequireAll around the directive. */
function isGuarded(node: ApacheNode): boolean {
  if (GUARD_WITHIN.test(node.args)) return true;
  for (let { parent } = node; parent; parent = parent.parent) {
    if (parent.name === 'requireall' && parent.children.some(({ args }) => GUARD.test(args))) return true;
  }
  return false;
}

function lintRequires(requires: readonly ApacheNode[]): LintResult {
  const findings: LintFinding[] = [];
  const references: LintReference[] = [];
  for (const node of requires) {
    const { file: from, line, parent, args } = node;
    const at = { file: from, line };
    const subject = `Require ${args}`.slice(0, 160);
    const file = FILE_PIN.exec(args)?.[1];
    if (file !== undefined) references.push({ use: 'apache-pin', path: file, ...at });
    if ((file !== undefined || EMPTY_PIN.test(args)) && !isGuarded(node)) {
      findings.push({ code: 'EmptyPinAdmits', ...at, subject });
    }
    // Side by side without a container, one directive that holds is enough (mod_authz_core, "RequireAny").
    if (GUARD.test(args) && parent?.name !== 'requireall')
      findings.push({ code: 'GuardAdmits', ...at, subject });
    const siblings = parent?.children.filter((each) => each !== node) ?? [];
    const pinsBeside = siblings.some((each) =>
      [each, ...below(each)]
        .map((one) => one.args)
        .join(' ')
        .includes('SSL_CLIENT_CERT'),
    );
    if (/^all\s+granted$/i.test(args) && parent?.name !== 'requireall' && pinsBeside) {
      findings.push({ code: 'DefaultAdmits', ...at, subject });
    }
  }
  return { findings, references };
}

const CA_FILE = new Set(['sslcacertificatefile']);

function lintHost(host: ApacheNode, inherited: readonly ApacheNode[]): LintResult {
  const all = [...below(host)];
  const verifies = [...all, ...inherited].filter(({ name }) => name === 'sslverifyclient');
  const requires = all.filter(isRequire);
  const classes = classesIn(requires);
  const findings: LintFinding[] = [];
  for (const { args, file, line } of verifies) {
    const mode = args.replace(/["']/g, '').toLowerCase();
    const subject = `SSLVerifyClient ${mode}`;
    if (mode === 'optional_no_ca') {
      const code = judgePins(classes);
      if (code) findings.push({ code, file, line, subject });
    }
    if (mode === 'optional' && classes.size === 0)
      findings.push({ code: 'OptionalUnchecked', file, line, subject });
  }
  const byCa = verifies.some(({ args }) => /^["']?(?:require|optional)["']?$/i.test(args));
  const references = byCa
    ? [...all, ...inherited]
        .filter(({ name }) => CA_FILE.has(name))
        .map(({ args, file, line }): LintReference => ({
          use: 'ca-bundle',
          path: args.replace(/["']/g, ''),
          file,
          line,
        }))
    : [];
  const required = lintRequires(requires);
  return {
    findings: [...findings, ...required.findings],
    references: [...references, ...required.references],
  };
}

/** Judges Apache's configuration, or the part of one that a file is. */
export function lintApache(source: LintSource, readIncluded: ReadIncluded): LintResult {
  const empty = { name: '', args: '', file: source.file, line: 1, parent: undefined, children: [] };
  const root = parseInto(empty, source, readIncluded);
  const all = [...below(root)];
  const hosts = all.filter(({ name }) => name === 'virtualhost');
  const inherited = root.children.filter(({ name }) => name === 'sslverifyclient' || CA_FILE.has(name));
  const results = hosts.length === 0 ? [lintHost(root, [])] : hosts.map((host) => lintHost(host, inherited));
  const findings = results.flatMap((each) => each.findings);
  const asks = all.some(({ name, args }) => name === 'sslverifyclient' && !/^["']?none/i.test(args));
  if (!asks && !all.some(({ args }) => args.includes('SSL_CLIENT_CERT'))) {
    findings.push({ code: 'NothingAsked', file: source.file, line: 1, subject: 'SSLVerifyClient' });
  }
  return { findings, references: results.flatMap((each) => each.references) };
}
