/** nginx's variables for a caller (ngx_http_ssl_module, ngx_http_map_module, ngx_http_geo_module). */
import { BlockList } from 'node:net';
import type { Place } from '../finding.js';
import { type Caller, type Identity, type Name } from '../identity.js';
import { EXPIRED, type VerifyError } from '../openssl.js';
import { type Ask } from '../outcome.js';
import { regexOf, sampleOf } from '../regex.js';
import {
  concat,
  imitable,
  isOpen,
  made,
  madeName,
  mapValue,
  nearNames,
  test,
  unknown,
  type Value,
} from '../value.js';
import { type Directive, UNREADABLE } from './syntax.js';

/** What a server has of a caller's TLS; `undefined` on a plain connection. */
export interface Tls {
  caller: Caller;
  /** Absent where it was not asked for one, or has none. */
  identity?: Identity;
  errors: readonly VerifyError[];
  /** Why it cannot be told what verification says. */
  doubt?: string;
}

/** A path or method that is walked, or what is left to the caller. */
export interface Request {
  /** Absent: any path. */
  uri?: string;
  /** `$request_uri`: as the caller spells it, whatever it means. Absent: anything. */
  originalUri?: string;
  method: string;
  /** Absent: some address elsewhere. */
  address?: string;
}

export interface Variables {
  /** Texts with `$variables` in them. */
  expand(text: string): Value;
  set(name: string, value: Value): void;
  /** What the last regular expression captured. */
  capture(groups: readonly Value[], named: Readonly<Record<string, string>>): void;
  /** The lines that a variable was made by. */
  origin(text: string): readonly Place[];
}

/** Names of variables in a text. */
export const variablesIn = (text: string): string[] =>
  [...text.matchAll(/\$(?:\{(\w+)\}|(\w+))/g)].map(([, braced, plain]) => braced ?? plain ?? '');

const rfc2253 = (name: Name): string =>
  [...name]
    .reverse()
    .map(([type, value]) => `${type}=${value}`)
    .join(',');

const legacy = (name: Name): string => name.map(([type, value]) => `/${type}=${value}`).join('');

const text = (value: string | undefined, name: string): Value =>
  value === undefined
    ? unknown(name, `only a fingerprint of the certificate is known, and $${name} is compared`)
    : [value];

/** `SUCCESS`, `NONE` or `FAILED:` and OpenSSL's words, which differ by its version. */
function verifyText({ identity, errors, doubt }: Tls): Value {
  if (identity === undefined) return ['NONE'];
  if (doubt !== undefined) return unknown('ssl_client_verify', doubt);
  const last = errors.at(-1);
  if (last === undefined) return ['SUCCESS'];
  if (last.code === EXPIRED) return ['FAILED:certificate has expired'];
  if (last.code === 18) return ['FAILED:self-signed certificate', 'FAILED:self signed certificate'];
  if (last.code === 21) return ['FAILED:unable to verify the first certificate'];
  return ['FAILED:verification failed', `FAILED:${last.code}`];
}

function ofCertificate(name: string, identity: Identity): Value | undefined {
  switch (name) {
    case 'ssl_client_escaped_cert':
      return text(identity.pem === undefined ? undefined : encodeURIComponent(identity.pem), name);
    case 'ssl_client_raw_cert':
      return text(identity.pem, name);
    case 'ssl_client_cert':
      return text(identity.pem?.trimEnd().replaceAll('\n', '\n\t'), name);
    case 'ssl_client_fingerprint':
      return text(identity.sha1, name);
    case 'ssl_client_serial':
      return text(identity.serial, name);
    case 'ssl_client_s_dn':
      return [rfc2253(identity.subject)];
    case 'ssl_client_i_dn':
      return [rfc2253(identity.issuer)];
    case 'ssl_client_s_dn_legacy':
      return [legacy(identity.subject)];
    case 'ssl_client_i_dn_legacy':
      return [legacy(identity.issuer)];
    default:
      return undefined;
  }
}

