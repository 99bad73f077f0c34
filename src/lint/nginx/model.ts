/** What nginx's configuration makes: listeners with their servers, and streams. */
import type { Files } from '../files.js';
import { type Announced, announcedBy, NOTHING_ANNOUNCED } from '../api-gateway.js';
import type { LintFinding, Place } from '../finding.js';
import type { Identity } from '../identity.js';
import { type Material, readMaterial } from '../material.js';
import { below, type Directive, locate, type Tree, UNREADABLE } from './syntax.js';
import { makersIn } from './variables.js';

/** A block with the blocks around it: what nginx merges settings along. */
export interface Scope {
  directive: Directive;
  parent?: Scope;
}

export interface Location extends Scope {
  kind: 'exact' | 'prefix' | 'prefixFirst' | 'regex' | 'regexIgnoringCase' | 'named';
  pattern: string;
  nested: readonly Location[];
}

export type VerifyMode = 'off' | 'on' | 'optional' | 'optional_no_ca';

/** A server's TLS, as far as it asks clients for certificates. */
export interface TlsSettings {
  mode: VerifyMode;
  /** The line that set the mode; the server itself where none does. */
  at: Place;
  trusted: readonly Identity[];
  materials: readonly Material[];
  /** What it says to accept: the subjects of ssl_client_certificate alone. */
  announced: Announced;
  /** The line that says so, or that asks. */
  announcedAt: Place;
  /** Why verification cannot be told. */
  doubt?: string;
  rejectsHandshake: boolean;
}

export interface Server extends Scope {
  names: readonly string[];
  locations: readonly Location[];
  tls: TlsSettings;
  isStream: boolean;
}

export interface Listener extends Place {
  /** As it is written: `443`, `127.0.0.1:8443`. */
  address: string;
  isTls: boolean;
  servers: readonly Server[];
  fallback: Server;
}

export interface NginxModel {
  listeners: readonly Listener[];
  makers: ReadonlyMap<string, Directive>;
  all: readonly Directive[];
  findings: readonly LintFinding[];
  problem?: Place & { text: string };
}

/** The directives of a name at the innermost level that has any. */
export function inherited(scope: Scope | undefined, name: string): readonly Directive[] {
  for (let at = scope; at; at = at.parent) {
    const here = at.directive.block?.filter((each) => each.name === name) ?? [];
    if (here.length > 0) return here;
  }
  return [];
}

export const own = (scope: Scope, ...names: string[]): Directive[] =>
  (scope.directive.block ?? []).filter(({ name }) => names.includes(name));

const KINDS: Readonly<Record<string, Location['kind']>> = {
  '=': 'exact',
  '^~': 'prefixFirst',
  '~': 'regex',
  '~*': 'regexIgnoringCase',
};

function locationOf(directive: Directive, parent: Scope): Location {
  const [first = '', second] = directive.args;
  const glued = /^(=|\^~|~\*|~)(.+)$/.exec(first);
  const [sign, pattern] =
    second !== undefined ? [first, second] : glued ? [glued[1] ?? '', glued[2] ?? ''] : ['', first];
  const kind = KINDS[sign] ?? (pattern.startsWith('@') ? 'named' : 'prefix');
  const location: Location & { nested: Location[] } = { directive, parent, kind, pattern, nested: [] };
  location.nested.push(...own(location, 'location').map((each) => locationOf(each, location)));
  return location;
}

const MODES = new Set<string>(['off', 'on', 'optional', 'optional_no_ca']);

function tlsOf(scope: Scope, load: (path: string, at: Place) => Material): TlsSettings {
  const verify = inherited(scope, 'ssl_verify_client').at(-1);
  const written = verify?.args[0] ?? 'off';
  const mode = MODES.has(written) ? (written as VerifyMode) : 'off';
  const at = verify ?? scope.directive;
  const rejectsHandshake = inherited(scope, 'ssl_reject_handshake').at(-1)?.args[0] === 'on';
  if (mode === 'off') {
    const doubt = MODES.has(written) ? undefined : `ssl_verify_client ${written} is not understood`;
    return {
      mode,
      at,
      trusted: [],
      materials: [],
      announced: NOTHING_ANNOUNCED,
      announcedAt: at,
      rejectsHandshake,
      ...(doubt === undefined ? {} : { doubt }),
    };
  }
  const materials = ['ssl_client_certificate', 'ssl_trusted_certificate']
    .flatMap((name) => inherited(scope, name).slice(-1))
    .filter(({ args }) => args[0] !== undefined && args[0] !== '')
    .map((each) => load(each.args[0] ?? '', each));
  const announcing = inherited(scope, 'ssl_client_certificate').at(-1);
  const announcedFile = announcing?.args[0] ?? '';
  const crl = inherited(scope, 'ssl_crl').at(-1);
  const command = inherited(scope, 'ssl_conf_command').find(({ args }) =>
    /verify|partial|ca/i.test(args.join(' ')),
  );
  const ocsp = inherited(scope, 'ssl_ocsp').find(({ args }) => args[0] !== 'off');
  const doubt =
    materials.find(({ problem }) => problem !== undefined)?.problem ??
    (crl ? `a revocation list also applies (line ${crl.line})` : undefined) ??
    (ocsp ? `OCSP also applies (line ${ocsp.line})` : undefined) ??
    (command
      ? `ssl_conf_command ${command.args.join(' ')} may change the verification (line ${command.line})`
      : undefined) ??
    (materials.length === 0 && mode !== 'optional_no_ca'
      ? `ssl_verify_client ${mode} without ssl_client_certificate`
      : undefined);
  return {
    mode,
    at,
    trusted: materials.flatMap(({ certificates }) => certificates),
    materials,
    announced:
      announcing && announcedFile !== '' ? announcedBy([load(announcedFile, announcing)]) : NOTHING_ANNOUNCED,
    announcedAt: announcing ?? at,
    rejectsHandshake,
    ...(doubt === undefined ? {} : { doubt }),
  };
}

