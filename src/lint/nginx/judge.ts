/** Walks every caller through every listener of nginx, by paths that lead into each location and past each condition. */
import { type ApiGatewayReport, asApiGateway } from '../api-gateway.js';
import type { Files } from '../files.js';
import { lintFinding, type LintFinding, type LintSource } from '../finding.js';
import { type Caller, callersFor, type Identity, strangerOf } from '../identity.js';
import { certificateFindings, distinctIdentities, identitiesIn } from '../material.js';
import { sharingSubject } from '../openssl.js';
import { METHODS } from '../methods.js';
import { explore, isCaBundleTrap, type Walked } from '../outcome.js';
import { samplePath } from '../regex.js';
import type { Examination, Examined } from '../verdict.js';
import { type Listener, type Location, type NginxModel, nginxModel, own, type Server } from './model.js';
import { walkStream } from './stream.js';
import { type Directive, parseNginx } from './syntax.js';
import { certificateVariables, type Request } from './variables.js';
import { isPublicChallenge, walkNginx, type Way } from './walk.js';

/** Reads nginx's configuration and everything that it names. */
export function readNginx(source: LintSource, files: Files): NginxModel {
  return nginxModel(parseNginx(source, files), source.file, files);
}

/** Paths that lead into each location, and through each condition on the path. */
export function pathsOf(server: Server, all: readonly Directive[]): string[] {
  const paths = new Set<string>();
  const add = (path: string | undefined): void => {
    if (path?.startsWith('/') === true && !/[\s?#]/.test(path)) paths.add(path);
  };
  const visit = (location: Location): void => {
    const { kind, pattern } = location;
    if (kind === 'exact') add(pattern);
    else if (kind === 'prefix' || kind === 'prefixFirst') {
      add(pattern.endsWith('/') ? `${pattern}apigw-cert` : pattern);
      if (pattern !== '/') add(`${pattern}${pattern.endsWith('/') ? '' : '/'}apigw-cert`);
    } else if (kind !== 'named') add(samplePath(pattern, kind === 'regexIgnoringCase' ? 'i' : ''));
    location.nested.forEach(visit);
  };
  add('/apigw-cert');
  server.locations.forEach(visit);
  const ofPath = /\$\{?(?:uri|request_uri|document_uri)\b/;
  for (const { name, args, block } of all) {
    const words = args.join(' ');
    if (name === 'if' && ofPath.test(words)) {
      const [, operator = '', operand = ''] = /(!?=|!?~\*?)\s*([^]*?)\s*\)?$/.exec(words) ?? [];
      const bare = operand.replace(/\)$/, '');
      if (operator.endsWith('=')) add(bare);
      else for (const each of [operand, bare]) add(samplePath(each, operator.endsWith('*') ? 'i' : ''));
    }
    if (name === 'rewrite') add(samplePath(args[0] ?? ''));
    if (name === 'map' && ofPath.test(args[0] ?? '')) {
      for (const { name: key } of block ?? []) {
        if (key.startsWith('~')) add(samplePath(key.replace(/^~\*?/, ''), key.startsWith('~*') ? 'i' : ''));
        else add(key);
      }
    }
  }
  return [...paths];
}

/** Other spellings of a path, of the same meaning to locations and not to `$request_uri`. */
export function spellingsOf(uri: string, all: readonly Directive[]): string[] {
  const counts = all.some(({ args }) => args.some((each) => /\$\{?request_uri\b/.test(each)));
  if (!counts) return [uri];
  const encoded = uri.replace(/^(\/+)([A-Za-z0-9])/, (_, slashes: string, sign: string) => {
    return `${slashes}%${sign.charCodeAt(0).toString(16)}`;
  });
  return [...new Set([uri, encoded, `${uri}?apigw-cert`])];
}

/** Methods that may be treated apart. */
function methodsOf(all: readonly Directive[]): readonly string[] {
  const differs = all.some(
    ({ name, args, block }) =>
      name === 'limit_except' ||
      args.some((each) => each.includes('$request_method')) ||
      block?.some(({ args: inner }) => inner.some((each) => each.includes('$request_method'))),
  );
  return differs ? METHODS : ['GET'];
}

/** Who may come to which server by which TLS settings: nginx answers 421 where a name of another server was negotiated. */
function waysTo(server: Server, { isTls, servers, fallback }: Listener, now: Date): Way[] {
  const handshakes = new Set<Server>(isTls ? [server, fallback] : [server]);
  if (isTls && server.tls.mode === 'off') for (const each of servers) handshakes.add(each);
  return [...handshakes].map((handshake) => ({ isTls, handshake, server, now }));
}

/** All requests of one caller who comes to a server in one way, always in the same order. */
function walkWay(
  model: NginxModel,
  { servers }: Listener,
  way: Way,
  caller: Caller,
  by: Pick<Request, 'address'>,
): Walked[] {
  const { server } = way;
  const at = { file: server.directive.file, line: server.directive.line };
  const name = server.names.find((each) => each !== '_' && each !== '');
  const title = servers.length > 1 && name !== undefined ? `${name} ` : '';
  const via = way.handshake === server ? '' : ', by the TLS settings of the default server';
  if (server.isStream) {
    const outcome = explore((ask) => walkStream(model, way, caller, { method: 'GET', ...by }, ask));
    return [{ caller, ...at, where: `${title}stream server`, request: 'a connection', outcome }];
  }
  const walk = (request: Request) =>
    explore((ask) => walkNginx(model, way, caller, { ...request, ...by }, ask));
  const requested = pathsOf(server, model.all).flatMap((uri) =>
    spellingsOf(uri, model.all).map((originalUri) => ({ uri, originalUri })),
  );
  const along = methodsOf(model.all).flatMap((method) =>
    requested.map(({ uri, originalUri }): Walked => {
      const outcome = walk({ uri, originalUri, method });
      const location = findLocation(server, uri);
      const place = location?.directive ?? server.directive;
      const isPublic =
        location !== undefined && isPublicChallenge(location, uri) && outcome.result === 'admitted';
      return {
        caller,
        file: place.file,
        line: place.line,
        where: `${title}${location ? `location ${location.directive.args.join(' ')}` : 'server'}${via}`,
        request: `${method} ${originalUri}${name === undefined ? '' : ` (Host: ${name}${via})`}`,
        outcome,
        ...(isPublic ? { isPublic } : {}),
      };
    }),
  );
  const outcome = walk({ method: 'GET' });
  return [...along, { caller, ...at, where: `${title}any path${via}`, request: 'a request', outcome }];
}

export function walkListener(
  model: NginxModel,
  listener: Listener,
  callers: readonly Caller[],
  now: Date,
  address?: string,
): Walked[] {
  const by = address === undefined ? {} : { address };
  return listener.servers.flatMap((server) =>
    waysTo(server, listener, now).flatMap((way) =>
      callers.flatMap((caller) => walkWay(model, listener, way, caller, by)),
    ),
  );
}

/** API Gateway under the name of each server, which it also has in its handshake. */
function apiGatewayAt(
  model: NginxModel,
  listener: Listener,
  callers: readonly Caller[],
  now: Date,
): ApiGatewayReport[] {
  if (!listener.isTls) return [];
  return listener.servers.flatMap((server) => {
    const { mode, announced, announcedAt, rejectsHandshake } = server.tls;
    if (mode === 'off' || rejectsHandshake) return [];
    const host = listener.servers.length > 1 ? server.names.find((each) => each !== '_') : undefined;
    const { file, line } = announcedAt;
    const asking = { file, line, announced, ...(host === undefined ? {} : { host }) };
    const way: Way = { isTls: true, handshake: server, server, now };
    return asApiGateway(asking, callers, (caller) => walkWay(model, listener, way, caller, {})) ?? [];
  });
}

/** The location whose line stands for a path in a report. */
function findLocation(server: Server, uri: string): Location | undefined {
  let best: Location | undefined;
  for (const each of server.locations) {
    if (each.kind === 'exact' && each.pattern === uri) return each;
    const isPrefix = (each.kind === 'prefix' || each.kind === 'prefixFirst') && uri.startsWith(each.pattern);
    if (isPrefix && (best?.pattern.length ?? -1) < each.pattern.length) best = each;
  }
  if (best?.kind === 'prefixFirst') return best;
  return (
    server.locations.find((each) => {
      if (!each.kind.startsWith('regex')) return false;
      const sample = samplePath(each.pattern, each.kind === 'regexIgnoringCase' ? 'i' : '');
      return sample === uri;
    }) ?? best
  );
}

/** Certificates that the configuration lists: in bundles, and wherever a word looks like one. */
export function listedIn(model: NginxModel): Identity[] {
  const words = model.all.flatMap(({ name, args }) => [name, ...args]);
  const bundles = model.listeners.flatMap(({ servers }) => servers.flatMap(({ tls }) => tls.trusted));
  return distinctIdentities([
    ...bundles.filter(({ isAuthority }) => !isAuthority),
    ...words.flatMap((word) => identitiesIn(word)),
  ]);
}

const isLocal = (address: string): boolean => /^(?:127\.|\[::1\]|localhost|unix:)/.test(address);

/** The variables with the whole certificate. */
const WHOLE = new Set(['ssl_client_escaped_cert', 'ssl_client_raw_cert', 'ssl_client_cert']);

function extraFindings(model: NginxModel, now: Date): LintFinding[] {
  const findings: LintFinding[] = [];
  for (const { name, args, file, line, block } of model.all) {
    const compared = name === 'if' ? args.join(' ') : name === 'map' && block ? (args[0] ?? '') : '';
    if (compared !== '' && certificateVariables(compared, []).has('ssl_client_fingerprint'))
      findings.push(lintFinding('Sha1Pin', { file, line }, { subject: '$ssl_client_fingerprint' }));
  }
  for (const { name, args, block = [] } of model.all) {
    if (name !== 'map' || ![...certificateVariables(args[0] ?? '', [])].some((each) => WHOLE.has(each)))
      continue;
    for (const { name: key, args: value, file, line } of block) {
      const ignoresCase = key.startsWith('~*') || !key.startsWith('~');
      if (ignoresCase && key.includes('BEGIN') && (value[0] ?? '') !== '')
        findings.push(lintFinding('PinIgnoresCase', { file, line }, { subject: args[0] ?? '' }));
    }
  }
  const bundles = new Map(
    model.listeners.flatMap(({ servers }) =>
      servers.flatMap(({ tls }) =>
        tls.materials.map((material) => [material.path, { material, tls }] as const),
      ),
    ),
  );
  const demandsSuccess = model.all.some(({ args }) => args.some((each) => each.includes('SUCCESS')));
  for (const { material, tls } of bundles.values()) {
    findings.push(...certificateFindings(material.certificates, material.path, now));
    const walk = (caller: Caller): Walked[] =>
      model.listeners
        .filter(({ servers }) => servers.some((server) => server.tls.materials.includes(material)))
        .flatMap((listener) => walkListener(model, listener, [caller], now));
    const isLax = tls.mode === 'optional_no_ca';
    if (isCaBundleTrap(material.certificates, { isLax, demandsSuccess }, walk))
      findings.push(lintFinding('CaBundleTrap', tls.at, { subject: material.path }));
  }
  return findings;
}

/** Judges nginx's configuration, or the part of one that a file is. */
export function examineNginx(source: LintSource, files: Files, now: Date): Examination {
  const model = readNginx(source, files);
  const { problem, listeners } = model;
  if (problem)
    return { examined: [], findings: [...model.findings], doubt: { ...problem, why: problem.text } };
  const listed = listedIn(model);
  const examined = listeners.map((listener): Examined => {
    const trusted = listener.servers.flatMap(({ tls }) => (tls.mode === 'off' ? [] : tls.trusted));
    const authorities = distinctIdentities(trusted.filter(({ isAuthority }) => isAuthority));
    const namesakes = authorities.map((each): Caller => ({ ...strangerOf(each), isNamesake: true }));
    const callers = [...callersFor(listed, authorities, now), ...namesakes];
    const { address, file, line, isTls } = listener;
    const host = listener.servers
      .flatMap(({ names }) => names)
      .find((each) => /^[\w.-]+$/.test(each) && each !== '_');
    const port = Number(/:(\d+)$/.exec(address)?.[1]);
    return {
      listener: `${listener.servers[0]?.isStream ? 'stream ' : ''}${address.replace(/^\*:/, ':')}`,
      file,
      line,
      isTls,
      isLocal: isLocal(address),
      walked: walkListener(model, listener, callers, now),
      sharing: listener.servers.flatMap(({ tls }) => sharingSubject(tls.trusted)),
      apiGateway: apiGatewayAt(model, listener, callers, now),
      ...(host === undefined ? {} : { host }),
      ...(Number.isNaN(port) ? {} : { port }),
    };
  });
  const findings = [...model.findings, ...extraFindings(model, now)];
  if (examined.length > 0) return { examined, findings };
  return { examined, findings, doubt: { file: source.file, line: 1, why: 'this file contains no server' } };
}

export { own };