/** Variables that say something of a caller's certificate. */
export const isOfCertificate = (name: string): boolean =>
  name.startsWith('ssl_client_') && name !== 'ssl_client_hello';

/** Variables of a module or the core that are the same for every caller, or that nobody decides by. */
const HARMLESS = new Set([
  'nginx_version',
  'pid',
  'hostname',
  'request_id',
  'msec',
  'time_iso8601',
  'time_local',
  'connection',
  'bytes_sent',
  'request_time',
  'status',
  'body_bytes_sent',
  'document_root',
  'realpath_root',
  'upstream_addr',
  'upstream_status',
]);

const pathValue = (path: string | undefined): Value =>
  path === undefined ? { doubt: 'chosen', key: 'path', why: 'it depends on the path' } : [path];

const OF_SAME_CA = {
  doubt: 'unknown',
  why: 'the name is compared loosely, so another certificate of the CA may have a name that fits as well',
  names: nearNames,
} as const;

function builtIn(name: string, tls: Tls | undefined, request: Request): Value {
  if (name === 'ssl_client_verify') return tls ? verifyText(tls) : [''];
  if (isOfCertificate(name)) {
    if (!tls?.identity) return [''];
    const value = ofCertificate(name, tls.identity) ?? unknown(name, `$${name} is compared`);
    const isMade = tls.caller.isForger && /_(?:[si]_dn(?:_legacy)?|serial)$/.test(name);
    if (isOpen(value)) return value;
    const [own = ''] = value;
    if (isMade) return name.includes('_dn') ? madeName(`$${name}`, own) : made(`$${name}`, own);
    return tls.caller.isNamesake && name.includes('_s_dn') ? imitable(own, OF_SAME_CA) : value;
  }
  switch (name) {
    case 'https':
      return [tls ? 'on' : ''];
    case 'scheme':
      return [tls ? 'https' : 'http'];
    case 'request_method':
      return [request.method];
    case 'uri':
    case 'document_uri':
      return pathValue(request.uri);
    case 'request_uri':
      return request.originalUri === undefined
        ? { doubt: 'chosen', key: '$request_uri', why: 'the caller may spell the path differently' }
        : [request.originalUri];
    case 'remote_addr':
    case 'realip_remote_addr':
      return request.address === undefined
        ? { doubt: 'given', key: '$remote_addr', why: 'it depends on the address of the caller' }
        : [request.address];
    case 'host':
    case 'http_host':
    case 'ssl_server_name':
      return { doubt: 'given', key: `$${name}`, why: 'it depends on the host name that the caller sends' };
    case 'args':
    case 'query_string':
    case 'is_args':
    case 'http_user_agent':
      return {
        doubt: 'given',
        key: `$${name}`,
        why: `it depends on what the caller sends as $${name}`,
        fallback: '',
      };
    default:
      if (/^(?:arg|http|cookie)_/.test(name))
        return {
          doubt: 'given',
          key: `$${name}`,
          why: `it depends on what the caller sends as $${name}`,
          fallback: '',
        };
      return unknown(
        `$${name}`,
        HARMLESS.has(name) ? `$${name} is compared` : `the value of $${name} is unknown`,
      );
  }
}

