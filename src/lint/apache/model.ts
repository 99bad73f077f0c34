/** What Apache's configuration makes: virtual hosts on their addresses, with the sections that hold in them. */
import { type Announced, announcedBy, NOTHING_ANNOUNCED } from '../api-gateway.js';
import { type Files, dirname, within } from '../files.js';
import type { LintFinding, LintSource, Place } from '../finding.js';
import type { Identity } from '../identity.js';
import { type Material, readMaterial } from '../material.js';
import { below, type Node, parseApache } from './syntax.js';

export type VerifyMode = 'none' | 'optional' | 'require' | 'optional_no_ca';

export interface HostTls {
  isOn: boolean;
  mode: VerifyMode;
  at: Place;
  trusted: readonly Identity[];
  materials: readonly Material[];
  /**
   * What it says to accept, wherever it asks: the subjects of SSLCADNRequestFile and -Path, or else those that it verifies
   * by; nothing where it verifies by none (ssl_engine_init.c, measured).
   */
  announced: Announced;
  announcedAt: Place;
  /** Some section asks after the handshake. */
  mayAskLate: boolean;
  /** Whether it agrees to TLS 1.3, in which it cannot renegotiate. */
  allowsTls13: boolean;
  depth: number;
  /** Whether a session of TLS 1.2 can be resumed, which depends on the whole configuration of a server. */
  resumes: boolean;
  doubt?: string;
}

export interface Host extends Place {
  /** `undefined` for the main server. */
  node?: Node;
  names: readonly string[];
  tls: HostTls;
  /** Directives of the main server and of the host, the host's last. */
  own: readonly Node[];
  main: readonly Node[];
}

export interface Listener extends Place {
  address: string;
  hosts: readonly Host[];
}

export interface ApacheModel {
  listeners: readonly Listener[];
  all: readonly Node[];
  findings: LintFinding[];
  folder: string;
  files: Files;
  doubt?: Place & { why: string };
}

const MODES = new Set<string>(['none', 'optional', 'require', 'optional_no_ca']);

export const modeOf = (word: string | undefined): VerifyMode | undefined => {
  const lower = word?.toLowerCase() ?? '';
  return MODES.has(lower) ? (lower as VerifyMode) : undefined;
};

/** The last directive of a name: the host's own, or else the main server's. */
export function setting(host: Pick<Host, 'own' | 'main'>, name: string): Node | undefined {
  const last = (nodes: readonly Node[]): Node | undefined =>
    nodes.filter((each) => each.name === name).at(-1);
  return last(host.own) ?? last(host.main);
}

/** By tickets, which are on by default, or by a cache, which is not; measured with Apache 2.4. */
function keepsSessions(host: Pick<Host, 'own' | 'main'>): boolean {
  const cache = setting(host, 'sslsessioncache')?.words[0] ?? 'none';
  const isCached = !/^(?:none|nonenotnull)$/i.test(cache);
  const timeout = setting(host, 'sslsessioncachetimeout')?.words[0];
  return (
    !/^off$/i.test(setting(host, 'sslsessiontickets')?.words[0] ?? 'on') ||
    (isCached && Number(timeout ?? 300) !== 0)
  );
}

/** `SSLProtocol`: words with a sign add and remove, one without replaces (ssl_engine_config.c). */
function allows(version: 'tlsv1.2' | 'tlsv1.3', words: readonly string[]): boolean {
  return words.reduce((allowed, word) => {
    const [, sign, name = ''] = /^([+-]?)(.*)$/.exec(word.toLowerCase()) ?? [];
    const isMeant = name === 'all' || name === version;
    if (sign === '+') return allowed || isMeant;
    return sign === '-' ? allowed && !isMeant : isMeant;
  }, true);
}

/** @param names reads every file of a folder, whatever its name, as Apache does for the names it announces */
function tlsOf(
  host: Pick<Host, 'own' | 'main'>,
  place: Place,
  load: (path: string, at: Place) => Material[],
  names: (path: string, at: Place) => Material[],
): HostTls {
  const engine = setting(host, 'sslengine');
  const verify = setting(host, 'sslverifyclient');
  const mode = verify === undefined ? 'none' : modeOf(verify.words[0]);
  const depth = Number(setting(host, 'sslverifydepth')?.words[0] ?? 1);
  const sources = ['sslcacertificatefile', 'sslcacertificatepath'].flatMap(
    (name) => setting(host, name) ?? [],
  );
  const requested = ['sslcadnrequestfile', 'sslcadnrequestpath'].flatMap((name) => setting(host, name) ?? []);
  const announcing = sources.length === 0 ? [] : requested.length > 0 ? requested : sources;
  const mayAskLate = [...host.main, ...host.own].some(({ children = [] }) =>
    [...below(children)].some(({ name, words }) => name === 'sslverifyclient' && modeOf(words[0]) !== 'none'),
  );
  const asks = mode !== 'none' || mayAskLate;
  const materials = !asks ? [] : sources.flatMap((node) => load(node.words[0] ?? '', node));
  const revocation = setting(host, 'sslcarevocationcheck');
  const command = [...host.main, ...host.own].find(
    ({ name, args }) => name === 'sslopensslconfcmd' && /verify|partial|ca/i.test(args),
  );
  const isOn = /^on$/i.test(engine?.words[0] ?? 'off');
  const doubt =
    (mode === undefined ? `SSLVerifyClient ${verify?.args ?? ''} is not understood` : undefined) ??
    (!asks ? undefined : materials.find(({ problem }) => problem !== undefined)?.problem) ??
    (revocation && !/^none/i.test(revocation.args)
      ? `a revocation list also applies (line ${revocation.line})`
      : undefined) ??
    (setting(host, 'sslocspenable') ? 'OCSP also applies' : undefined) ??
    (command ? `SSLOpenSSLConfCmd ${command.args} may change the verification` : undefined) ??
    (mode !== undefined && mode !== 'none' && mode !== 'optional_no_ca' && materials.length === 0
      ? `SSLVerifyClient ${mode} without SSLCACertificateFile`
      : undefined);
  return {
    isOn,
    mode: mode ?? 'none',
    at: verify ?? place,
    trusted: materials.flatMap(({ certificates }) => certificates),
    materials,
    announced: asks
      ? announcedBy(announcing.flatMap((node) => names(node.words[0] ?? '', node)))
      : NOTHING_ANNOUNCED,
    announcedAt: announcing[0] ?? verify ?? place,
    mayAskLate,
    allowsTls13: allows('tlsv1.3', setting(host, 'sslprotocol')?.words ?? []),
    resumes: allows('tlsv1.2', setting(host, 'sslprotocol')?.words ?? []) && keepsSessions(host),
    depth: Number.isNaN(depth) ? 1 : depth,
    ...(doubt === undefined ? {} : { doubt }),
  };
}

