/** How Caddy asks for certificates (modules/caddytls/connpolicy.go), and how Go verifies them (crypto/x509). */
import type { Files } from '../files.js';
import type { LintFinding } from '../finding.js';
import { type Caller, type Identity, identityOf, nameText } from '../identity.js';
import { type Material, readMaterial } from '../material.js';
import type { Result } from '../outcome.js';
import { type Json, listOf, member, membersOf, printed, textOf, textsOf } from './json.js';

export interface ClientAuth {
  at: Json;
  mode: string;
  /** The pool of authorities; absent: those of the system. */
  pool?: readonly Identity[];
  /** What only later versions of Caddy load into the pool. */
  laterPool: readonly Identity[];
  /** Lists of whole certificates, each of which has to hold the caller's. */
  leaves: readonly (readonly Identity[])[];
  materials: readonly Material[];
  doubt?: string;
}

function inline(json: Json): { identity: Identity } | { problem: string } {
  const text = textOf(json) ?? '';
  try {
    return { identity: identityOf(Buffer.from(text, 'base64')) };
  } catch {
    return { problem: `${text.slice(0, 20)}… is not a certificate` };
  }
}

/** Reads `client_authentication`; `undefined` where it asks for nothing. */
export function clientAuthOf(json: Json, files: Files, findings: LintFinding[]): ClientAuth | undefined {
  const problems: string[] = [];
  const materials: Material[] = [];
  const inlined = (all: readonly Json[]): Identity[] =>
    all.flatMap((each) => {
      const read = inline(each);
      if ('identity' in read) return [read.identity];
      problems.push(read.problem);
      return [];
    });
  const ofFiles = (all: Json | undefined): Identity[] =>
    textsOf(all).flatMap((path) => {
      const material = readMaterial(path, all ?? json, files);
      findings.push(...material.findings);
      materials.push(material);
      if (material.problem !== undefined) problems.push(material.problem);
      return material.certificates;
    });
  const odd = textOf(member(json, '?'));
  if (odd !== undefined) problems.push(odd);
  const strange = membersOf(json).find(
    ([name]) =>
      !/^(?:mode|ca|trusted_ca_certs|trusted_ca_certs_pem_files|trusted_leaf_certs|verifiers|\?\w*)$/.test(
        name,
      ),
  );
  if (strange) problems.push(`${strange[0]} of client_authentication is not supported`);

  const ca = member(json, 'ca');
  const provider = textOf(member(ca, 'provider'));
  const pooled = [
    ...inlined(listOf(member(json, 'trusted_ca_certs'))),
    ...ofFiles(member(json, 'trusted_ca_certs_pem_files')),
    ...(provider === 'inline' ? inlined(listOf(member(ca, 'trusted_ca_certs'))) : []),
    ...(provider === 'file' ? ofFiles(member(ca, 'pem_files')) : []),
  ];
  if (ca && provider !== 'inline' && provider !== 'file')
    problems.push(`the trust pool ${provider ?? ''} is not supported`);
  const later = inlined(listOf(member(json, '?later')));
  const laterLeaves = inlined(listOf(member(json, '?laterLeaves')));
  const listed = inlined(listOf(member(json, 'trusted_leaf_certs')));
  const verifiers = listOf(member(json, 'verifiers')).map((each) => {
    const loaders = listOf(member(each, 'leaf_certs_loaders'));
    if (textOf(member(each, 'verifier')) !== 'leaf' || loaders.length === 0)
      problems.push(`the verifier ${printed(each)} is not supported`);
    return loaders.flatMap((loader) => {
      if (textOf(member(loader, 'loader')) === 'file') return ofFiles(member(loader, 'files'));
      problems.push(`the loader ${printed(loader)} is not supported`);
      return [];
    });
  });
  if (laterLeaves.length > 0) problems.push('Caddy before 2.8 loads only the first certificate of the file');
  const hasPool = pooled.length > 0 || ca !== undefined;
  const written = textOf(member(json, 'mode')) ?? '';
  const isActive =
    hasPool || listed.length > 0 || verifiers.length > 0 || written !== '' || problems.length > 0;
  if (!isActive) return undefined;
  const mode = written !== '' ? written : hasPool || listed.length > 0 ? 'require_and_verify' : 'require';
  if (!/^(?:request|require|verify_if_given|require_and_verify)$/.test(mode))
    problems.push(`the mode ${mode} is not understood`);
  const [doubt] = problems;
  return {
    at: json,
    mode,
    ...(hasPool ? { pool: pooled } : {}),
    laterPool: later,
    leaves: [...(listed.length > 0 ? [[...listed, ...laterLeaves]] : []), ...verifiers],
    materials,
    ...(doubt === undefined ? {} : { doubt }),
  };
}

const isSame = (a: Identity, b: Identity): boolean => a.sha256 !== undefined && a.sha256 === b.sha256;

const isPast = ({ notAfter, notBefore }: Identity, now: Date): boolean =>
  (notAfter !== undefined && notAfter <= now) || (notBefore !== undefined && notBefore > now);

/** Go takes any certificate of the pool for the root, the caller's own too, and tries all of one name. */
function isVerified(identity: Identity, pool: readonly Identity[], now: Date): boolean {
  if (pool.some((each) => isSame(each, identity))) return true;
  return pool.some(
    (root) =>
      root.isAuthority &&
      root.sha256 === identity.signedBy &&
      nameText(root.subject) === nameText(identity.issuer) &&
      !isPast(root, now),
  );
}

export interface Handshake {
  end?: Result;
  why?: string;
  /** What conditions on the client's certificate see. */
  presented: boolean;
}

/** What the handshake makes of a caller. */
export function handshake(caller: Caller, auth: ClientAuth | undefined, now: Date): Handshake {
  if (!auth) return { presented: false };
  const { mode, pool, laterPool, leaves, doubt } = auth;
  const { identity } = caller;
  const presented = identity !== undefined;
  const refused: Handshake = { end: 'refused', presented };
  const unknown = (why: string): Handshake => ({ end: 'unknown', why, presented });
  const verifies = mode === 'verify_if_given' || mode === 'require_and_verify';
  if (doubt !== undefined) {
    const isCertain = (!presented && mode.startsWith('require')) || (verifies && caller.expired && presented);
    return isCertain ? refused : unknown(doubt);
  }
  if (!identity) return mode.startsWith('require') || leaves.length > 0 ? refused : { presented };
  if (verifies) {
    if (caller.expired) return refused;
    if (!pool) {
      // Everything that a real client of API Gateway presents is self-signed, and no system lists it.
      if (!identity.selfSigned && leaves.length === 0)
        return unknown('without a trust pool, the CAs of the system are trusted');
      return refused;
    }
    if (!isVerified(identity, pool, now)) {
      const isLater = isVerified(identity, [...pool, ...laterPool], now);
      if (!isLater || caller.name === 'listed') return refused;
      return unknown('Caddy before 2.8 loads only the first certificate of the file, later versions all');
    }
  }
  const isListed = leaves.every((list) => list.some((each) => isSame(each, identity)));
  return isListed ? { presented } : refused;
}
