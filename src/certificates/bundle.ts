/**
 * Files of certificates, as people and servers really have them: PEM among other text, glued blocks, DER, a private
 * key that should not be there. What is odd about a file comes back as findings, worded by whoever prints them.
 */
import { nameIn, nameText } from './caller-name.js';
import type { TrustedCertificate } from './certificate.js';
import { AppError } from '../platform/errors.js';
import { AUTHORITY_LABEL, readPemText, type PemAuthority, type PemFinding } from './pem.js';
import { trustedCertificate } from './parse.js';
import { trustedAuthority, type TrustedAuthority } from './trust-entry.js';
import { firstSequence, hasKeyIdentifier } from './der.js';

/** A certificate and the line (from 1) of its BEGIN; 1 for DER. */
export interface BundledCertificate {
  certificate: TrustedCertificate;
  line: number;
}

/** A root with the name of the certificates that it is trusted for, and the line (from 1) of its BEGIN. */
export interface BundledAuthority {
  authority: TrustedAuthority;
  line: number;
}

/** Something about a file that its owner should know; `line` counts from 1. */
export type BundleFinding =
  | PemFinding
  /**
   * Different certificates of one subject without key identifiers: OpenSSL takes the first of them for the issuer of
   * all, so a server that has them in its CA bundle accepts only the first.
   */
  | { code: 'SharedSubject'; line: number; subject: string; fingerprintsSha256: readonly string[] }
  /** The same certificate as the one at `firstLine`. */
  | { code: 'DuplicateCertificate'; line: number; firstLine: number; fingerprintSha256: string }
  /** Octets that are no certificate, or have something behind it. */
  | { code: 'BrokenPem'; line: number; problem: 'certificate' }
  /** A root or a name that nothing could be compared with. */
  | { code: 'BrokenPem'; line: number; problem: 'authority' };

/** What a file holds: each certificate once, in the file's order, and what is odd about it. */
export interface Bundle {
  certificates: readonly BundledCertificate[];
  /** Roots, each for the certificates of one name; in the file's order, as often as they are there. */
  authorities: readonly BundledAuthority[];
  findings: readonly BundleFinding[];
}

interface Entry extends BundledCertificate {
  /** Octets of its DER. */
  size: number;
  hasKeyIdentifier: boolean;
}

/** Reads the certificate that `octets` begin with, or says that they are none. */
function entryOf(octets: Uint8Array, line: number): Entry | BundleFinding {
  try {
    const der = firstSequence(octets);
    return {
      certificate: trustedCertificate(der),
      line,
      size: der.length,
      hasKeyIdentifier: hasKeyIdentifier(der),
    };
  } catch (error) {
    if (error instanceof AppError || error instanceof RangeError) {
      return { code: 'BrokenPem', line, problem: 'certificate' };
    }
    throw error;
  }
}

/** A text file never begins with these octets, and a certificate always does, being longer than 127 octets. */
function isDer(bytes: Uint8Array): boolean {
  return bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80;
}

function derEntries(bytes: Uint8Array): (Entry | BundleFinding)[] {
  const entry = entryOf(bytes, 1);
  if (!('certificate' in entry) || entry.size === bytes.length) return [entry];
  return [entry, { code: 'BrokenPem', line: 1, problem: 'certificate' }];
}

/** Reads the root and the name of a block, or says that nothing could be compared with them. */
function bundledAuthority(block: PemAuthority): BundledAuthority | BundleFinding {
  const { line, octets } = block;
  const broken: BundleFinding = { code: 'BrokenPem', line, problem: 'authority' };
  try {
    const name = nameIn(block.headers);
    const der = firstSequence(octets);
    return der.length === octets.length ? { authority: trustedAuthority(der, name), line } : broken;
  } catch (error) {
    if (error instanceof AppError || error instanceof RangeError) return broken;
    throw error;
  }
}