const normalized = (address: string): string =>
  address.replace(/^(?:_default_|0\.0\.0\.0)(?=:|$)/, '*').replace(/^(\d+)$/, '*:$1');

export function apacheModel(source: LintSource, files: Files): ApacheModel {
  const tree = parseApache(source, files);
  const findings = [...tree.findings];
  const { nodes } = tree;
  const root = nodes.find(({ name }) => name === 'serverroot')?.words[0];
  const folder = root ?? dirname(source.file);
  const loaded = new Map<string, Material[]>();
  const load = (path: string, at: Place): Material[] => {
    const located = within(folder, path);
    const known = loaded.get(located);
    if (known) return known;
    // A folder is read by names that are hashes of subjects, .0 before .1.
    const entries = files.list(located)?.filter((each) => /\/[0-9a-f]{8}\.\d+$/.test(each));
    const made = entries
      ? entries.map((each) => readMaterial(each, at, files))
      : [readMaterial(located, at, files)];
    findings.push(...made.flatMap((each) => each.findings));
    const all =
      made.length > 0
        ? made
        : [
            {
              path: located,
              certificates: [],
              findings: [],
              problem: `${located} contains no certificate named by the hash of its subject`,
            },
          ];
    loaded.set(located, all);
    return all;
  };
  const names = (path: string, at: Place): Material[] => {
    const located = within(folder, path);
    const entries = files.list(located)?.filter((each) => files.list(each) === undefined);
    return (entries ?? [located]).map((each) => readMaterial(each, at, files));
  };
  const main = nodes.filter(({ name }) => name !== 'virtualhost');
  const hosts = nodes
    .filter(({ name }) => name === 'virtualhost')
    .map((node) => {
      const own = node.children ?? [];
      const hostNames = own
        .filter(({ name }) => name === 'servername' || name === 'serveralias')
        .flatMap(({ words }) => words);
      const place = { file: node.file, line: node.line };
      const host: Host = {
        ...place,
        node,
        names: hostNames.map((each) => each.replace(/^https?:\/\//, '').replace(/:\d+$/, '')),
        own,
        main,
        tls: tlsOf({ own, main }, place, load, names),
      };
      return { host, addresses: node.words.map(normalized) };
    });
  const byAddress = new Map<string, Host[]>();
  for (const { host, addresses } of hosts) {
    for (const address of addresses) byAddress.set(address, [...(byAddress.get(address) ?? []), host]);
  }
  const listeners = [...byAddress].map(([address, group]): Listener => {
    const [first] = group;
    return { address, hosts: group, file: first?.file ?? source.file, line: first?.line ?? 1 };
  });
  const portOf = (address: string): string => /:(\d+|\*)$/.exec(address)?.[1] ?? '*';
  // What no virtual host answers, the main server does; so does a part of a configuration without hosts.
  const mainServer: Host = {
    file: source.file,
    line: 1,
    names: [],
    own: [],
    main,
    tls: tlsOf({ own: [], main }, { file: source.file, line: 1 }, load, names),
  };
  const decides =
    /^(?:ssl(?:engine|verifyclient)|location|locationmatch|directory|proxypass|documentroot|rewriterule|require)$/;
  const listens = main.filter(({ name }) => name === 'listen');
  for (const node of listens) {
    const address = normalized(node.words[0] ?? '');
    const isTaken = [...byAddress.keys()].some((each) => ['*', portOf(address)].includes(portOf(each)));
    if (!isTaken) listeners.push({ address, hosts: [mainServer], file: node.file, line: node.line });
  }
  if (listeners.length === 0 && main.some(({ name }) => decides.test(name))) {
    const on = main.find(({ name }) => name === 'sslengine');
    // Without a listener to go by, what asks for certificates is taken for what is asked.
    const isOn = on ? mainServer.tls.isOn : main.some(({ name }) => name === 'sslverifyclient');
    listeners.push({
      address: 'server',
      hosts: [{ ...mainServer, tls: { ...mainServer.tls, isOn } }],
      file: source.file,
      line: 1,
    });
  }
  return {
    listeners,
    all: [...below(nodes)],
    findings,
    folder,
    files,
    ...(tree.doubt === undefined ? {} : { doubt: tree.doubt }),
  };
}
