import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { API_GATEWAY_SUBJECT } from '../core/certificate.js';
import { AppError } from '../core/errors.js';
import { lintApache } from '../core/lint/apache-rules.js';
import {
  LINT_CODES,
  type LintFinding,
  type LintReference,
  type LintResult,
  type LintSource,
  type ReadIncluded,
} from '../core/lint/finding.js';
import { lintHaproxy, lintHaproxyPins } from '../core/lint/haproxy-rules.js';
import { lintNginx } from '../core/lint/nginx-rules.js';
import { readPemText } from '../core/pem.js';
import { WORST_FIRST } from '../core/severity.js';
import { readBundle, type BundleFinding } from '../x509/bundle.js';
import { trustedCertificate } from '../x509/certificate.js';

export const LINT_FORMATS = ['pem', 'nginx', 'haproxy', 'apache'] as const;

export type LintFormat = (typeof LINT_FORMATS)[number];

/** How a program reads a file of certificates, in the words of the `pem-bundle` trust store. */
export type Consumer = 'openssl-ca-bundle' | 'exact-list';

export interface LintReport {
  file: string;
  format: LintFormat;
  /** Worst first, then by their place. */
  findings: LintFinding[];
}

export interface LintQuestion {
  file: string;
  bytes: Uint8Array;
  /** Absent: told from the content. */
  format?: LintFormat | undefined;
  /** For a PEM file. */
  consumer: Consumer;
}

const MOST_BYTES = 16 * 1024 * 1024;
const MOST_FILES = 1_000;

/** Encodings of PEM that no configuration has. */
const TEXT_KINDS = new Set(['JsonText', 'Utf16Text']);