function pemEntries(bytes: Uint8Array): (Entry | BundledAuthority | BundleFinding)[] {
  const { certificates, authorities, findings } = readPemText(bytes);
  const entries = certificates.flatMap(({ label, line, octets }): (Entry | BundleFinding)[] => {
    const entry = entryOf(octets, line);
    // A TRUSTED CERTIFICATE goes on with OpenSSL's own settings; Node.js refuses anything else behind a certificate.
    const isWhole = !('certificate' in entry) || entry.size === octets.length || label.startsWith('TRUSTED');
    return isWhole ? [entry] : [entry, { code: 'BrokenPem', line, problem: 'certificate' }];
  });
  return [...findings, ...entries, ...authorities.map(bundledAuthority)];
}

function sharedSubjects(entries: readonly Entry[]): BundleFinding[] {
  const bySubject = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (entry.hasKeyIdentifier) continue;
    const { subject } = entry.certificate;
    const sharing = bySubject.get(subject);
    if (sharing) sharing.push(entry);
    else bySubject.set(subject, [entry]);
  }
  return [...bySubject].flatMap(([subject, [first, ...others]]) =>
    first && others.length > 0
      ? {
          code: 'SharedSubject',
          line: first.line,
          subject,
          fingerprintsSha256: [first, ...others].map(({ certificate }) => certificate.fingerprintSha256),
        }
      : [],
  );
}

/**
 * Reads a file of certificates: PEM as {@link readPemText} does, or DER (one certificate). It does not throw because of what the bytes are: a file that cannot be read at all is one without
 * certificates.
 */
export function readBundle(bytes: Uint8Array): Bundle {
  const first = new Map<string, Entry>();
  const findings: BundleFinding[] = [];
  const authorities: BundledAuthority[] = [];
  for (const entry of isDer(bytes) ? derEntries(bytes) : pemEntries(bytes)) {
    if ('authority' in entry) {
      authorities.push(entry);
      continue;
    }
    if (!('certificate' in entry)) {
      findings.push(entry);
      continue;
    }
    const { fingerprintSha256 } = entry.certificate;
    const same = first.get(fingerprintSha256);
    if (same)
      findings.push({
        code: 'DuplicateCertificate',
        line: entry.line,
        firstLine: same.line,
        fingerprintSha256,
      });
    else first.set(fingerprintSha256, entry);
  }
  const entries = [...first.values()];
  findings.push(...sharedSubjects(entries));
  findings.sort((a, b) => a.line - b.line);
  return {
    certificates: entries.map(({ certificate, line }) => ({ certificate, line })),
    authorities,
    findings,
  };
}

/** Text from outside on one line of comment: no control characters, nothing that reads as a PEM marker. */
function inComment(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?').replace(/-{5,}/g, '?');
}

/**
 * A bundle's text: for each certificate a comment line `# <id> <subject> notAfter <ISO 8601>` (no id where none is
 * known) and its PEM, with LF line ends and one newline at the end. Empty for no certificates.
 */
export function writeBundle(certificates: readonly TrustedCertificate[]): string {
  return certificates
    .map(({ clientCertificateId, subject, notAfter, pem }) => {
      const words = [clientCertificateId, subject, 'notAfter', notAfter.toISOString()];
      return `# ${inComment(words.filter((word) => word !== undefined).join(' '))}\n${pem}`;
    })
    .join('');
}

/** The text of a root with a name, as {@link readBundle} reads it: a comment line and a block of its own label. */
export function writeAuthority({ ca, ...name }: TrustedAuthority): string {
  const comment = inComment(`${ca.subject}, only ${nameText(name)} notAfter ${ca.notAfter.toISOString()}`);
  return [
    `# ${comment}`,
    `-----BEGIN ${AUTHORITY_LABEL}-----`,
    ...(name.subject === undefined ? [] : [`Subject: ${name.subject}`]),
    ...(name.san === undefined ? [] : [`SAN: ${name.san}`]),
    '',
    ...ca.pem.trimEnd().split('\n').slice(1, -1),
    `-----END ${AUTHORITY_LABEL}-----`,
    '',
  ].join('\n');
}