/** An entry of a map: what it is compared with. */
function mapValueOf(
  map: Directive,
  source: Value,
  expand: (text: string) => Value,
  ask: Ask,
  captured: (m: RegExpExecArray) => void,
): Value {
  const entries = map.block ?? [];
  const key = `map ${map.args[0] ?? ''} (line ${map.line})`;
  const hostnames = entries.some(({ name, args }) => name === 'hostnames' && args.length === 0);
  const plain = entries.filter(
    ({ name, args }) => args.length === 1 && name !== UNREADABLE && !isRegexKey(name),
  );
  const patterns = entries.filter(({ name, args }) => args.length === 1 && isRegexKey(name));
  const unreadable = entries.find(({ name }) => name === UNREADABLE);
  const isWild = (name: string): boolean => hostnames && /^(?:\*?\.|.*\.\*$)/.test(name);
  for (const {
    name,
    args: [result = ''],
  } of plain) {
    if (name === 'default' || isWild(name)) continue;
    const word = name.replace(/^\\/, '').toLowerCase();
    if (test(source, `is ${word}`, (it) => it.toLowerCase() === word, ask, { text: word }))
      return expand(result);
  }
  for (const {
    name,
    args: [result = ''],
  } of plain) {
    if (!isWild(name)) continue;
    const part = name.replace(/\*/g, '').toLowerCase();
    const matches = (it: string): boolean =>
      name.endsWith('*')
        ? it.toLowerCase().startsWith(part)
        : it.toLowerCase().endsWith(part) || (name.startsWith('.') && it.toLowerCase() === part.slice(1));
    if (test(source, `fits ${name}`, matches, ask)) return expand(result);
  }
  for (const {
    name,
    args: [result = ''],
  } of patterns) {
    const flags = name.startsWith('~*') ? 'i' : '';
    const pattern = regexOf(name.slice(flags === 'i' ? 2 : 1), flags);
    const fits = test(
      source,
      `fits ${name}`,
      (it) => {
        if (!pattern || hasOddEnd(pattern, it)) return undefined;
        return pattern.test(it);
      },
      ask,
      { text: sampleOf(name.slice(flags === 'i' ? 2 : 1).replace(/^\(\?i\)/, '')) },
    );
    if (!fits) continue;
    if (!isOpen(source) && source.length === 1 && pattern) {
      const match = pattern.exec(source[0] ?? '');
      if (match) captured(match);
    }
    return expand(result);
  }
  if (unreadable) {
    const readable = ask({
      key: `${key} unreadable`,
      doubt: 'unknown',
      fallback: true,
      why: `${unreadable.args[0] ?? 'a file'} could not be read, but the result depends on it`,
    });
    if (!readable)
      return unknown(
        key,
        `${unreadable.args[0] ?? 'a file'} could not be read, but the result depends on it`,
      );
  }
  const fallback = plain.find(({ name }) => name === 'default')?.args[0];
  return fallback === undefined ? [''] : expand(fallback);
}

const isRegexKey = (name: string): boolean => name.startsWith('~');

/** PCRE's `$` also fits before a last line end, JavaScript's does not. */
export const hasOddEnd = (pattern: RegExp, subject: string): boolean =>
  subject.endsWith('\n') && pattern.source.includes('$');

function geoValueOf(geo: Directive, request: Request, ask: Ask, variable: string): Value {
  const entries = (geo.block ?? []).filter(({ args }) => args.length > 0);
  const fallback = entries.find(({ name }) => name === 'default')?.args[0] ?? '';
  const ranges = entries.filter(({ name }) => !['default', 'delete', 'proxy', 'ranges'].includes(name));
  const { address } = request;
  const why = `it depends on the address of the caller ($${variable})`;
  if (geo.args.length === 1 && address !== undefined) {
    const hits = ranges.map(({ name, args }) => ({ bits: bitsOf(name, address), value: args[0] ?? '' }));
    if (hits.every(({ bits }) => bits !== undefined)) {
      const best = hits.reduce((a, b) => ((b.bits ?? -1) > (a.bits ?? -1) ? b : a), {
        bits: -1,
        value: fallback,
      });
      return [best.value];
    }
  }
  for (const { name, args } of ranges) {
    if (ask({ key: `geo ${variable} ${name}`, doubt: 'given', fallback: false, why })) return [args[0] ?? ''];
  }
  return [fallback];
}

/** How long the prefix of a network is that holds an address; -1 where it does not, `undefined` for what is no network. */
export function bitsOf(network: string, address: string): number | undefined {
  const [base = '', length] = network.split('/');
  const family = base.includes(':') ? 'ipv6' : 'ipv4';
  const bits = length === undefined ? (family === 'ipv4' ? 32 : 128) : Number(length);
  try {
    const list = new BlockList();
    list.addSubnet(base, bits, family);
    return list.check(address, address.includes(':') ? 'ipv6' : 'ipv4') ? bits : -1;
  } catch {
    return undefined;
  }
}

