/** Caddy's JSON as servers with the ways that TLS can go and the routes behind it. */
import type { Files } from '../files.js';
import type { LintFinding, Place } from '../finding.js';
import { matchesHost } from './adapt.js';
import { isTrue, type Json, listOf, member, membersOf, textOf, textsOf } from './json.js';
import { type ClientAuth, clientAuthOf } from './tls.js';

export interface Policy {
  at: Json;
  /** Names of the handshake that it is for; absent: any. */
  names?: readonly string[];
  auth?: ClientAuth;
  /** A condition on the handshake that is not understood. */
  doubt?: string;
}

export interface Server {
  name: string;
  at: Json;
  /** Addresses of one kind: all with TLS, or all without. */
  addresses: readonly string[];
  isTls: boolean;
  policies: readonly Policy[];
  /** Whether the name of the handshake has to be the host of the request. */
  isStrict: boolean;
  routes: readonly Json[];
  errors?: Json;
  doubt?: string;
}

export interface CaddyModel {
  servers: readonly Server[];
  /** The API that changes the configuration, where others than this machine can call it. */
  admin?: Json & { address: string };
  findings: readonly LintFinding[];
  /** Everything, for a search of what is listed. */
  config: Json;
  doubt?: Place & { why: string };
}

const portOf = (address: string): string => /:(\d+)(?:-\d+)?$/.exec(address)?.[1] ?? '';

/** A range of ports is never one port alone. */
const isRange = (address: string): boolean => /:\d+-\d+$/.test(address);

/** Hosts of the routes at the top: those that a certificate is got for. */
export const topHosts = (routes: readonly Json[]): string[] =>
  routes.flatMap((route) => listOf(member(route, 'match')).flatMap((set) => textsOf(member(set, 'host'))));

function policyOf(at: Json, files: Files, findings: LintFinding[]): Policy {
  const match = member(at, 'match');
  const strange = membersOf(match).find(([name]) => name !== 'sni')?.[0];
  const auth = member(at, 'client_authentication');
  const asked = auth && auth.content !== null ? clientAuthOf(auth, files, findings) : undefined;
  const sni = member(match, 'sni');
  return {
    at,
    ...(sni ? { names: textsOf(sni) } : {}),
    ...(asked ? { auth: asked } : {}),
    ...(strange === undefined ? {} : { doubt: `${strange} of a handshake is not supported` }),
  };
}

const KNOWN_APPS = /^(?:http|tls|pki|events)$/;

/** Reads a configuration that was JSON, or has become it. */
export function caddyModel(config: Json, files: Files): CaddyModel {
  const findings: LintFinding[] = [];
  const apps = member(config, 'apps');
  const http = member(apps, 'http');
  const httpPort = textOf(member(http, 'http_port')) ?? '80';
  const httpsPort = textOf(member(http, 'https_port')) ?? '443';
  const servers = membersOf(member(http, 'servers')).flatMap(([name, at]): Server[] => {
    const listen = textsOf(member(at, 'listen'));
    const routes = listOf(member(at, 'routes'));
    const automatic = member(at, 'automatic_https');
    const skipped = new Set(textsOf(member(automatic, 'skip')));
    const written = member(at, 'tls_connection_policies');
    const isOnly = (port: string): boolean =>
      listen.every((address) => portOf(address) === port && !isRange(address));
    const isAutomatic = !isTrue(member(automatic, 'disable')) && !isOnly(httpPort);
    const adds = isAutomatic && (isOnly(httpsPort) || topHosts(routes).some((host) => !skipped.has(host)));
    const policies =
      written && written.content !== null
        ? listOf(written).map((each) => policyOf(each, files, findings))
        : adds
          ? [{ at }]
          : [];
    const strict = member(at, 'strict_sni_host');
    const isStrict =
      strict && strict.content !== null ? isTrue(strict) : policies.some(({ auth }) => auth !== undefined);
    const wrapper = listOf(member(at, 'listener_wrappers')).find(
      (each) => !/^(?:tls|http_redirect|proxy_protocol)$/.test(textOf(member(each, 'wrapper')) ?? ''),
    );
    const doubt = wrapper
      ? `the listener wrapper ${textOf(member(wrapper, 'wrapper')) ?? ''} is not supported`
      : undefined;
    const isTlsAt = (address: string): boolean =>
      policies.length > 0 && (portOf(address) !== httpPort || isRange(address));
    const errors = member(at, 'errors');
    return [true, false].flatMap((isTls): Server[] => {
      const addresses = listen.filter((address) => isTlsAt(address) === isTls);
      if (addresses.length === 0) return [];
      return [
        {
          name,
          at,
          addresses,
          isTls,
          policies: isTls ? policies : [],
          isStrict,
          routes,
          ...(errors ? { errors } : {}),
          ...(doubt === undefined ? {} : { doubt }),
        },
      ];
    });
  });
  const app = membersOf(apps).find(([name]) => !KNOWN_APPS.test(name));
  const admin = member(config, 'admin');
  const address = textOf(member(admin, 'listen')) ?? 'localhost:2019';
  const isAway = !isTrue(member(admin, 'disabled')) && !isLocalAddress(address) && admin !== undefined;
  const doubt = app
    ? { file: app[1].file, line: app[1].line, why: `the app ${app[0]} is not supported` }
    : member(admin, 'remote')
      ? { file: config.file, line: config.line, why: 'the remote administration is not supported' }
      : undefined;
  return {
    servers,
    findings,
    config,
    ...(isAway ? { admin: { ...admin, address } } : {}),
    ...(doubt === undefined ? {} : { doubt }),
  };
}

/** Only programs of this machine can call it. */
export const isLocalAddress = (address: string): boolean =>
  /^(?:(?:tcp|udp)[46]?\/)?(?:127\.|localhost|\[?::1\]?:)|^unix/.test(address);

/** The first policy whose names fit, as Caddy takes them; absent: the handshake fails. */
export const policyFor = ({ policies }: Server, sni: string): Policy | undefined =>
  policies.find(
    ({ names }) => names?.some((name) => (name === '' ? sni === '' : matchesHost(sni, name))) ?? true,
  );
