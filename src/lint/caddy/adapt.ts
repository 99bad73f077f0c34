/** A Caddyfile as the JSON that Caddy makes of it, as far as it decides who is admitted (caddyconfig/httpcaddyfile). */
import { type Files, textOf, within, dirname } from '../files.js';
import { type LintFinding, type LintSource, type Place, referenceUnreadable } from '../finding.js';
import { readBundle } from '../../certificates/bundle.js';
import { namedMatcher } from './adapt-matchers.js';
import {
  consolidated,
  fullWords,
  lineText,
  orderOf,
  routing,
  type Routing,
  subroutes,
} from './adapt-routes.js';
import { type Json, jsonAt, member, type Plain } from './json.js';
import { ofEnvironment, readCaddyfile, type Segment } from './syntax.js';

export interface Adapted {
  config: Json;
  findings: readonly LintFinding[];
  doubt?: Place & { why: string };
}

interface Address {
  scheme: string;
  host: string;
  port: string;
  path: string;
}

function addressOf(text: string): Address {
  const [, scheme = '', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/i.exec(text.trim()) ?? [];
  const slash = rest.indexOf('/');
  const authority = slash === -1 ? rest : rest.slice(0, slash);
  const [, host = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(authority) ?? [, authority];
  return {
    scheme: scheme.toLowerCase(),
    host: host.replace(/^\[|\]$/g, '').toLowerCase(),
    port,
    path: slash === -1 ? '' : rest.slice(slash),
  };
}

/** A site on one listener, with those of its addresses that it has there. */
interface Site {
  segment: Segment;
  addresses: readonly Address[];
  blocks: readonly Segment[];
}

interface Options {
  httpPort: string;
  httpsPort: string;
  autoHttps: readonly string[];
  defaultBind: readonly string[];
  defaultSni: string;
  servers: readonly Segment[];
  admin?: Segment;
  order: string[];
}

/** Global options that do not take part in the decision. */
const IDLE =
  /^(?:acme_\w+|cert_\w+|debug|dns|ech|email|events|fallback_sni|filesystem|grace_period|http_port|https_port|key_type|local_certs|log|metrics|ocsp_\w+|on_demand_tls|persist_config|pki|preferred_chains|renew_interval|shutdown_delay|skip_install_trust|storage\w*|auto_https|default_bind|default_sni|servers|admin|order)$/;

const argumentsOf = ({ words }: Segment): string[] => words.slice(1).map(({ text }) => text);

function optionsOf(lines: readonly Segment[]): Options {
  const named = (name: string): Segment[] => lines.filter(({ words }) => words[0]?.text === name);
  const first = (name: string): string | undefined => named(name).at(-1)?.words[1]?.text;
  const admin = named('admin').at(-1);
  return {
    httpPort: first('http_port') ?? '80',
    httpsPort: first('https_port') ?? '443',
    autoHttps: named('auto_https').flatMap(argumentsOf),
    defaultBind: named('default_bind').flatMap(argumentsOf),
    defaultSni: first('default_sni') ?? '',
    servers: named('servers'),
    order: orderOf(named('order')),
    ...(admin ? { admin } : {}),
  };
}

/** Base64 of the certificates in a file, as many as Caddy is sure to load, and of those that only later versions do. */
interface Loaded {
  sure: string[];
  later: string[];
  why?: string;
}

interface Loader {
  load(path: string, at: Place): Loaded;
}

function loader(folder: string, files: Files, findings: LintFinding[]): Loader {
  return {
    load(path, at) {
      const variable = ofEnvironment(path);
      if (variable !== undefined)
        return {
          sure: [],
          later: [],
          why: `the trusted certificates depend on the environment variable ${variable}`,
        };
      const located = within(folder, path);
      const read = files.read(located);
      if ('problem' in read) {
        findings.push(referenceUnreadable(at, located, read.problem));
        return { sure: [], later: [], why: `${located} could not be read: ${read.problem}` };
      }
      const ders = readBundle(read.bytes).certificates.map(({ certificate }) =>
        certificate.pem.replace(/-----[^-]+-----|\s/g, ''),
      );
      if (ders.length === 0 || !textOf(read.bytes).includes('-----BEGIN CERTIFICATE-----'))
        return { sure: [], later: [], why: `${located} contains no certificate` };
      return { sure: ders.slice(0, 1), later: ders.slice(1) };
    },
  };
}

/** `client_auth` of a `tls` directive. */
function clientAuth(segment: Segment, folder: string, files: Loader): Json {
  const trusted: Json[] = [];
  const later: Json[] = [];
  const leaves: Json[] = [];
  const laterLeaves: Json[] = [];
  const verifiers: Json[] = [];
  let mode: Json | undefined;
  let pool: Json | undefined;
  let why: string | undefined;
  for (const line of segment.block ?? []) {
    const name = line.words[0]?.text ?? '';
    const [value = ''] = argumentsOf(line);
    const variable = line.words
      .slice(1)
      .map(({ text }) => ofEnvironment(text))
      .find((each) => each !== undefined);
    if (variable !== undefined) why ??= `client_auth depends on the environment variable ${variable}`;
    const one = (text: string): Json => jsonAt(line, text, lineText(line));
    switch (name) {
      case 'mode':
        mode = one(value);
        break;
      case 'trusted_ca_cert':
        trusted.push(one(value));
        break;
      case 'trusted_leaf_cert':
        leaves.push(one(value));
        break;
      case 'trusted_ca_cert_file':
      case 'trusted_leaf_cert_file': {
        const loaded = files.load(value, line);
        why ??= loaded.why;
        const isLeaf = name === 'trusted_leaf_cert_file';
        (isLeaf ? leaves : trusted).push(...loaded.sure.map(one));
        (isLeaf ? laterLeaves : later).push(...loaded.later.map(one));
        break;
      }
      case 'trust_pool':
        pool = trustPool(line, folder);
        break;
      case 'verifier':
        verifiers.push(verifier(line, folder));
        break;
      default:
        why ??= `${name} of client_auth is not supported`;
    }
  }
  return jsonAt(
    segment,
    {
      mode,
      ca: pool,
      trusted_ca_certs: trusted.length === 0 ? undefined : trusted,
      trusted_leaf_certs: leaves.length === 0 ? undefined : leaves,
      verifiers: verifiers.length === 0 ? undefined : verifiers,
      // Not of Caddy: what its versions load differently, and what is not understood.
      '?later': later.length === 0 ? undefined : later,
      '?laterLeaves': laterLeaves.length === 0 ? undefined : laterLeaves,
      '?': why,
    },
    lineText(segment),
  );
}

function trustPool(line: Segment, folder: string): Json {
  const [provider = '', ...rest] = argumentsOf(line);
  const inner = (name: string): string[] =>
    (line.block ?? []).filter(({ words }) => words[0]?.text === name).flatMap(argumentsOf);
  const text = lineText(line);
  if (provider === 'inline') return jsonAt(line, { provider, trusted_ca_certs: inner('trust_der') }, text);
  if (provider === 'file')
    return jsonAt(
      line,
      { provider, pem_files: [...rest, ...inner('pem_file')].map((path) => within(folder, path)) },
      text,
    );
  return jsonAt(line, { provider }, text);
}

function verifier(line: Segment, folder: string): Json {
  const [kind = '', loaderName, ...rest] = argumentsOf(line);
  const lines =
    loaderName === undefined
      ? (line.block ?? []).map((each) => [each.words[0]?.text ?? '', ...argumentsOf(each)])
      : [[loaderName, ...rest]];
  return jsonAt(
    line,
    {
      verifier: kind,
      leaf_certs_loaders: lines.map(([name = '', ...paths]) =>
        name === 'file'
          ? { loader: name, files: paths.map((path) => within(folder, path)) }
          : { loader: name },
      ),
    },
    lineText(line),
  );
}

/** What a `tls` directive says of connections; `undefined` where it changes nothing about them. */
function policyOf(segment: Segment, folder: string, files: Loader): Json | undefined {
  const block = segment.block ?? [];
  const auth = block.find(({ words }) => words[0]?.text === 'client_auth');
  const changes =
    segment.words.length >= 3 ||
    block.some(({ words }) =>
      /^(?:protocols|ciphers|curves|client_auth|alpn|insecure_secrets_log|client_auth)$/.test(
        words[0]?.text ?? '',
      ),
    );
  if (!changes) return undefined;
  return jsonAt(
    segment,
    auth ? { client_authentication: clientAuth(auth, folder, files) } : {},
    lineText(segment),
  );
}

const isWild = (host: string): boolean => host.includes('*');

/** Whether a name is one of those that a pattern with `*` for single labels means. */
export function matchesHost(name: string, pattern: string): boolean {
  const [labels, parts] = [name.toLowerCase().split('.'), pattern.toLowerCase().split('.')];
  return labels.length === parts.length && parts.every((part, at) => part === '*' || part === labels[at]);
}

function hostsOf({ addresses }: Site): string[] {
  if (addresses.some(({ host }) => host === '')) return [];
  return [...new Set(addresses.map(({ host }) => host))];
}

/** The matcher sets that a site's addresses are. */
function siteMatchers({ addresses, segment }: Site): Json[] {
  const sets: { hosts: string[]; path: string }[] = [];
  let all = false;
  for (const { host, path } of addresses) {
    let set = sets.find((each) => each.path === path);
    if (!set) sets.push((set = { hosts: [], path }));
    if (host === '' && !all) {
      set.hosts = [];
      all = true;
    }
    if (!all && !set.hosts.includes(host)) set.hosts.push(host);
  }
  return sets
    .filter(({ hosts, path }) => hosts.length > 0 || path !== '')
    .map(({ hosts, path }) =>
      jsonAt(segment, {
        host: hosts.length > 0 ? hosts : undefined,
        path: path === '' ? undefined : [path],
      }),
    );
}

/** Sites of more specific names first; those for any name last. */
function bySpecificity(a: Site, b: Site): number {
  const longest = ({ addresses }: Site): number =>
    Math.max(...addresses.map(({ host }) => host.replaceAll('*', '').length));
  const [one, other] = [longest(a), longest(b)];
  if (one === 0 || other === 0) return one === other ? 0 : one === 0 ? 1 : -1;
  const wild = ({ addresses }: Site): boolean => addresses.some(({ host }) => host === '' || isWild(host));
  if (wild(a) !== wild(b)) return wild(a) ? 1 : -1;
  return other - one;
}

/** Policies of one listener in their order, with the one for all other names at the end. */
function policiesOf(sites: readonly Site[], options: Options, folder: string, files: Loader): Json[] {
  const made: { hosts: string[]; policy: Json }[] = [];
  let catchesAll = false;
  let qualifies = false;
  let automatic = !options.autoHttps.includes('off');
  const plain: string[] = [];
  for (const site of sites) {
    const hosts = hostsOf(site);
    const lines = site.blocks.filter(({ words }) => words[0]?.text === 'tls');
    const policies = lines.flatMap((line) => policyOf(line, folder, files) ?? []);
    if (policies.length === 0) plain.push(...hosts.filter((host) => !isWild(host)));
    const names = hosts.includes(options.defaultSni) ? [...hosts, ''] : hosts;
    for (const policy of policies) {
      const same = made.find(({ hosts: others }) => others.join() === names.join());
      if (same) {
        if (!member(same.policy, 'client_authentication')) same.policy = policy;
      } else made.push({ hosts: names, policy });
      catchesAll = names.length === 0;
    }
    for (const { scheme, host, port } of site.addresses) {
      const isPlain = scheme === 'http' || port === options.httpPort;
      if (scheme === 'https' || (!isPlain && (host !== '' || lines.length > 0))) qualifies = true;
      automatic &&= port === options.httpsPort || (port !== options.httpPort && host !== '');
    }
  }
  const written = made.flatMap(({ hosts, policy }): Json[] => {
    const all = (policy.content as ReadonlyMap<string, Json>).entries();
    const withHosts = (names: readonly string[], extra: Plain = {}): Json => ({
      ...policy,
      content: new Map([
        ...all,
        ...(names.length === 0 ? [] : [['match', jsonAt(policy, { sni: names })] as const]),
        ...Object.entries(extra as Record<string, Plain>).map(
          ([name, value]) => [name, jsonAt(policy, value)] as const,
        ),
      ]),
    });
    const auth = member(policy, 'client_authentication');
    const shielded = auth
      ? plain.filter((host) => hosts.some((name) => isWild(name) && matchesHost(host, name)))
      : [];
    // Caddy 2.6 asks under such a name as well; later versions do not.
    const shield =
      shielded.length === 0
        ? []
        : [
            jsonAt(policy, {
              match: { sni: shielded },
              client_authentication: {
                mode: 'request',
                '?': 'whether a wildcard site’s client_auth applies to a more specific site depends on the version of Caddy',
              },
            }),
          ];
    return [...shield, withHosts(hosts)];
  });
  const inOrder = [
    ...written.filter((each) => member(each, 'match')),
    ...written.filter((each) => !member(each, 'match')),
  ];
  const [first] = sites;
  const needsRest =
    qualifies && !catchesAll && (inOrder.length > 0 || !automatic || options.defaultSni !== '');
  if (!needsRest || !first) return inOrder;
  return [...inOrder, jsonAt(first.segment, {}, 'the policy for all other names')];
}

/** Errors are handled by the routes of a site's `handle_errors`. */
function errorRoutes(site: Site, rules: Routing): Json[] {
  return site.blocks
    .filter(({ words }) => words[0]?.text === 'handle_errors')
    .map((line) => {
      const routes = subroutes(line.block ?? [], matchersOf(site), rules, true);
      const statuses = argumentsOf(line);
      return jsonAt(line, {
        match: statuses.length === 0 ? undefined : [{ expression: `status ${statuses.join(' ')}` }],
        handle: [jsonAt(line, { handler: 'subroute', routes }, lineText(line))],
      });
    });
}

const matchersOf = ({ blocks }: Site): ReadonlyMap<string, Json> =>
  new Map(
    blocks
      .filter(({ words }) => words[0]?.text.startsWith('@'))
      .map((segment) => [segment.words[0]?.text ?? '', namedMatcher(segment)]),
  );

function serverOf(
  address: string,
  sites: readonly Site[],
  options: Options,
  rules: Routing,
  more: More,
): Json {
  const inOrder = [...sites].sort(bySpecificity);
  const routes = inOrder.map((site): Json => {
    const match = siteMatchers(site);
    return jsonAt(site.segment, {
      match: match.length === 0 ? undefined : match,
      handle: [
        jsonAt(site.segment, { handler: 'subroute', routes: subroutes(site.blocks, new Map(), rules, true) }),
      ],
      terminal: true,
    });
  });
  const errors = inOrder.flatMap((site): Json[] => {
    const inner = errorRoutes(site, rules);
    if (inner.length === 0) return [];
    const match = siteMatchers(site);
    return [
      jsonAt(site.segment, {
        match: match.length === 0 ? undefined : match,
        handle: [{ handler: 'subroute', routes: inner }],
        terminal: true,
      }),
    ];
  });
  const policies = policiesOf(inOrder, options, more.folder, more.files);
  const skip = inOrder.flatMap(({ addresses }) =>
    addresses.filter(({ scheme, host }) => scheme === 'http' && host !== '').map(({ host }) => host),
  );
  const [first] = inOrder;
  const at = first?.segment ?? { file: '', line: 1 };
  const settings = options.servers.filter(
    (line) => line.words.length < 2 || argumentsOf(line).includes(address),
  );
  const inner = settings.flatMap(({ block }) =>
    (block ?? []).flatMap((line) => (line.words[0]?.text === 'protocol' && line.block ? line.block : [line])),
  );
  const strict = inner.filter(({ words }) => words[0]?.text === 'strict_sni_host').at(-1);
  const wrappers = inner
    .filter(({ words }) => words[0]?.text === 'listener_wrappers')
    .flatMap(({ block }) => block ?? []);
  return jsonAt(at, {
    listen: [address],
    routes: consolidated(routes),
    errors: errors.length === 0 ? undefined : { routes: errors },
    tls_connection_policies: policies.length === 0 ? undefined : policies,
    automatic_https: {
      disable: options.autoHttps.includes('off') ? true : undefined,
      skip: skip.length === 0 ? undefined : skip,
    },
    strict_sni_host: strict
      ? jsonAt(strict, strict.words[1]?.text !== 'insecure_off', lineText(strict))
      : undefined,
    listener_wrappers:
      wrappers.length === 0
        ? undefined
        : wrappers.map((line) => jsonAt(line, { wrapper: line.words[0]?.text ?? '' }, lineText(line))),
  });
}

interface More {
  folder: string;
  files: Loader;
}

/** Listeners with the sites on them. */
function listenersOf(sites: readonly Segment[], options: Options): Map<string, Site[]> {
  const listeners = new Map<string, Site[]>();
  for (const segment of sites) {
    const blocks = (segment.block ?? []).map(fullWords);
    const bound = blocks.filter(({ words }) => words[0]?.text === 'bind').flatMap(argumentsOf);
    const hosts = bound.length > 0 ? bound : options.defaultBind.length > 0 ? options.defaultBind : [''];
    const addresses = segment.words
      .flatMap(({ text }) => text.split(','))
      .filter((text) => text !== '')
      .map(addressOf);
    for (const address of addresses) {
      const port =
        address.port !== '' ? address.port : address.scheme === 'http' ? options.httpPort : options.httpsPort;
      for (const host of new Set(hosts)) {
        const isIpv6 = host.includes(':') && !host.includes('[') && !host.includes('/');
        const listener = host.startsWith('unix/') ? host : `${isIpv6 ? `[${host}]` : host}:${port}`;
        const there = listeners.get(listener) ?? [];
        listeners.set(listener, there);
        const site = there.find((each) => each.segment === segment);
        if (site) (site.addresses as Address[]).push(address);
        else there.push({ segment, addresses: [address], blocks });
      }
    }
  }
  return listeners;
}

/** Reads a Caddyfile with everything that it imports, as JSON. */
export function adaptCaddyfile(source: LintSource, files: Files): Adapted {
  const { sites, named, findings: found, doubt: odd } = readCaddyfile(source, files);
  const findings = [...found];
  const [head] = sites;
  const hasOptions = head?.words.length === 0;
  const lines = hasOptions ? (head.block ?? []) : [];
  const options = optionsOf(lines);
  const strange = lines.find(({ words }) => !IDLE.test(words[0]?.text ?? ''));
  const rules = routing(
    new Map([...named].map(([name, segment]) => [name, fullWords(segment)])),
    options.order,
  );
  const folder = dirname(source.file);
  const more: More = { folder, files: loader(folder, files, findings) };
  const listeners = listenersOf(hasOptions ? sites.slice(1) : sites, options);
  const servers = [...listeners].map(([address, all], at): [string, Json] => [
    `srv${at}`,
    serverOf(address, all, options, rules, more),
  ]);
  const at = { file: source.file, line: 1 };
  const admin = options.admin;
  const config = jsonAt(at, {
    admin: admin
      ? jsonAt(
          admin,
          admin.words[1]?.text === 'off' ? { disabled: true } : { listen: admin.words[1]?.text },
          lineText(admin),
        )
      : undefined,
    apps: {
      http: {
        http_port: Number(options.httpPort),
        https_port: Number(options.httpsPort),
        servers: { ...at, content: new Map(servers) },
      },
    },
  });
  const doubt =
    odd ??
    (strange
      ? {
          file: strange.file,
          line: strange.line,
          why: `the global option ${strange.words[0]?.text ?? ''} is not supported`,
        }
      : undefined);
  return { config, findings, ...(doubt === undefined ? {} : { doubt }) };
}