interface Listen extends Place {
  address: string;
  isTls: boolean;
  isDefault: boolean;
}

/** `443` and `*:443` are one address. */
function normalized(written: string): string {
  if (/^\d+$/.test(written)) return `*:${written}`;
  if (written.startsWith('unix:')) return written;
  const bare = written.replace(/^0\.0\.0\.0(?=:|$)/, '*');
  return /:\d+$/.test(bare) && !/^\[[^\]]*$/.test(bare) ? bare : `${bare}:80`;
}

function listensOf(server: Scope, isStream: boolean): Listen[] {
  const lines = own(server, 'listen');
  const sslOn = inherited(server, 'ssl').some(({ args }) => args[0] === 'on');
  const found = lines.map(({ args, file, line }): Listen => {
    const [address = '', ...options] = args;
    return {
      address: normalized(address),
      isTls: sslOn || options.includes('ssl') || options.includes('quic'),
      isDefault: options.includes('default_server') || options.includes('default'),
      file,
      line,
    };
  });
  if (found.length > 0 || isStream) return found;
  const { file, line } = server.directive;
  return [{ address: '*:80', isTls: sslOn, isDefault: false, file, line }];
}

function listenersOf(servers: readonly Server[]): Listener[] {
  const byAddress = new Map<string, { listens: Listen[]; servers: Server[]; fallback?: Server }>();
  for (const server of servers) {
    for (const listen of listensOf(server, server.isStream)) {
      const key = `${server.isStream ? 'stream ' : ''}${listen.address}`;
      const group = byAddress.get(key) ?? { listens: [], servers: [] };
      byAddress.set(key, group);
      group.listens.push(listen);
      group.servers.push(server);
      if (listen.isDefault) group.fallback ??= server;
    }
  }
  return [...byAddress.values()].flatMap(({ listens, servers: group, fallback }) => {
    const [first] = listens;
    const [server] = group;
    if (!first || !server) return [];
    return {
      address: first.address,
      file: first.file,
      line: first.line,
      // One `ssl` makes the address one of TLS, for all servers on it.
      isTls: listens.some(({ isTls }) => isTls),
      servers: group,
      fallback: fallback ?? server,
    };
  });
}

/** The part of http or stream in which servers stand; a file of servers alone is a part of http. */
function containersOf(tree: readonly Directive[], file: string): { scope: Scope; isStream: boolean }[] {
  const top: Directive = { name: '', args: [], block: tree, file, line: 1 };
  const root: Scope = { directive: top };
  const found = tree.flatMap((directive) =>
    directive.block && (directive.name === 'http' || directive.name === 'stream')
      ? [{ scope: { directive, parent: root }, isStream: directive.name === 'stream' }]
      : [],
  );
  if (tree.some(({ name, block }) => name === 'server' && block))
    found.push({ scope: root as Scope & { parent: Scope }, isStream: false });
  return found;
}

/** Makes the model, and reads the certificates that it names. */
export function nginxModel(tree: Tree & { isMain: boolean }, top: string, files: Files): NginxModel {
  const findings = [...tree.findings];
  const loaded = new Map<string, Material>();
  const load = (path: string, at: Place): Material => {
    const located = locate(path, top, tree.isMain, files);
    const known = loaded.get(located) ?? readMaterial(located, at, files);
    if (!loaded.has(located)) findings.push(...known.findings);
    loaded.set(located, known);
    return known;
  };
  const servers = containersOf(tree.directives, top).flatMap(({ scope, isStream }) =>
    own(scope, 'server')
      .filter(({ block }) => block)
      .map((directive): Server => {
        const server: Scope = { directive, parent: scope };
        return {
          ...server,
          names: own(server, 'server_name').flatMap(({ args }) => args),
          locations: own(server, 'location').map((each) => locationOf(each, server)),
          tls: tlsOf(server, load),
          isStream,
        };
      }),
  );
  const all = [...below(tree.directives)];
  return {
    listeners: listenersOf(servers),
    makers: makersIn(all),
    all,
    findings,
    ...(tree.problem === undefined ? {} : { problem: tree.problem }),
  };
}

/** The first directive along the scopes that stands for something unread. */
export function unreadIn(scope: Scope | undefined): Directive | undefined {
  for (let at = scope; at; at = at.parent) {
    const found = at.directive.block?.find(({ name }) => name === UNREADABLE);
    if (found) return found;
  }
  return undefined;
}
