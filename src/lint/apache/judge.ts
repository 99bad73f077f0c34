/** Walks every caller through every virtual host of Apache, by paths that lead into each section. */
import { type ApiGatewayReport, asApiGateway } from '../api-gateway.js';
import type { Files } from '../files.js';
import { textOf, within } from '../files.js';
import { lintFinding, type LintFinding, type LintSource } from '../finding.js';
import { type Caller, callersFor, forger, type Identity } from '../identity.js';
import { certificateFindings, distinctIdentities, identitiesIn } from '../material.js';
import { sharingSubject } from '../openssl.js';
import { METHODS } from '../methods.js';
import { explore, isCaBundleTrap, type Walked } from '../outcome.js';
import { samplePath } from '../regex.js';
import type { Examination, Examined } from '../verdict.js';
import { type ApacheModel, apacheModel, type Host, type Listener } from './model.js';
import type { Node } from './syntax.js';
import { walkApache } from './walk.js';

/** Paths that sections, rules and conditions tell apart. */
export function pathsOf({ all }: ApacheModel): string[] {
  const paths = new Set(['/apigw-cert']);
  const add = (path: string | undefined): void => {
    if (path?.startsWith('/') === true && !/[\s?#%*]/.test(path)) paths.add(path);
  };
  for (const { name, words, args } of all) {
    const last = words.at(-1) ?? '';
    if (name === 'location' && words[0] !== '~') {
      const plain = last.replace(/\*.*$/, 'a');
      add(plain);
      add(`${plain.replace(/\/$/, '')}/apigw-cert`);
    }
    if (name === 'locationmatch' || (name === 'location' && words[0] === '~')) add(samplePath(last));
    if (name === 'files') add(`/${last.replaceAll('*', 'a')}`);
    if (name === 'filesmatch') add(samplePath(last.replace(/^\^/, '^/')) ?? samplePath(last));
    if (/^(?:proxypass|redirect|alias$|scriptalias$)/.test(name))
      for (const each of words) add(each.replace(/\/$/, '') + '/apigw-cert');
    if (/^(?:rewriterule|proxypassmatch)$/.test(name)) add(samplePath((words[0] ?? '').replace(/^!/, '')));
    if (name === 'rewritecond' && /URI|REQUEST/.test(words[0] ?? ''))
      add(samplePath((words[1] ?? '').replace(/^!?=?/, '')));
    if (name === 'setenvif' && words[0] === 'Request_URI') add(samplePath(words[1] ?? ''));
    for (const [, quoted, pattern] of args.matchAll(
      /REQUEST_URI\}\s*(?:==|=|!=)\s*'([^']*)'|REQUEST_URI\}\s*[=!]~\s*m?[/#|]([^#|]*?)[/#|]/g,
    )) {
      add(quoted);
      if (pattern !== undefined) add(samplePath(pattern));
    }
  }
  return [...paths];
}

function methodsOf({ all }: ApacheModel): readonly string[] {
  const differs = all.some(
    ({ name, args }) =>
      /^limit(?:except)?$/.test(name) || args.includes('REQUEST_METHOD') || /^method\b/i.test(args),
  );
  return differs ? METHODS : ['GET'];
}

/** All requests of one caller to a host, always in the same order. */
function walkHost(model: ApacheModel, host: Host, isOnly: boolean, caller: Caller, now: Date): Walked[] {
  const name = host.names.find((each) => /^[\w.-]+$/.test(each));
  const title = isOnly || name === undefined ? '' : `${name} `;
  const at = { file: host.file, line: host.line };
  const paths = pathsOf(model);
  const methods = methodsOf(model);
  const walk = (request: { path?: string; method: string }) =>
    explore((ask) => walkApache(model, host, now, caller, request, ask));
  const along = methods.flatMap((method) =>
    paths.map((path): Walked => ({
      caller,
      ...at,
      where: `${title}${path}`,
      request: `${method} ${path}${name === undefined ? '' : ` (Host: ${name})`}`,
      outcome: walk({ path, method }),
    })),
  );
  const outcome = walk({ method: 'GET' });
  return [...along, { caller, ...at, where: `${title}any path`, request: 'a request', outcome }];
}

/** API Gateway under the name of each host, which it also has in its handshake. */
function apiGatewayAt(
  model: ApacheModel,
  { hosts }: Listener,
  callers: readonly Caller[],
  now: Date,
): ApiGatewayReport[] {
  return hosts.flatMap((each) => {
    const { isOn, announced, announcedAt, mayAskLate } = each.tls;
    if (!isOn) return [];
    const host = hosts.length > 1 ? each.names.find((name) => /^[\w.-]+$/.test(name)) : undefined;
    const { file, line } = announcedAt;
    const asking = { file, line, announced, mayAskLate, ...(host === undefined ? {} : { host }) };
    const walk = (caller: Caller): Walked[] => walkHost(model, each, hosts.length === 1, caller, now);
    return asApiGateway(asking, callers, walk) ?? [];
  });
}

