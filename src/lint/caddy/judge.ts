/** Walks every caller through every site of Caddy, under each name that the configuration knows. */
import { announcedBy, type ApiGatewayReport, asApiGateway } from '../api-gateway.js';
import type { Files } from '../files.js';
import type { LintFinding, LintSource } from '../finding.js';
import { type Caller, callersFor, type Identity } from '../identity.js';
import { certificateFindings, distinctIdentities, identitiesIn } from '../material.js';
import { METHODS } from '../methods.js';
import { explore, type Walked } from '../outcome.js';
import { samplePath } from '../regex.js';
import type { Examination, Examined } from '../verdict.js';
import { adaptCaddyfile } from './adapt.js';
import { isList, isMap, type Json, member, parseJson, textOf, textsOf } from './json.js';
import { type CaddyModel, caddyModel, isLocalAddress, policyFor, type Server, topHosts } from './model.js';
import { type Request, walkCaddy } from './walk.js';

/** Every value of a configuration with the name that it stands under. */
function* everything(json: Json, name = ''): Generator<[name: string, json: Json]> {
  yield [name, json];
  if (isMap(json.content)) for (const [key, value] of json.content) yield* everything(value, key);
  else if (isList(json.content)) for (const value of json.content) yield* everything(value, name);
}

/** A path that a pattern means. */
const ofPattern = (pattern: string): string => pattern.replaceAll('*', 'apigw-cert').replaceAll('?', 'a');