/** Tells a format by words that only it has. */
function formatOf(bytes: Uint8Array): LintFormat | undefined {
  if (bytes[0] === 0x30 || readPemText(bytes).findings.some(({ code }) => TEXT_KINDS.has(code))) return 'pem';
  const text = Buffer.from(bytes).toString('latin1');
  if (/^[ \t]*(?:global|defaults|frontend|listen|backend)\b[^;{<]*$/m.test(text)) return 'haproxy';
  if (/^[ \t]*(?:<\w+|SSL\w+\s|Require\s|LoadModule\s)/m.test(text)) return 'apache';
  if (/^[ \t]*(?:server|http|events|map|location)\b[^\n]*\{|^[ \t]*ssl_\w+\s[^\n]*;/m.test(text))
    return 'nginx';
  return text.trim() === '' || text.includes('-----BEGIN ') ? 'pem' : undefined;
}

/** Paths in a configuration start at its own folder, where they are not absolute. */
const located = (path: string, from: string): string => (isAbsolute(path) ? path : join(dirname(from), path));

function readText(path: string): string | undefined {
  try {
    const file = statSync(path);
    return file.isFile() && file.size <= MOST_BYTES ? readFileSync(path, 'latin1') : undefined;
  } catch {
    return undefined;
  }
}

/** The files that a path with `*` and `?` in its last part means. */
function expand(path: string): string[] {
  const name = basename(path);
  if (!/[*?[]/.test(name)) return [path];
  const pattern = new RegExp(
    `^${name
      .replace(/[.+^${}()|\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')}$`,
  );
  try {
    return readdirSync(dirname(path))
      .filter((entry) => pattern.test(entry) && !entry.startsWith('.'))
      .sort()
      .map((entry) => join(dirname(path), entry));
  } catch {
    return [];
  }
}

/** Reads what configurations include, from the folder of the first of them, up to a number of files. */
function includedReader(top: string): ReadIncluded {
  let left = MOST_FILES;
  return (pattern) => {
    const sources = expand(located(pattern, top)).flatMap((file): LintSource[] => {
      const text = left-- > 0 ? readText(file) : undefined;
      return text === undefined ? [] : [{ file, text }];
    });
    return sources.length === 0 ? undefined : sources;
  };
}

function bundleFinding(finding: BundleFinding, file: string): LintFinding {
  const at = { file, line: finding.line };
  switch (finding.code) {
    case 'SharedSubject':
      return {
        code: 'SharedSubject',
        ...at,
        subject: `${finding.fingerprintsSha256.length} × ${finding.subject}`,
      };
    case 'Duplicate':
      return { code: 'DuplicateCertificate', ...at, subject: `line ${finding.firstLine}` };
    case 'NotACertificate':
      return { code: 'NotACertificate', ...at, subject: finding.label };
    case 'Broken':
      return { code: 'BrokenPem', ...at, subject: finding.problem };
    case 'GluedPem':
    case 'JsonText':
    case 'LineBreaksLost':
    case 'PrivateKey':
    case 'Utf16Text':
      return { code: finding.code, ...at, subject: '' };
  }
}

/** Judges a file of trusted certificates. */
function lintPem({ file, text }: LintSource, consumer: Consumer, now: Date): LintFinding[] {
  const { certificates, findings } = readBundle(Buffer.from(text, 'latin1'));
  const found = findings
    .filter(({ code }) => code !== 'SharedSubject' || consumer === 'openssl-ca-bundle')
    .map((finding) => bundleFinding(finding, file));
  for (const { certificate, line } of certificates) {
    const { subject, notAfter, notBefore } = certificate;
    const at = { file, line };
    if (notAfter <= now) found.push({ code: 'CertificateExpired', ...at, subject: notAfter.toISOString() });
    if (notBefore > now)
      found.push({ code: 'CertificateNotYetValid', ...at, subject: notBefore.toISOString() });
    if (subject !== API_GATEWAY_SUBJECT) found.push({ code: 'ForeignCertificate', ...at, subject });
  }
  if (certificates.length === 0) found.push({ code: 'EmptyBundle', file, line: 1, subject: '' });
  return found;
}

/** A bundle that is a server's CA file: the trap is there as soon as one certificate of API Gateway is. */
function lintCaBundle(source: LintSource, reference: LintReference, now: Date): LintFinding[] {
  const found = lintPem(source, 'openssl-ca-bundle', now).filter(({ code }) => code !== 'ForeignCertificate');
  const { certificates } = readBundle(Buffer.from(source.text, 'latin1'));
  const ours = certificates.filter(({ certificate }) => certificate.subject === API_GATEWAY_SUBJECT);
  const { file, line, path } = reference;
  if (ours.length === 1) found.push({ code: 'CaBundleTrap', file, line, subject: path });
  return found;
}

/** A file whose content Apache compares with the certificate, octet for octet. */
function lintApachePin({ file, text }: LintSource): LintFinding[] {
  if (text === '') return [{ code: 'EmptyPinAdmits', file, line: 1, subject: file }];
  try {
    if (trustedCertificate(text).pem === text) return [];
  } catch {
    // Not even a certificate: it never equals one.
  }
  return [{ code: 'PinNotExact', file, line: 1, subject: file }];
}

function lintReference(reference: LintReference, top: string, now: Date): LintFinding[] {
  const { path, file, line, use } = reference;
  const found = located(path, top);
  const text = readText(found);
  if (text === undefined) return [{ code: 'ReferenceUnreadable', file, line, subject: path }];
  const source = { file: found, text };
  switch (use) {
    case 'ca-bundle':
      return lintCaBundle(source, reference, now);
    case 'apache-pin':
      return lintApachePin(source);
    case 'haproxy-pins':
      return lintHaproxyPins(source);
  }
}

function lintConfiguration(format: Exclude<LintFormat, 'pem'>, source: LintSource): LintResult {
  const included = includedReader(source.file);
  switch (format) {
    case 'nginx':
      return lintNginx(source, included);
    case 'apache':
      return lintApache(source, included);
    case 'haproxy':
      return lintHaproxy(source);
  }
}

/** The same place can be reached twice, by two servers that share a file. */
function distinct(findings: readonly LintFinding[]): LintFinding[] {
  return [...new Map(findings.map((each) => [JSON.stringify(each), each])).values()];
}

function byWeight(a: LintFinding, b: LintFinding): number {
  const weight = ({ code }: LintFinding): number => WORST_FIRST.indexOf(LINT_CODES[code]);
  return weight(a) - weight(b) || a.file.localeCompare(b.file) || a.line - b.line;
}

/**
 * Looks for what lets strangers in, or makes the next rotation an outage, in a file of certificates or a server's
 * configuration with the files that it names.
 * @throws AppError `Usage` when it cannot be told what the file is
 */
export function lintBackend(question: LintQuestion, now: () => Date): LintReport {
  const { file, bytes, consumer } = question;
  const format = question.format ?? formatOf(bytes);
  if (format === undefined) {
    throw new AppError('Usage', `${file} is neither PEM nor a configuration of nginx, HAProxy or Apache`, {
      hint: `say what it is: --format ${LINT_FORMATS.join('|')}`,
      details: { file },
    });
  }
  const source = { file, text: Buffer.from(bytes).toString('latin1') };
  const at = now();
  if (format === 'pem') {
    return { file, format, findings: distinct(lintPem(source, consumer, at)).sort(byWeight) };
  }
  const { findings, references } = lintConfiguration(format, source);
  const all = [...findings, ...references.flatMap((each) => lintReference(each, file, at))];
  return { file, format, findings: distinct(all).sort(byWeight) };
}
