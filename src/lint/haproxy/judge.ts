/** Walks every caller through every way into every frontend of HAProxy. */
import { type ApiGatewayReport, asApiGateway } from '../api-gateway.js';
import type { Files } from '../files.js';
import { lintFinding, type LintFinding, type LintSource } from '../finding.js';
import { type Caller, callersFor, type Identity } from '../identity.js';
import { certificateFindings, distinctIdentities, identitiesIn } from '../material.js';
import { sharingSubject } from '../openssl.js';
import { METHODS } from '../methods.js';
import { explore, type Walked } from '../outcome.js';
import { samplePath } from '../regex.js';
import type { Examination, Examined } from '../verdict.js';
import { type Bind, type BindTls, haproxyModel, type HaproxyModel, type Proxy } from './model.js';
import { walkHaproxy } from './walk.js';

/** Paths that conditions tell apart. */
export function pathsOf(model: HaproxyModel): string[] {
  const paths = new Set(['/apigw-cert']);
  const add = (path: string | undefined): void => {
    if (path?.startsWith('/') === true && !/[\s#]/.test(path)) paths.add(path);
  };
  for (const { words } of model.all) {
    if (words[0] === 'monitor-uri') add(words[1]);
    if (words[0] === 'stats' && words[1] === 'uri') add(words[2]);
    words.forEach((word, at) => {
      if (!/^(?:path|url|base|capture\.req\.uri|pathq)(?:_|,|$)/.test(word)) return;
      for (const pattern of words.slice(at + 1)) {
        if (/^(?:if|unless|or|\|\||\}|\{)$/.test(pattern)) break;
        if (pattern.startsWith('-')) continue;
        add(pattern);
        add(pattern.startsWith('/') ? `${pattern.replace(/\/$/, '')}/apigw-cert` : `/apigw-cert${pattern}`);
        add(`/${pattern.replace(/^\//, '')}`);
        add(samplePath(pattern));
      }
    });
  }
  return [...paths];
}

function methodsOf(model: HaproxyModel): readonly string[] {
  const differs = model.all.some(({ words }) => words.some((word) => /^!?(?:METH_\w+|method)$/.test(word)));
  return differs ? METHODS : ['GET'];
}

/** All requests of one caller who comes in by one way, always in the same order. */
function walkWay(
  model: HaproxyModel,
  { frontend, bind, way, now }: { frontend: Proxy; bind: Bind; way: BindTls | undefined; now: Date },
  caller: Caller,
): Walked[] {
  const isHttp = frontend.mode === 'http';
  const name = way?.names[0];
  const host = name === undefined ? '' : ` (host ${name})`;
  const walked = (request: { path?: string; method: string }, shown: string): Walked => ({
    file: bind.file,
    line: bind.line,
    caller,
    where: `${frontend.kind} ${frontend.name}${host}`,
    request: shown,
    outcome: explore((ask) =>
      walkHaproxy(model, { frontend, bind, now, ...(way ? { way } : {}) }, caller, request, ask),
    ),
  });
  const along = (isHttp ? methodsOf(model) : ['GET']).flatMap((method) =>
    (isHttp ? pathsOf(model) : ['/']).map((path) =>
      walked({ path, method }, isHttp ? `${method} ${path}${host}` : `a connection${host}`),
    ),
  );
  return [...along, walked({ method: 'GET' }, `any path${host}`)];
}

/** API Gateway under each name of a bind. */
function apiGatewayAt(
  model: HaproxyModel,
  { frontend, bind, now }: { frontend: Proxy; bind: Bind; now: Date },
  callers: readonly Caller[],
): ApiGatewayReport[] {
  if (!bind.isTls) return [];
  return bind.ways.flatMap((way) => {
    if (way.verify === 'none') return [];
    const { file, line, announced } = way;
    const [host] = way.names;
    const asking = { file, line, announced, ...(host === undefined ? {} : { host }) };
    return (
      asApiGateway(asking, callers, (caller) => walkWay(model, { frontend, bind, way, now }, caller)) ?? []
    );
  });
}

const isLocal = (address: string): boolean =>
  /^(?:127\.|localhost|\[?::1\]?:|ipv4@127\.|unix@|abns@|sockpair@|\/)/.test(address);

/** Certificates that the configuration lists, in bundles and pattern files. */
export function listedIn(model: HaproxyModel): Identity[] {
  const bundles = model.frontends.flatMap(({ binds }) =>
    binds.flatMap(({ ways }) => ways.flatMap(({ trusted }) => trusted)),
  );
  const words = model.all.flatMap(({ words: all, file, line }) =>
    all.flatMap((word, at) => {
      const path =
        /(?:^|,)map(?:_\w+)?\(([^,)]+)/.exec(word)?.[1] ?? (word === '-f' ? all[at + 1] : undefined);
      const lines = path === undefined ? [] : (model.patterns(path, { file, line }) ?? []);
      return [word, ...lines.map((each) => each.split(/\s/)[0] ?? '')];
    }),
  );
  return distinctIdentities([
    ...bundles.filter(({ isAuthority }) => !isAuthority),
    ...words.flatMap((word) => identitiesIn(word)),
  ]);
}

function extraFindings(model: HaproxyModel, now: Date): LintFinding[] {
  const findings: LintFinding[] = [];
  for (const { words, file, line } of model.all) {
    const text = words.join(' ');
    if (
      /\bssl_c_sha1\b|ssl_c_der,sha1/.test(text) &&
      /^(?:acl|http-request|tcp-request|use_backend)$/.test(words[0] ?? '') &&
      !/^(?:set|add)-header$/.test(words[1] ?? '')
    )
      findings.push(lintFinding('Sha1Pin', { file, line }, { subject: 'ssl_c_sha1' }));
    if (!/ssl_c_der,sha2\(256\),hex,lower\b/.test(text)) continue;
    const at = words.indexOf('-f');
    for (const pin of at === -1 ? [] : (model.patterns(words[at + 1] ?? '', { file, line }) ?? [])) {
      if (!/^[0-9a-f]{64}$/.test(pin))
        findings.push(lintFinding('PinNotExact', { file, line }, { subject: pin.slice(0, 100) }));
    }
  }
  for (const { binds } of model.frontends) {
    for (const bind of binds) {
      for (const way of bind.ways) {
        for (const { certificates, path } of way.materials) {
          findings.push(
            ...certificateFindings(certificates, path, now).filter(
              ({ code }) =>
                code !== 'ForeignCertificate' || way.ignoresOwn === 'all' || !way.ignoresOwn.has(18),
            ),
          );
          const single = certificates.filter(({ isAuthority }) => !isAuthority).length === 1;
          if (single && way.ignoresOwn !== 'all' && !way.ignoresOwn.has(18))
            findings.push(lintFinding('CaBundleTrap', way, { subject: path }));
        }
      }
    }
  }
  return findings;
}

/** Judges haproxy.cfg; several files are read in their order, as several `-f` are. */
export function examineHaproxy(source: LintSource, files: Files, now: Date): Examination {
  const model = haproxyModel([source], files);
  if (model.doubt) return { examined: [], findings: [...model.findings], doubt: model.doubt };
  const listed = listedIn(model);
  const examined = model.frontends
    .filter(({ lines }) => !lines.some(({ words }) => words[0] === 'disabled'))
    .flatMap((frontend) =>
      frontend.binds.map((bind): Examined => {
        const authorities = distinctIdentities(
          bind.ways.flatMap(({ trusted }) => trusted.filter(({ isAuthority }) => isAuthority)),
        );
        const callers = callersFor(listed, authorities, now);
        const host = bind.ways.flatMap(({ names }) => names).find((each) => /^[a-z0-9][\w.-]+$/i.test(each));
        const port = Number(/:(\d+)$/.exec(bind.addresses[0] ?? '')?.[1]);
        return {
          listener: `${frontend.kind} ${frontend.name} ${bind.addresses.join(',').replace(/^\*:/, ':')}`,
          file: bind.file,
          line: bind.line,
          isTls: bind.isTls,
          isLocal: bind.addresses.every(isLocal),
          walked: (bind.isTls ? bind.ways : [undefined]).flatMap((way) =>
            callers.flatMap((caller) => walkWay(model, { frontend, bind, way, now }, caller)),
          ),
          apiGateway: apiGatewayAt(model, { frontend, bind, now }, callers),
          sharing: bind.ways.flatMap(({ trusted, ignoresOwn }) =>
            ignoresOwn === 'all' || ignoresOwn.has(18) ? [] : sharingSubject(trusted),
          ),
          ...(host === undefined ? {} : { host }),
          ...(Number.isNaN(port) ? {} : { port }),
        };
      }),
    );
  const findings = [...model.findings, ...extraFindings(model, now)];
  if (examined.length > 0) return { examined, findings };
  return { examined, findings, doubt: { file: source.file, line: 1, why: 'this file contains no listener' } };
}
