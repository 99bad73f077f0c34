/** The certificates that a configuration names, as sets of what is really in the files. */
import { createHash } from 'node:crypto';
import { readBundle, type BundleFinding } from '../certificates/bundle.js';
import { type Files, textOf } from './files.js';
import { bundleFinding } from './bundle-finding.js';
import { lintFinding, type LintFinding, type Place, referenceUnreadable } from './finding.js';
import { identityOf, identityOfFingerprint, isApiGateways, type Identity, nameText } from './identity.js';

/** A file of trusted certificates. */
export interface Material {
  path: string;
  /** In the order of the file. */
  certificates: readonly Identity[];
  /** Why a server could not read it, or we could not. */
  problem?: string;
  findings: readonly LintFinding[];
}

/** What keeps OpenSSL from reading a file as we do. */
const UNFIT = new Set<BundleFinding['code']>([
  'BrokenPem',
  'GluedPem',
  'JsonText',
  'LineBreaksLost',
  'Utf16Text',
]);

/** Reads a CA bundle that a line of a configuration names. */
export function readMaterial(path: string, from: Place, files: Files): Material {
  const read = files.read(path);
  if ('problem' in read) {
    return {
      path,
      certificates: [],
      problem: `${path} could not be read: ${read.problem}`,
      findings: [referenceUnreadable(from, path, read.problem)],
    };
  }
  const bundle = readBundle(read.bytes);
  const certificates = bundle.certificates.map(({ certificate }) => identityOf(certificate.pem));
  // That several share a subject is judged by what becomes of their callers.
  const findings = bundle.findings
    .filter(({ code }) => code !== 'SharedSubject')
    .map((finding): LintFinding => bundleFinding(finding, path));
  const unfit = bundle.findings.some(({ code }) => UNFIT.has(code));
  if (certificates.length === 0) findings.push(lintFinding('EmptyBundle', { file: path, line: 1 }, {}));
  const problem = unfit
    ? `${path} is damaged`
    : certificates.length === 0
      ? `${path} contains no certificate`
      : undefined;
  return { path, certificates, findings, ...(problem === undefined ? {} : { problem }) };
}

const hex = (text: string): string => text.replaceAll(':', '').toLowerCase();

function tried(input: string | Uint8Array): Identity[] {
  try {
    return [identityOf(input)];
  } catch {
    return [];
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The certificates that a word of a configuration may mean: a fingerprint, PEM (escaped as nginx does, or in base64),
 * DER in base64. Whether the configuration lists or blocks them is what the walk shows.
 */
export function identitiesIn(word: string): Identity[] {
  if (/^[0-9a-f]{40}$/i.test(hex(word))) return [identityOfFingerprint({ sha1: hex(word) })];
  if (/^[0-9a-f]{64}$/i.test(hex(word))) return [identityOfFingerprint({ sha256: hex(word) })];
  if (/-----BEGIN( |%20)CERTIFICATE-----/.test(word)) {
    // nginx's $ssl_client_cert has a tab before each line but the first.
    return tried(decoded(word).replaceAll('\t', ''));
  }
  if (word.length < 300 || !/^[A-Za-z0-9+/=\s]+$/.test(word)) return [];
  const octets = Buffer.from(word, 'base64');
  return tried(octets[0] === 0x30 ? octets : textOf(octets));
}

/** Each certificate once; one that is known whole stands for its fingerprints. */
export function distinctIdentities(identities: readonly Identity[]): Identity[] {
  const whole = new Map<string, Identity>();
  for (const each of identities) if (each.der && each.sha256 !== undefined) whole.set(each.sha256, each);
  const known = new Set([...whole.values()].flatMap(({ sha1, sha256 }) => [sha1, sha256]));
  const rest = new Map<string, Identity>();
  for (const each of identities) {
    const key = each.sha256 ?? each.sha1 ?? '';
    if (!each.der && !known.has(key)) rest.set(key, each);
  }
  return [...whole.values(), ...rest.values()];
}

/** What a bundle's owner should know of the certificates in it, apart from who is let in by them. */
export function certificateFindings(
  certificates: readonly Identity[],
  path: string,
  now: Date,
): LintFinding[] {
  return certificates.flatMap((each): LintFinding[] => {
    const at = { file: path, line: 1 };
    const found: LintFinding[] = [];
    if (each.notAfter && each.notAfter <= now)
      found.push(lintFinding('CertificateExpired', at, { notAfter: each.notAfter }, 'warning'));
    if (each.notBefore && each.notBefore > now)
      found.push(lintFinding('CertificateNotYetValid', at, { notBefore: each.notBefore }));
    if (!isApiGateways(each) && !each.isAuthority)
      found.push(lintFinding('ForeignCertificate', at, { subject: nameText(each.subject) }));
    return found;
  });
}

export const sha1Of = (octets: Uint8Array): string => createHash('sha1').update(octets).digest('hex');
