/** Walks one caller with one request through a virtual host of Apache, hook by hook. */
import { nameMatcher, within } from '../files.js';
import type { Caller } from '../identity.js';
import { isUnknownIssuer, verifyOpenssl, type VerifyError } from '../openssl.js';
import type { Ask, Outcome, Result, Step } from '../outcome.js';
import { regexOf } from '../regex.js';
import { test, unknown } from '../value.js';
import { authorize, REQUIRES } from './authorize.js';
import { evaluate, type Scene, variable } from './expression.js';
import { isKnown } from './known.js';
import { type ApacheModel, type Host, modeOf, setting, type VerifyMode } from './model.js';
import { rewrite } from './rewrite.js';
import { below, type Node, UNREADABLE } from './syntax.js';

export interface Request {
  /** Absent: any path. */
  path?: string;
  method: string;
  address?: string;
}

const stepOf = ({ args, file, line, children }: Node, written: string, text: string): Step => {
  const all = children ? `<${written} ${args}>` : `${written} ${args}`;
  return { file, line, text: `${all.length > 110 ? `${all.slice(0, 110)}…` : all}${text}` };
};

/** Names as the manual writes them, for the lines that are shown. */
const WRITTEN: Readonly<Record<string, string>> = {
  sslverifyclient: 'SSLVerifyClient',
  require: 'Require',
  requireall: 'RequireAll',
  requireany: 'RequireAny',
  requirenone: 'RequireNone',
  rewriterule: 'RewriteRule',
  rewritecond: 'RewriteCond',
  sslrequire: 'SSLRequire',
  sslrequiressl: 'SSLRequireSSL',
  proxypass: 'ProxyPass',
  virtualhost: 'VirtualHost',
  location: 'Location',
  directory: 'Directory',
  proxypassmatch: 'ProxyPassMatch',
  proxy: 'Proxy',
  redirect: 'Redirect',
  redirectmatch: 'RedirectMatch',
  limit: 'Limit',
  limitexcept: 'LimitExcept',
  order: 'Order',
  allow: 'Allow',
  deny: 'Deny',
  satisfy: 'Satisfy',
  if: 'If',
  elseif: 'ElseIf',
  else: 'Else',
};

const writtenName = ({ name }: Node): string => WRITTEN[name] ?? name;

/** What a mode makes of a caller: whether it passes, and with which errors that are put up with. */
export function verified(
  caller: Caller,
  mode: VerifyMode,
  { tls }: Pick<Host, 'tls'>,
  now: Date,
): { end?: Result; why?: string; presented: boolean; errors: readonly VerifyError[] } {
  if (mode === 'none') return { presented: false, errors: [] };
  if (caller.identity === undefined)
    return { presented: false, errors: [], ...(mode === 'require' ? { end: 'refused' } : {}) };
  const errors = verifyOpenssl(caller, { certificates: tls.trusted, now });
  // A chain that Apache's own limit of depth ends.
  const isDeep = !caller.identity.selfSigned && tls.depth < 1 && !errors.some(({ code }) => code === 20);
  const fatal = isDeep || errors.some(({ code }) => !(mode === 'optional_no_ca' && isUnknownIssuer(code)));
  if (tls.doubt !== undefined) {
    const isExpired = errors.some(({ code }) => code === 10);
    return isExpired
      ? { end: 'refused', presented: true, errors }
      : { end: 'unknown', why: tls.doubt, presented: true, errors };
  }
  return { presented: true, errors, ...(fatal ? { end: 'refused' } : {}) };
}