/** Paths that matchers tell apart. */
export function pathsOf(config: Json): string[] {
  const paths = new Set(['/apigw-cert']);
  const add = (path: string | undefined): void => {
    if (path?.startsWith('/') === true && !/[\s#?{}%]/.test(path)) paths.add(path);
  };
  const addPattern = (pattern: string): void => {
    add(ofPattern(pattern));
    add(ofPattern(pattern.startsWith('*') ? `/${pattern}` : pattern));
    add(pattern.replaceAll('*', ''));
  };
  for (const [name, json] of everything(config)) {
    if (name === 'path') textsOf(json).forEach(addPattern);
    if (name === 'path_regexp') add(samplePath(textOf(member(json, 'pattern')) ?? ''));
    if (name === 'strip_path_prefix') {
      // What stands behind a prefix is matched without it.
      const prefix = textOf(json) ?? '';
      for (const path of [...paths]) add(`${prefix}${path}`);
    }
    if (name === 'expression' || name === 'expr') {
      for (const [, literal = ''] of (textOf(json) ?? '').matchAll(/["'`](\/[^"'`\s]*)["'`]/g))
        addPattern(literal);
    }
  }
  return [...paths];
}

function methodsOf(config: Json): readonly string[] {
  for (const [name, json] of everything(config)) {
    const isExpression = name === 'expression' || name === 'expr';
    if (name === 'method' && isList(json.content)) return METHODS;
    if (isExpression && (textOf(json) ?? '').includes('method')) return METHODS;
  }
  return ['GET'];
}

const sampleHost = (pattern: string): string => pattern.replaceAll('*', 'apigw-cert');

const ANY_HOST = 'apigw-cert.invalid';

/** The hosts of one route at the top; one that no other route names where it is for any. */
export function sitesOf(server: Server): { hosts: string[]; at: Json }[] {
  const sites = new Map<string, { hosts: string[]; at: Json }>();
  for (const route of server.routes) {
    const hosts = topHosts([route]).map(sampleHost);
    const all = hosts.length > 0 ? hosts : [ANY_HOST];
    const key = all.join();
    if (!sites.has(key)) sites.set(key, { hosts: all, at: route });
  }
  // Hosts that are told apart further down.
  const inner = [...everything(server.at)].flatMap(([name, json]) => (name === 'host' ? textsOf(json) : []));
  const known = new Set([...sites.values()].flatMap(({ hosts }) => hosts));
  const any = sites.get(ANY_HOST);
  any?.hosts.push(...new Set(inner.map(sampleHost).filter((host) => !known.has(host))));
  return [...sites.values()];
}

/** Names for the handshake: those of the policies, the host itself, another one, and none. */
export function handshakesFor(server: Server, host: string): string[] {
  if (!server.isTls) return [''];
  const named = server.policies.flatMap(({ names }) => names ?? []).map(sampleHost);
  // Under strict_sni_host any other name is refused.
  return server.isStrict ? [host] : [...new Set([host, ...named, ANY_HOST, ''])];
}

export function certificatesOf(model: CaddyModel): { listed: Identity[]; authorities: Identity[] } {
  const auths = model.servers.flatMap(({ policies }) => policies.flatMap(({ auth }) => auth ?? []));
  const bundles = auths.flatMap(({ pool = [], laterPool, leaves }) => [
    ...pool,
    ...laterPool,
    ...leaves.flat(),
  ]);
  const words = [...everything(model.config)].flatMap(([name, json]) => {
    const text = textOf(json) ?? '';
    if (name.startsWith('trusted_')) return [];
    return [name, ...text.split(/[\s"'`,()[\]]+/)].flatMap((word) => identitiesIn(word));
  });
  return {
    listed: distinctIdentities([...bundles.filter(({ isAuthority }) => !isAuthority), ...words]),
    authorities: distinctIdentities(bundles.filter(({ isAuthority }) => isAuthority)),
  };
}

/** All requests of one caller under one name of the handshake, always in the same order. */
function walksOf(
  model: CaddyModel,
  server: Server,
  { host, sni, at, now }: { host: string; sni: string; at: Json; now: Date },
  caller: Caller,
): Walked[] {
  const methods = methodsOf(model.config);
  const name = host === ANY_HOST ? 'any host' : `host ${host}`;
  const handshake = !server.isTls || sni === host ? '' : `, SNI ${sni === '' ? 'absent' : sni}`;
  return [...pathsOf(model.config), undefined].flatMap((path) =>
    (path === undefined ? ['GET'] : methods).map((method): Walked => {
      const request: Request = { method, host, sni, ...(path === undefined ? {} : { path }) };
      return {
        file: at.file,
        line: at.line,
        caller,
        where: name,
        request: `${path === undefined ? 'any path' : `${method} ${path}`} (${name}${handshake})`,
        outcome: explore((ask) => walkCaddy(server, now, caller, request, ask)),
      };
    }),
  );
}

/** API Gateway under each host of a site. Go announces the subjects of the trust pool. */
function apiGatewayAt(
  model: CaddyModel,
  server: Server,
  site: { hosts: readonly string[]; at: Json },
  callers: readonly Caller[],
  now: Date,
): ApiGatewayReport[] {
  if (!server.isTls) return [];
  return site.hosts.flatMap((host) => {
    const auth = policyFor(server, host)?.auth;
    if (!auth) return [];
    const { doubt, pool: certificates = [], at } = auth;
    const names = announcedBy([{ path: at.file, certificates, findings: [] }]);
    const asking = {
      file: at.file,
      line: at.line,
      announced: { ...names, ...(doubt === undefined ? {} : { doubt }) },
      ...(host === ANY_HOST ? {} : { host }),
    };
    const walk = (caller: Caller): Walked[] =>
      walksOf(model, server, { host, sni: host, at: site.at, now }, caller);
    return asApiGateway(asking, callers, walk) ?? [];
  });
}

function examinedOf(model: CaddyModel, server: Server, now: Date): Examined[] {
  const { listed, authorities } = certificatesOf(model);
  const callers = callersFor(listed, authorities, now);
  const [address = ''] = server.addresses;
  const port = Number(/:(\d+)$/.exec(address)?.[1]);
  return sitesOf(server).map((site): Examined => {
    const [host = ''] = site.hosts;
    const auths = server.policies
      .filter(({ names }) => names === undefined || site.hosts.some((each) => names.includes(each)))
      .flatMap(({ auth }) => auth ?? []);
    return {
      listener: `${server.addresses.join(', ')}${host === ANY_HOST ? '' : ` (${site.hosts.join(', ')})`}`,
      file: site.at.file,
      line: site.at.line,
      isTls: server.isTls,
      isLocal: server.addresses.every(isLocalAddress),
      walked: site.hosts.flatMap((each) =>
        handshakesFor(server, each).flatMap((sni) =>
          callers.flatMap((caller) => walksOf(model, server, { host: each, sni, at: site.at, now }, caller)),
        ),
      ),
      apiGateway: apiGatewayAt(model, server, site, callers, now),
      sharing: auths.flatMap(({ pool = [], laterPool }) =>
        laterPool.length === 0 ? [] : [[...pool, ...laterPool].filter(({ isAuthority }) => !isAuthority)],
      ),
      firstAlone: {
        code: 'FirstOfFile',
        reason: 'Caddy before 2.8 accepts only the first of several certificates in a file',
      },
      ...(/^[a-z0-9][\w.-]+$/i.test(host) && host !== ANY_HOST ? { host } : {}),
      ...(Number.isNaN(port) ? {} : { port }),
    };
  });
}

/** The API that can replace the configuration, where it is open to others. */
function adminExamined({ admin }: CaddyModel): Examined[] {
  if (!admin) return [];
  const at = { file: admin.file, line: admin.line };
  const outcome = {
    result: 'admitted',
    steps: [{ ...at, text: admin.text ?? `admin ${admin.address}` }],
  } as const;
  return [
    {
      ...at,
      listener: `admin ${admin.address}`,
      isTls: false,
      isLocal: false,
      sharing: [],
      apiGateway: [],
      walked: [
        {
          ...at,
          caller: { name: 'none', expired: false },
          where: 'the API that changes the configuration',
          request: 'POST /load',
          outcome,
        },
      ],
    },
  ];
}

function extraFindings(model: CaddyModel, now: Date): LintFinding[] {
  return model.servers.flatMap(({ policies }) =>
    policies.flatMap(({ auth }) =>
      (auth?.materials ?? []).flatMap(({ certificates, path }) =>
        certificateFindings(certificates, path, now),
      ),
    ),
  );
}

/** Judges a Caddyfile, or Caddy's JSON. */
export function examineCaddy(source: LintSource, files: Files, now: Date): Examination {
  const at = { file: source.file, line: 1 };
  let config: Json;
  let findings: readonly LintFinding[] = [];
  let doubt: Examination['doubt'];
  if (/^\s*\{\s*(?:"|\})/.test(source.text)) {
    try {
      config = parseJson(source.file, source.text);
    } catch {
      return { examined: [], findings: [], doubt: { ...at, why: 'the JSON is incomplete' } };
    }
  } else {
    const adapted = adaptCaddyfile(source, files);
    ({ config, findings, doubt } = adapted);
  }
  const model = caddyModel(config, files);
  doubt ??= model.doubt;
  const all = [...findings, ...model.findings];
  if (doubt) return { examined: [], findings: all, doubt };
  const examined = [
    ...model.servers.flatMap((server) => examinedOf(model, server, now)),
    ...adminExamined(model),
  ];
  const found = [...all, ...extraFindings(model, now)];
  if (examined.length > 0) return { examined, findings: found };
  return { examined, findings: found, doubt: { ...at, why: 'this file contains no listener' } };
}