/** Directives by which a program, or something outside, makes a variable. */
const PROGRAMMED =
  /^(?:js_set|js_var|perl_set|set_by_lua(?:_block|_file)?|auth_request_set|split_clients|geoip_\w+|set_(?!real)\w+)$/;

/** The variables of one walk. */
export function variablesFor(
  made: ReadonlyMap<string, Directive>,
  tls: Tls | undefined,
  request: Request,
  ask: Ask,
): Variables {
  const values = new Map<string, Value>();
  let captures: readonly Value[] = [];
  const busy = new Set<string>();

  const captured = (match: RegExpExecArray): void => {
    captures = [...match].map((each) => [(each as string | undefined) ?? '']);
    for (const [name, value] of Object.entries(match.groups ?? {})) values.set(name, [value]);
  };

  const read = (name: string): Value => {
    if (/^\d$/.test(name)) return captures[Number(name)] ?? [''];
    const known = values.get(name);
    if (known) return known;
    const maker = made.get(name);
    if (!maker) return builtIn(name, tls, request);
    if (busy.has(name)) return unknown(`$${name}`, `$${name} refers to itself`);
    busy.add(name);
    const value = make(name, maker);
    busy.delete(name);
    if (!maker.block?.some((each) => each.name === 'volatile')) values.set(name, value);
    return value;
  };

  const make = (name: string, maker: Directive): Value => {
    if (maker.name === 'map') return mapValueOf(maker, expand(maker.args[0] ?? ''), expand, ask, captured);
    if (maker.name === 'geo') return geoValueOf(maker, request, ask, name);
    // A variable that some `set` makes is empty until it is set.
    if (maker.name === 'set') return [''];
    return unknown(`$${name}`, `a program sets $${name} (${maker.name})`);
  };

  const expand = (source: string): Value => {
    const parts = source.split(/(\$\{\w+\}|\$\w+)/).filter((part) => part !== '');
    return concat(parts.map((part) => (/^\$[\w{]/.test(part) ? read(variablesIn(part)[0] ?? '') : [part])));
  };

  const origin = (source: string): Place[] => {
    const seen = new Set<string>();
    const visit = (all: string): Place[] =>
      variablesIn(all).flatMap((name) => {
        const maker = made.get(name);
        if (!maker || seen.has(name) || maker.name === 'set') return [];
        seen.add(name);
        return [...visit(maker.args[0] ?? ''), maker];
      });
    return visit(source);
  };

  return {
    expand,
    origin,
    set(name, value) {
      values.set(name, value);
    },
    capture(groups, named) {
      captures = groups;
      for (const [name, value] of Object.entries(named)) values.set(name, [value]);
    },
  };
}

/** What makes each variable: maps and the like by their `$name`, in the order of the configuration. */
export function makersIn(all: Iterable<Directive>): Map<string, Directive> {
  const made = new Map<string, Directive>();
  for (const each of all) {
    const { name, args } = each;
    const target =
      name === 'map' ? args[1] : name === 'geo' ? args.at(-1) : name === 'split_clients' ? args[1] : args[0];
    if (target?.startsWith('$') !== true) continue;
    const variable = target.slice(1);
    if (name === 'map' || name === 'geo' || PROGRAMMED.test(name)) made.set(variable, each);
    if (name === 'set' && !made.has(variable)) made.set(variable, each);
  }
  return made;
}

/** The variables of a certificate that a text comes down to, through maps and `set`. */
export function certificateVariables(source: string, all: readonly Directive[]): Set<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (each: string): void => {
    for (const name of variablesIn(each)) {
      if (isOfCertificate(name)) found.add(name);
      if (seen.has(name)) continue;
      seen.add(name);
      for (const directive of all) {
        if (directive.name === 'map' && directive.args[1] === `$${name}`) {
          visit(directive.args[0] ?? '');
          for (const { args } of directive.block ?? []) visit(args[0] ?? '');
        }
        if (directive.name === 'set' && directive.args[0] === `$${name}`) visit(directive.args[1] ?? '');
      }
    }
  };
  visit(source);
  return found;
}

export { mapValue };