/** Whether a path lies in a `<Location>`; patterns match as fnmatch does, and below what they match. */
function isInLocation(written: string, path: string): boolean | undefined {
  if (/[*?[]/.test(written)) {
    if (/[[{}!()]/.test(written)) return undefined;
    const matches = nameMatcher(written.replace(/\*\*/g, '*'));
    const parts = path.split('/');
    return parts.some((_, at) => matches(parts.slice(0, at + 1).join('/') || '/'));
  }
  if (written === '/') return true;
  return written.endsWith('/')
    ? path.startsWith(written) || `${path}/` === written
    : path === written || path.startsWith(`${written}/`);
}

/** The directives that hold for a request, in the order of the sections that they stand in. */
interface Layer {
  section: Node | undefined;
  nodes: readonly Node[];
  /** What rules of mod_rewrite in it do not see of the path. */
  prefix: string;
}

export function walkApache(
  model: ApacheModel,
  host: Host,
  now: Date,
  caller: Caller,
  request: Request,
  ask: Ask,
): Outcome {
  const steps: Step[] = [];
  const { tls } = host;
  const end = (result: Result, why?: string): Outcome => ({
    result,
    steps,
    ...(why === undefined ? {} : { why }),
  });
  const note = (node: Node, text = ''): void => {
    const step = stepOf(node, writtenName(node), text);
    if (!steps.some((each) => each.line === step.line && each.file === step.file && each.text === step.text))
      steps.push(step);
  };
  const scene: Scene = {
    isTls: tls.isOn,
    caller,
    presented: false,
    errors: [],
    request: { ...request },
    environment: new Map(),
    files: model.files,
    folder: model.folder,
    found(finding) {
      if (!model.findings.some((each) => JSON.stringify(each) === JSON.stringify(finding)))
        model.findings.push(finding);
    },
  };
  const unread = [...host.main, ...host.own].find(({ name }) => name === UNREADABLE);
  if (unread) {
    note(unread);
    return end('unknown', `${unread.args} could not be read`);
  }

  if (tls.isOn) {
    const verifying = setting(host, 'sslverifyclient');
    if (verifying) note(verifying);
    const { end: ended, why, presented, errors } = verified(caller, tls.mode, host, now);
    if (ended) return end(ended, why);
    Object.assign(scene, { presented, errors });
  }

  /** Variables of the request that SetEnvIf and its like make. */
  for (const node of [...host.main, ...host.own]) {
    const [first = '', second = '', ...rest] = node.words;
    if (node.name === 'setenv') scene.environment.set(first, [second]);
    if (node.name === 'setenvifexpr') {
      const holds = evaluate(first, scene, node, ask);
      if (holds) for (const each of [second, ...rest]) setFrom(each, scene);
    }
    if (/^setenvif(?:nocase)?$/.test(node.name)) {
      const pattern = regexOf(second, node.name.endsWith('nocase') ? 'i' : '');
      const source =
        first === 'Request_URI'
          ? variable('REQUEST_URI', scene)
          : first === 'Request_Method'
            ? variable('REQUEST_METHOD', scene)
            : first === 'Remote_Addr'
              ? variable('REMOTE_ADDR', scene)
              : first.startsWith('SSL_')
                ? unknown(first, `SetEnvIf ${first} is not supported`)
                : variable(`HTTP:${first}`, scene);
      if (test(source, `fits ${second}`, (text) => pattern?.test(text), ask))
        for (const each of rest) setFrom(each, scene);
    }
  }

  // What mod_rewrite does at the level of the server comes first; nothing of the main server is inherited.
  const rules = host.node ? host.own : host.main;
  const server = rewrite(rules, setting(host, 'rewriteengine'), scene, ask, undefined, note);
  if (server.kind === 'refused') return end('refused');
  if (server.kind === 'unknown') return end('unknown', server.why);

  const pathMatches = (node: Node, kind: 'prefix' | 'pattern', written: string): boolean => {
    if (kind === 'prefix' && written === '/') return true;
    const { path } = scene.request;
    const subject =
      path === undefined
        ? ({ doubt: 'chosen', key: 'path', why: 'it depends on the path' } as const)
        : [path];
    const compiled = kind === 'pattern' ? regexOf(written) : undefined;
    return test(
      subject,
      `in <${node.name} ${written}>`,
      (text) => (kind === 'pattern' ? compiled?.test(text) : isInLocation(written, text)),
      ask,
    );
  };

  const both = (name: RegExp): Node[] =>
    [...host.main, ...host.own].filter((each) => each.children !== undefined && name.test(each.name));
  const isInSection = (section: Node): boolean => {
    const isPattern = section.name === 'locationmatch' || section.words[0] === '~';
    return pathMatches(section, isPattern ? 'pattern' : 'prefix', section.words.at(-1) ?? '');
  };

  /** Where mod_proxy sends the request: a section's own ProxyPass goes before those of the server. */
  const proxying = ((): { url: string; node: Node } | undefined => {
    if (server.kind === 'proxied') return { url: server.by.words[1] ?? '', node: server.by };
    if (server.kind === 'mapped') return undefined;
    const inSections = both(/^location(?:match)?$/).filter(
      (section) =>
        section.children?.some(({ name }) => /^proxypass(?:match)?$/.test(name)) === true &&
        isInSection(section),
    );
    const own = inSections.at(-1)?.children?.findLast(({ name }) => /^proxypass(?:match)?$/.test(name));
    if (own) return own.words[0] === '!' ? undefined : { url: own.words[0] ?? '', node: own };
    for (const node of [...host.own, ...host.main]) {
      const [first = '', second = ''] = node.words;
      const isMatch =
        (node.name === 'proxypass' &&
          second !== '' &&
          pathMatches(node, 'prefix', first.length > 1 ? first.replace(/\/$/, '') : first)) ||
        (node.name === 'proxypassmatch' && pathMatches(node, 'pattern', first));
      if (isMatch) return second === '!' ? undefined : { url: second, node };
    }
    return undefined;
  })();

  // mod_proxy takes a request before mod_alias looks at it.
  for (const node of proxying || server.kind === 'mapped' ? [] : [...host.own, ...host.main]) {
    if (!node.name.startsWith('redirect')) continue;
    const words = /^(?:\d{3}|permanent|temp|seeother|gone)$/.test(node.words[0] ?? '')
      ? node.words.slice(1)
      : node.words;
    if (
      pathMatches(
        node,
        node.name === 'redirectmatch' ? 'pattern' : 'prefix',
        (words[0] ?? '').replace(/(?<=.)\/$/, ''),
      )
    ) {
      note(node);
      return end('refused');
    }
  }

  /** The folder in which files are looked for: an alias' own, or the site's. `undefined` where it is not known. */
  const folderOf = (): string | undefined => {
    const absolute = (path: string | undefined): string | undefined =>
      path === undefined || path.startsWith('/') || setting(host, 'serverroot')
        ? path && within(model.folder, path)
        : undefined;
    if (both(/^location(?:match)?$/).some(({ children }) => children?.some(({ name }) => ALIAS.test(name)))) {
      return undefined;
    }
    for (const node of [...host.own, ...host.main]) {
      const [path = '', folder] = node.words;
      const isOff = node.name === 'userdir' && /^disabled$/i.test(path);
      if (/^(?:script)?aliasmatch$|^(?:userdir|virtual\w+)$/.test(node.name) && !isOff) return undefined;
      if (!ALIAS.test(node.name)) continue;
      if (pathMatches(node, 'prefix', path.replace(/(?<=.)\/$/, ''))) {
        note(node);
        return absolute(folder);
      }
    }
    return absolute(setting(host, 'documentroot')?.words[0]);
  };

  const layers: Layer[] = [];
  const layer = (section: Node, prefix = ''): void => {
    layers.push({ section, nodes: section.children ?? [], prefix });
  };
  let undecided: Node | undefined;
  if (server.kind === 'mapped') {
    note(server.by);
    undecided = both(/^(?:directory|files|proxy)(?:match)?$/).find(({ children = [] }) =>
      [...below(children)].some(({ name }) => DECIDES.test(name)),
    );
  } else if (!proxying) {
    const root = folderOf();
    const directories = both(/^directory$/).sort(
      (a, b) => (a.words[0] ?? '').split('/').length - (b.words[0] ?? '').split('/').length,
    );
    for (const section of directories) {
      const [first = ''] = section.words;
      const written = first === '~' ? (section.words[1] ?? '') : first;
      const isHere =
        first === '~' || /[*?[]/.test(written)
          ? undefined
          : written === '/' ||
            (root !== undefined &&
              `${root.replace(/\/$/, '')}/`.startsWith(`${written.replace(/\/$/, '')}/`));
      if (isHere === true) layer(section);
      else if (isHere === undefined || root === undefined || written.startsWith(root)) undecided ??= section;
    }
    undecided ??= both(/^directorymatch$/)[0];
    for (const section of both(/^files(?:match)?$/)) {
      const name = section.words.at(-1) ?? '';
      const isPattern = section.name === 'filesmatch' || section.words[0] === '~';
      const { path } = scene.request;
      const subject =
        path === undefined
          ? ({ doubt: 'chosen', key: 'path', why: 'it depends on the path' } as const)
          : [path.slice(path.lastIndexOf('/') + 1)];
      const compiled = isPattern ? regexOf(name) : undefined;
      const glob = isPattern ? undefined : nameMatcher(name);
      if (
        test(subject, `is a file ${name}`, (text) => (isPattern ? compiled?.test(text) : glob?.(text)), ask)
      )
        layer(section);
    }
  }
  for (const section of both(/^location(?:match)?$/)) {
    const isPattern = section.name === 'locationmatch' || section.words[0] === '~';
    const written = section.words.at(-1) ?? '';
    if (isInSection(section)) layer(section, isPattern ? '' : written);
  }
  if (proxying) {
    const { url } = proxying;
    const sections = both(/^proxy(?:match)?$/).filter(
      ({ words: [first = ''] }) => first === '*' || url.startsWith(first.replace(/\*$/, '')),
    );
    layers.unshift(...sections.map((section) => ({ section, nodes: section.children ?? [], prefix: '' })));
  }
  /** `<If>` of a level, and what stands in the ones that hold. */
  const conditions = (nodes: readonly Node[]): void => {
    let isTaken = false;
    for (const section of nodes) {
      if (!/^(?:if|elseif|else)$/.test(section.name) || !section.children) continue;
      if (section.name === 'if') isTaken = false;
      if (isTaken) continue;
      const holds =
        section.name === 'else' ||
        evaluate(section.words.length === 1 ? (section.words[0] ?? '') : section.args, scene, section, ask);
      note(section, holds ? ' holds' : ' does not hold');
      if (!holds) continue;
      isTaken = true;
      layers.push({ section, nodes: section.children, prefix: '' });
      conditions(section.children);
    }
  };
  conditions(host.main);
  conditions(host.own);
  for (const each of [...layers])
    if (!/^(?:if|elseif|else)$/.test(each.section?.name ?? '')) conditions(each.nodes);

  const odd = [...host.main, ...host.own, ...layers.flatMap(({ nodes }) => nodes)].find(
    ({ name }) => !isKnown(name),
  );
  if (odd) {
    note(odd);
    return end('unknown', `${odd.name} is not supported (line ${odd.line})`);
  }
  if (undecided) {
    note(undecided);
    return end(
      'unknown',
      `whether <${undecided.name} ${undecided.args}> applies depends on where the files are`,
    );
  }

  const mixed = mixedRules(layers);
  if (mixed) {
    note(mixed);
    return end(
      'unknown',
      `the combination of ${writtenName(mixed)} with other rules is not supported (line ${mixed.line})`,
    );
  }

  const all = layers.flatMap(({ nodes }) => nodes);
  const overrides = all.filter(({ name }) => name === 'allowoverride').at(-1);
  if (!proxying && overrides && !/^none$/i.test(overrides.args)) {
    note(overrides);
    return end('unknown', `the result may depend on .htaccess files (AllowOverride, line ${overrides.line})`);
  }

  // Access: SSLRequireSSL, a section's own SSLVerifyClient, SSLRequire.
  const plain = all.find(({ name }) => name === 'sslrequiressl');
  if (plain && !scene.isTls) {
    note(plain);
    return end('refused');
  }
  const asks = all.filter(({ name }) => name === 'sslverifyclient').at(-1);
  if (asks && scene.isTls) {
    const mode = modeOf(asks.words[0]);
    note(asks);
    if (mode === undefined) return end('unknown', `SSLVerifyClient ${asks.args} is not understood`);
    const isStricter =
      mode !== 'none' && mode !== tls.mode && !(tls.mode === 'require' && mode !== 'optional_no_ca');
    if (isStricter) {
      const { end: ended, why } = verified(caller, mode, host, now);
      // Measured with TLS 1.3: whoever cannot answer gets 403, whatever the mode and with a certificate from the handshake.
      const isLate = tls.mode === 'none' || mode === 'require';
      if (caller.answersLate === false && isLate && tls.allowsTls13)
        return { ...end('refused'), late: { file: asks.file, line: asks.line } };
      if (ended) return end(ended, why);
      if (caller.identity !== undefined || mode !== 'require') {
        const late = caller.answersLate === false ? { late: { file: asks.file, line: asks.line } } : {};
        const unknown = end(
          'unknown',
          `a certificate is requested after the handshake (line ${asks.line}), which not every client supports`,
        );
        return { ...unknown, ...late };
      }
    }
  }
  const demanded = all.filter(({ name }) => name === 'sslrequire');
  for (const node of demanded) {
    const holds = evaluate(node.args, scene, node, ask, 'ssl');
    note(node, holds ? ' holds' : ' does not hold');
    if (!holds) return end('refused');
  }

  // Authorization: the last section that has any replaces what was before, unless AuthMerging says otherwise.
  const authorized = layers.reduce<boolean | undefined>((before, { nodes }) => {
    const own = nodes.filter(({ name }) => REQUIRES.test(name));
    if (own.length === 0) return before;
    const merging =
      nodes
        .filter(({ name }) => name === 'authmerging')
        .at(-1)
        ?.words[0]?.toLowerCase() ?? 'off';
    const state = authorize('requireany', own, scene, ask, note) === 'granted';
    if (before === undefined || merging === 'off') return state;
    return merging === 'and' ? before && state : before || state;
  }, undefined);
  const document = [...host.main, ...host.own, ...all].find(
    ({ name, words }) => name === 'errordocument' && (words[1] ?? '').startsWith('/'),
  );
  if (authorized === false) {
    if (document && proxying) {
      note(document);
      return end('unknown', `an error document is requested internally (line ${document.line})`);
    }
    return end('refused');
  }

  // Fixups: the rules of sections, after everything else.
  // The engine is taken over from section to section, rules are not.
  const rewriting = layers.filter(({ nodes }) =>
    nodes.some(({ name }) => /^rewrite(?:rule|cond|engine|base|options)$/.test(name)),
  );
  const ruled = rewriting.at(-1);
  if (ruled) {
    const engine = rewriting
      .flatMap(({ nodes }) => nodes)
      .filter(({ name }) => name === 'rewriteengine')
      .at(-1);
    const inner = rewrite(ruled.nodes, engine, scene, ask, ruled.prefix, note);
    if (inner.kind === 'refused') return end('refused');
    if (inner.kind === 'unknown') return end('unknown', inner.why);
  }
  const telling = [...host.main, ...host.own, ...all].find(
    ({ name, args }) => name === 'requestheader' && args.includes('SSL_CLIENT_'),
  );
  if (telling && scene.isTls && proxying) {
    note(telling);
    return end(
      'unknown',
      `the application receives the result of the certificate check (line ${telling.line}) and must evaluate it`,
    );
  }
  if (proxying) note(proxying.node);
  else steps.push({ file: host.file, line: host.line, text: 'files are served' });
  return end('admitted');
}

const ALIAS = /^(?:script)?alias$/;

const DECIDES = /^(?:require(?:any|all|none)?|sslrequire(?:ssl)?|sslverifyclient)$/;

/**
 * What the lab has shown to combine otherwise than it reads: rules for some methods alone, those of mod_access_compat, and
 * an `<If>` that holds beside the rules of other sections.
 */
function mixedRules(layers: readonly Layer[]): Node | undefined {
  const nodes = layers.flatMap((each) => each.nodes);
  const special = nodes.find(({ name }) => /^(?:limit(?:except)?|order|allow|deny|satisfy)$/.test(name));
  if (special) return special;
  const deciding = layers.filter((each) => each.nodes.some(({ name }) => DECIDES.test(name)));
  const condition = deciding.find(({ section }) => /^(?:if|elseif|else)$/.test(section?.name ?? ''));
  return deciding.length > 1 ? condition?.section : undefined;
}

/** `NAME`, `!NAME` or `NAME=value` of SetEnvIf. */
function setFrom(written: string, scene: Scene): void {
  if (written.startsWith('!')) scene.environment.set(written.slice(1), ['']);
  else {
    const [name = '', ...value] = written.split('=');
    scene.environment.set(name, value.length === 0 ? ['1'] : [value.join('=')]);
  }
}