/** Certificates that the configuration lists: in bundles, in expressions, and in the files that those read. */
export function listedIn(model: ApacheModel): Identity[] {
  const bundles = model.listeners.flatMap(({ hosts }) => hosts.flatMap(({ tls }) => tls.trusted));
  const compared = (node: Node): string[] => {
    const strings = [...node.args.matchAll(/'([^']*)'|"([^"]*)"/g)].flatMap(([, a, b]) => [a ?? '', b ?? '']);
    const inner = strings.flatMap((each) => [...each.matchAll(/'([^']*)'/g)].map(([, text]) => text ?? ''));
    const files = [...node.args.matchAll(/file\(\s*['"]([^'"]+)['"]\s*\)/g)].flatMap(([, path = '']) => {
      const read = model.files.read(within(model.folder, path));
      return 'bytes' in read ? [textOf(read.bytes)] : [];
    });
    return [...strings, ...inner, ...files, ...node.words];
  };
  return distinctIdentities([
    ...bundles.filter(({ isAuthority }) => !isAuthority),
    ...model.all.flatMap((node) =>
      /^(?:require|if|elseif|sslrequire|rewritecond|setenvif\w*)$/.test(node.name)
        ? compared(node).flatMap((word) => identitiesIn(word))
        : [],
    ),
  ]);
}

function extraFindings(model: ApacheModel, listed: readonly Identity[], now: Date): LintFinding[] {
  const findings: LintFinding[] = [];
  const exact = new Set(listed.map(({ pem }) => pem));
  for (const { args, file, line } of model.all) {
    for (const [, path = ''] of args.matchAll(/SSL_CLIENT_CERT\}?\s*==?\s*file\(\s*['"]([^'"]+)['"]\s*\)/g)) {
      const read = model.files.read(within(model.folder, path));
      if ('bytes' in read && !exact.has(textOf(read.bytes)))
        findings.push(lintFinding('PinNotExact', { file, line }, { subject: path }));
    }
  }
  const demandsSuccess = model.all.some(({ args }) => /SUCCESS|ssl-verify-client/.test(args));
  for (const { hosts } of model.listeners) {
    for (const host of hosts) {
      const { tls } = host;
      for (const { certificates, path } of tls.materials) {
        findings.push(...certificateFindings(certificates, path, now));
        const isLax = tls.mode === 'optional_no_ca';
        const walk = (caller: Caller): Walked[] => walkHost(model, host, hosts.length === 1, caller, now);
        if (isCaBundleTrap(certificates, { isLax, demandsSuccess }, walk))
          findings.push(lintFinding('CaBundleTrap', tls.at, { subject: path }));
      }
    }
  }
  return findings;
}

/** Requests that are refused, and not in a session that is resumed, to whoever makes a certificate of any name. */
function walkResumed(model: ApacheModel, host: Host, isOnly: boolean, now: Date): Walked[] {
  const { isOn, mode, resumes } = host.tls;
  if (!isOn || mode !== 'optional_no_ca' || !resumes) return [];
  const first = walkHost(model, host, isOnly, forger(false), now);
  return walkHost(model, host, isOnly, forger(true), now).flatMap((each, at) => {
    const isRefusedAtFirst = first[at]?.outcome.result === 'refused';
    if (!isRefusedAtFirst || each.outcome.result === 'refused') return [];
    // What is open is up to the caller, who has made the certificate.
    const outcome = { ...each.outcome, result: 'admitted' as const };
    return [{ ...each, request: `${each.request} in a resumed session`, outcome }];
  });
}

const isLocal = (address: string): boolean => /^(?:127\.|\[::1\]|localhost)/.test(address);

function examineListener(
  model: ApacheModel,
  listener: Listener,
  listed: readonly Identity[],
  now: Date,
): Examined {
  const { hosts, address, file, line } = listener;
  const trusted = hosts.flatMap(({ tls }) => tls.trusted);
  const callers = callersFor(
    listed,
    distinctIdentities(trusted.filter(({ isAuthority }) => isAuthority)),
    now,
  );
  const host = hosts.flatMap(({ names }) => names).find((each) => /^[\w.-]+$/.test(each));
  const port = Number(/:(\d+)$/.exec(address)?.[1]);
  return {
    listener: address.replace(/^\*:/, ':'),
    file,
    line,
    isTls: hosts.some(({ tls }) => tls.isOn),
    isLocal: isLocal(address),
    walked: hosts.flatMap((each) => [
      ...callers.flatMap((caller) => walkHost(model, each, hosts.length === 1, caller, now)),
      ...walkResumed(model, each, hosts.length === 1, now),
    ]),
    apiGateway: apiGatewayAt(model, listener, callers, now),
    sharing: hosts.flatMap(({ tls }) => sharingSubject(tls.trusted)),
    ...(host === undefined ? {} : { host }),
    ...(Number.isNaN(port) ? {} : { port }),
  };
}

/** Judges Apache's configuration, or the part of one that a file is. */
export function examineApache(source: LintSource, files: Files, now: Date): Examination {
  const model = apacheModel(source, files);
  if (model.doubt) return { examined: [], findings: model.findings, doubt: model.doubt };
  const listed = listedIn(model);
  const examined = model.listeners.map((listener) => examineListener(model, listener, listed, now));
  const findings = [...model.findings, ...extraFindings(model, listed, now)];
  if (examined.length > 0) return { examined, findings };
  return {
    examined,
    findings,
    doubt: { file: source.file, line: 1, why: 'this file contains no virtual host' },
  };
}
