/** What placeholders stand for (modules/caddyhttp/replacer.go). */
import { concat, made, mapValue, unknown, type Value } from '../value.js';
import { sansOf } from '../../certificates/caller-name.js';
import type { Name } from '../identity.js';
import type { Scene as AnyScene } from '../scene.js';
import { ofEnvironment } from './syntax.js';

export interface Scene extends Omit<AnyScene, 'errors'> {
  host: string;
  sni: string;
  /** After rewrites; absent: any. */
  path?: Value;
  method: Value;
  variables: Map<string, Value>;
  /** Results of `map`, computed where they are asked for. */
  mapped: Map<string, () => Value | undefined>;
  groups: Set<string>;
  /** Header fields were changed before, so that they are nobody's but the server's. */
  headersChanged: boolean;
  /** The error that is being handled; the failure of a condition has no status. */
  error?: { status?: Value };
  /** A condition could not be evaluated: the request fails. */
  failed: boolean;
}

const given = (key: string, why: string): Value => ({ doubt: 'given', key, why, fallback: '' });

const chosen = (key: string): Value => ({ doubt: 'chosen', key, why: `it depends on ${key}` });

const ORDER: readonly string[] = ['C', 'O', 'OU', 'L', 'ST', 'street', 'postalCode', 'CN', 'serialNumber'];

/** A name as Go prints it: in its own order, from the end; `undefined` where there is more to it. */
export function goName(name: Name): string | undefined {
  const plain = name.every(([type, value]) => ORDER.includes(type) && /^[\w .@-]*[\w.@-]$/.test(value));
  const types = name.map(([type]) => type);
  if (!plain || new Set(types).size < types.length) return undefined;
  return [...name]
    .sort(([a], [b]) => ORDER.indexOf(b) - ORDER.indexOf(a))
    .map(
      ([type, value]) =>
        `${type === 'serialNumber' ? 'SERIALNUMBER' : type === 'street' ? 'STREET' : type === 'postalCode' ? 'POSTALCODE' : type}=${value}`,
    )
    .join(',');
}

/** A name of a certificate is compared by rules of its own in expressions. */
export const NAMES = /^http\.request\.tls\.client\.(?:subject|issuer)$/;

function ofCertificate(field: string, key: string, { presented, caller }: Scene): Value | undefined {
  const { identity } = caller;
  if (!presented || !identity) return undefined;
  const orUnknown = (text: string | undefined): Value =>
    text === undefined ? unknown(key, `${key} is not known for every certificate`) : [text];
  const named = (text: string | undefined): Value =>
    caller.isForger ? made(`{${key}}`, text) : orUnknown(text);
  switch (field) {
    case 'fingerprint':
      return orUnknown(identity.sha256);
    case 'subject':
      return named(goName(identity.subject));
    case 'issuer':
      return named(goName(identity.issuer));
    case 'serial':
      return named(identity.serial === undefined ? undefined : BigInt(`0x${identity.serial}`).toString());
    case 'certificate_der_base64':
      return orUnknown(identity.der?.toString('base64'));
    default:
      return unknown(key, `{${key}} is not supported`);
  }
}

/** The DNS names of a caller's certificate, where a placeholder stands for their list and they are known. */
export function dnsNames(key: string, { presented, caller: { identity } }: Scene): string[] | undefined {
  if (key !== 'http.request.tls.client.san.dns_names' || !presented || !identity?.der) return undefined;
  return sansOf(identity.der).flatMap((san) => (san.startsWith('DNS:') ? [san.slice(4)] : []));
}

/** The value of a placeholder; `undefined` for one that stands for nothing here. */
export function placeholder(key: string, scene: Scene): Value | undefined {
  const [, variable] = /^http\.vars\.(.+)$/.exec(key) ?? [];
  if (variable !== undefined) return scene.variables.get(variable);
  const mapped = scene.mapped.get(key);
  if (mapped) return mapped();
  const [, field] = /^http\.request\.tls\.client\.(.+)$/.exec(key) ?? [];
  if (field !== undefined) return ofCertificate(field.toLowerCase(), key, scene);
  const [, header] = /^http\.request\.(?:header|cookie)\.(.+)$/.exec(key) ?? [];
  if (header !== undefined)
    return header.toLowerCase() === 'host'
      ? ['']
      : scene.headersChanged
        ? unknown(key, `header fields are changed before {${key}} is evaluated`)
        : given(key, `it depends on the header field ${header}`);
  if (key.startsWith('http.request.uri.query') || key.startsWith('http.request.orig_uri.query'))
    return { doubt: 'chosen', key, why: 'it depends on the query', fallback: '' };
  const path = scene.path ?? chosen('the path');
  switch (key) {
    case 'http.request.method':
      return scene.method;
    case 'http.request.orig_method':
      return [scene.request.method];
    case 'http.request.scheme':
      return [scene.isTls ? 'https' : 'http'];
    case 'http.request.host':
    case 'http.request.hostport':
      return [scene.host];
    case 'http.request.uri':
    case 'http.request.uri.path':
      return path;
    case 'http.request.orig_uri':
    case 'http.request.orig_uri.path':
      return scene.request.path === undefined ? chosen('the path') : [scene.request.path];
    case 'http.request.uri.path.dir':
      return mapValue(path, 'dir', (text) => text.slice(0, text.lastIndexOf('/') + 1));
    case 'http.request.uri.path.file':
      return mapValue(path, 'file', (text) => text.slice(text.lastIndexOf('/') + 1));
    case 'http.request.tls.server_name':
      return scene.isTls ? [scene.sni] : undefined;
    case 'http.error.status_code':
      return scene.error?.status;
    case 'http.request.remote.host':
    case 'http.request.remote':
      return given(key, 'it depends on the address of the caller');
    default:
      return unknown(key, `{${key}} is not supported`);
  }
}

/** A text with its placeholders replaced; those that stand for nothing are left out. */
export function expanded(text: string, scene: Scene): Value {
  const variable = ofEnvironment(text);
  if (variable !== undefined)
    return unknown(`environment ${variable}`, `it depends on the environment variable ${variable}`);
  const parts = text.split(/(\{[^{}\s]+\})/).filter((part) => part !== '');
  if (parts.length === 0) return [''];
  return concat(
    parts.map((part): Value => {
      const key = /^\{([^{}\s]+)\}$/.exec(part)?.[1];
      if (key === undefined) return [part];
      if (/^(?:env|system|time|file)\./.test(key)) return unknown(key, `it depends on {${key}}`);
      return placeholder(key, scene) ?? [''];
    }),
  );
}
