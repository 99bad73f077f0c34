/** Sample fetches and converters of HAProxy (configuration manual, section 7.3 and 7.2.1). */
import { createHash } from 'node:crypto';
import type { Place } from '../finding.js';
import type { Name } from '../identity.js';
import type { Doubt } from '../outcome.js';
import type { Scene as CommonScene } from '../scene.js';
import type { HaproxyModel } from './model.js';

/** What a rule can look at. */
export interface Scene extends CommonScene {
  /** The path or a header is not what the caller sent any more. */
  rewritten: boolean;
  headersChanged?: boolean;
  variables: Map<string, Sample>;
  /** Some program sets variables. */
  programs: boolean;
  mode: string;
  /** The port of this machine that the caller came to. */
  port?: number;
}

/** The value of a fetch: absent ones match nothing. `binary` is a text of octets (latin1). */
export type Sample =
  | { kind: 'text' | 'binary'; value: string }
  | { kind: 'number'; value: number }
  | { kind: 'bool'; value: boolean }
  | { kind: 'absent' }
  | { kind: 'open'; doubt: Doubt; key: string; why: string; fallback?: Sample };

const absent: Sample = { kind: 'absent' };
const text = (value: string): Sample => ({ kind: 'text', value });
const number = (value: number): Sample => ({ kind: 'number', value });
const bool = (value: boolean): Sample => ({ kind: 'bool', value });
const openSample = (key: string, why: string): Sample => ({ kind: 'open', doubt: 'unknown', key, why });

/** Splits `a(b,c),d,e(f)` at the commas outside of brackets. */
export function partsOf(expression: string): { name: string; args: string[] }[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const sign of expression) {
    if (sign === '(') depth++;
    if (sign === ')') depth--;
    if (sign === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += sign;
  }
  parts.push(part);
  return parts.map((each) => {
    const [, name = each, args] = /^([\w.-]+)\(([^]*)\)$/.exec(each) ?? [];
    return {
      name,
      args: args === undefined ? [] : args.split(',').map((arg) => arg.trim().replace(/^['"]|['"]$/g, '')),
    };
  });
}

const dnText = (name: Name): string => name.map(([type, value]) => `/${type}=${value}`).join('');

function dnPart(name: Name, [entry, position]: readonly string[]): Sample {
  if (entry === undefined || entry === '') return text(dnText(name));
  const found = name.filter(([type]) => type === entry);
  if (position !== undefined && position !== '1' && position !== '-1')
    return openSample('dn', 'it depends on the position of a part of the name');
  const [first] = position === '-1' ? found.slice(-1) : found;
  return first ? text(first[1]) : absent;
}

const hexBinary = (hex: string | undefined, what: string): Sample =>
  hex === undefined
    ? openSample(what, 'only a fingerprint of the certificate is known, and another of its parts is compared')
    : { kind: 'binary', value: Buffer.from(hex, 'hex').toString('latin1') };

const givenText = (name: string): Sample => ({
  kind: 'open',
  doubt: 'given',
  key: name,
  why: `it depends on what the caller sends (${name})`,
  fallback: absent,
});

/** @param at where it stands, for what differs by place */
function fetch(name: string, args: readonly string[], scene: Scene): Sample {
  const { caller, isTls, presented, errors } = scene;
  const identity = presented ? caller.identity : undefined;
  const own = errors.find(({ depth }) => depth === 0);
  const authority = errors.filter(({ depth }) => depth > 0).at(-1);
  switch (name) {
    case 'ssl_fc':
      return bool(isTls);
    case 'ssl_fc_has_crt':
    case 'ssl_c_used':
      return isTls ? bool(identity !== undefined) : absent;
    case 'ssl_c_verify':
      return isTls ? number(errors.at(-1)?.code ?? 0) : absent;
    case 'ssl_c_err':
      return isTls ? number(own?.code ?? 0) : absent;
    case 'ssl_c_ca_err':
      return isTls ? number(authority?.code ?? 0) : absent;
    case 'ssl_c_ca_err_depth':
      return isTls ? number(authority?.depth ?? 0) : absent;
    case 'always_true':
      return bool(true);
    case 'always_false':
      return bool(false);
    case 'bool':
      return bool(args[0] === 'true' || args[0] === '1');
    case 'int':
      return number(Number(args[0]));
    case 'str':
      return text(args[0] ?? '');
    case 'method':
      return scene.mode === 'http'
        ? text(scene.request.method)
        : openSample('method', 'method is compared outside of HTTP');
    case 'dst_port':
      return scene.port === undefined
        ? openSample('dst_port', 'it depends on the destination port')
        : number(scene.port);
    case 'src': {
      const { address } = scene.request;
      if (address !== undefined) return text(address);
      return { kind: 'open', doubt: 'given', key: 'src', why: 'it depends on the address of the caller' };
    }
    case 'var':
      return (
        scene.variables.get(args[0] ?? '') ??
        (scene.programs ? openSample(`var(${args[0] ?? ''})`, `a program may set ${args[0] ?? ''}`) : absent)
      );
    default:
  }
  if (/^(?:path|url|url_path|base|pathq|capture\.req\.uri|baseq)$/.test(name)) {
    const { path } = scene.request;
    if (scene.rewritten) return openSample(name, 'the path was rewritten earlier');
    if (path === undefined || /^(?:base|baseq)$/.test(name))
      return { kind: 'open', doubt: 'chosen', key: 'path', why: 'it depends on the path' };
    if (!name.startsWith('path')) {
      // RFC 9112 section 3.2.2: the whole address may stand where a path does.
      const why = 'the caller may send an absolute URL, http://host/path';
      return { kind: 'open', doubt: 'given', key: name, why, fallback: text(path) };
    }
    return text(path);
  }
  if (
    /^(?:req\.|s|h)?(?:hdr|fhdr)$|^req\.(?:cook|hdr_cnt|hdrs|body|cook_cnt)$|^(?:hdr|req\.hdr)_(?:cnt|ip|val)$|^(?:cook|url_param|urlp|query|req\.ver|req_ver|http_auth|hdr_\w+|url_ip|url_port)/.test(
      name,
    )
  ) {
    if (scene.headersChanged === true && name.includes('hdr'))
      return openSample(name, 'a header was changed earlier');
    if (name.includes('auth'))
      return {
        kind: 'open',
        doubt: 'given',
        key: name,
        why: 'it depends on a password',
        fallback: bool(false),
      };
    if (/cnt|val/.test(name))
      return { ...givenText(`${name}(${args.join(',')})`), fallback: number(0) } as Sample;
    return givenText(`${name}(${args.join(',')})`);
  }
  if (name === 'ssl_fc_sni' || name === 'req.ssl_sni' || name === 'req_ssl_sni')
    return {
      kind: 'open',
      doubt: 'given',
      key: name,
      why: 'it depends on the host name that the caller sends',
    };
  if (!name.startsWith('ssl_c_')) return openSample(`${name}(${args.join(',')})`, `${name} is not supported`);
  if (!identity) return absent;
  switch (name) {
    case 'ssl_c_der':
      return hexBinary(identity.der?.toString('hex'), name);
    case 'ssl_c_sha1':
      return hexBinary(identity.sha1, name);
    case 'ssl_c_serial':
      return hexBinary(identity.serial, name);
    case 'ssl_c_s_dn':
    case 'ssl_c_i_dn': {
      const own = dnPart(name === 'ssl_c_s_dn' ? identity.subject : identity.issuer, args);
      if (!caller.isForger) return own;
      const key = `${name}(${args.join(',')})`;
      return {
        kind: 'open',
        doubt: 'made',
        key,
        why: `anyone can make a certificate with that ${key}`,
        fallback: own,
      };
    }
    default:
      return openSample(name, `${name} is compared`);
  }
}

const HASHES: Readonly<Record<string, string>> = {
  sha1: 'sha1',
  md5: 'md5',
  'sha2(256)': 'sha256',
  'sha2()': 'sha256',
  sha2: 'sha256',
  'sha2(512)': 'sha512',
  'sha2(384)': 'sha384',
  'digest(sha256)': 'sha256',
  'digest(sha1)': 'sha1',
  'digest(sha512)': 'sha512',
};

function convert(
  sample: Sample,
  name: string,
  args: readonly string[],
  scene: Scene,
  model: HaproxyModel,
  at: Place,
): Sample {
  const whole = args.length === 0 ? name : `${name}(${args.join(',')})`;
  if (sample.kind === 'open') {
    // Of a certificate that is known by its fingerprint alone, that fingerprint is known.
    if (
      sample.key === 'ssl_c_der' &&
      HASHES[whole] === 'sha256' &&
      scene.caller.identity?.sha256 !== undefined
    )
      return hexBinary(scene.caller.identity.sha256, name);
    if (sample.key === 'ssl_c_der' && HASHES[whole] === 'sha1' && scene.caller.identity?.sha1 !== undefined)
      return hexBinary(scene.caller.identity.sha1, name);
    const { fallback } = sample;
    return {
      ...sample,
      key: `${sample.key},${whole}`,
      ...(fallback === undefined ? {} : { fallback: convert(fallback, name, args, scene, model, at) }),
    };
  }
  if (name === 'bool') return sample;
  // sample_process: converters, map's default included, see nothing of a fetch that finds nothing.
  if (sample.kind === 'absent' && !name.startsWith('set-var')) return absent;
  const raw = sample.kind === 'absent' ? '' : String(sample.value);
  const hash = HASHES[whole.toLowerCase()];
  if (hash !== undefined)
    return {
      kind: 'binary',
      value: createHash(hash).update(Buffer.from(raw, 'latin1')).digest().toString('latin1'),
    };
  switch (name) {
    case 'hex':
      return text(Buffer.from(raw, 'latin1').toString('hex').toUpperCase());
    case 'lower':
      return text(raw.toLowerCase());
    case 'upper':
      return text(raw.toUpperCase());
    case 'base64':
      return text(Buffer.from(raw, 'latin1').toString('base64'));
    case 'not':
      return sample.kind === 'bool'
        ? bool(!sample.value)
        : openSample(whole, 'not is applied to a value that is not a boolean');
    case 'length':
      return number(raw.length);
    case 'strcmp':
      return openSample(whole, 'it depends on strcmp');
    case 'map':
    case 'map_str': {
      const lines = model.patterns(args[0] ?? '', at);
      if (!lines)
        return openSample(whole, `${args[0] ?? 'the map'} could not be read, but the result depends on it`);
      if (sample.kind === 'absent') return args[1] === undefined ? absent : text(args[1]);
      const found = lines.map((line) => /^(\S+)\s+(.*)$/.exec(line)).find((line) => line?.[1] === raw)?.[2];
      return found === undefined ? (args[1] === undefined ? absent : text(args[1])) : text(found);
    }
    case 'set-var':
    case 'debug':
      return sample;
    default:
      return openSample(whole, `the converter ${name} is not supported`);
  }
}

/** An expression of a fetch and converters. */
export function sampleOf(expression: string, scene: Scene, model: HaproxyModel, at: Place): Sample {
  const [first, ...converters] = partsOf(expression);
  if (!first) return openSample(expression, `${expression} is not supported`);
  return converters.reduce(
    (sample, { name, args }) => convert(sample, name, args, scene, model, at),
    fetch(first.name, first.args, scene),
  );
}
