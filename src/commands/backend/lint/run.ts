import { API_GATEWAY_SUBJECT } from '../../../certificates/certificate.js';
import { reported, type ReportedFinding } from '../../../findings/finding.js';
import { worstFirst } from '../../../findings/severity.js';
import { bundleFinding } from '../../../lint/bundle-finding.js';
import { localFiles, textOf } from '../../../lint/files.js';
import { lintFinding, type LintFinding, type LintSource } from '../../../lint/finding.js';
import { LINT_FORMATS, type LintFormat, recognise } from '../../../lint/recognise.js';
import type { Examination, ListenerReport, LintVerdict } from '../../../lint/verdict.js';
import { readBundle } from '../../../certificates/bundle.js';

export { LINT_FORMATS, type LintFormat };

/** How a program reads a file of certificates, in the words of the `pem-bundle` trust store. */
export type Consumer = 'openssl-ca-bundle' | 'exact-list';

export interface LintReport {
  file: string;
  /** `other`: nothing that is judged; `kind` names it. */
  format: LintFormat | 'other';
  /** What the file is, in words. */
  kind: string;
  /** Of the worst listener. Absent for a file of certificates, which decides nothing by itself. */
  verdict?: LintVerdict;
  listeners: ListenerReport[];
  /** Worst first, then by their place. */
  findings: ReportedFinding[];
}

export interface LintQuestion {
  file: string;
  bytes: Uint8Array;
  /** Absent: told from the content. */
  format?: LintFormat | undefined;
  /** For a PEM file. */
  consumer: Consumer;
}

const KINDS: Readonly<Record<LintFormat, string>> = {
  pem: 'a certificate file',
  nginx: 'an nginx configuration',
  haproxy: 'an HAProxy configuration',
  apache: 'an Apache configuration',
  caddy: 'a Caddy configuration',
};

/** Judges a file of trusted certificates. */
function lintPem(file: string, bytes: Uint8Array, consumer: Consumer, now: Date): LintFinding[] {
  const { certificates, findings } = readBundle(bytes);
  const found = findings
    .filter(({ code }) => code !== 'SharedSubject' || consumer === 'openssl-ca-bundle')
    .map((finding): LintFinding => bundleFinding(finding, file));
  for (const { certificate, line } of certificates) {
    const { subject, notAfter, notBefore } = certificate;
    const at = { file, line };
    if (notAfter <= now) found.push(lintFinding('CertificateExpired', at, { notAfter }, 'warning'));
    if (notBefore > now) found.push(lintFinding('CertificateNotYetValid', at, { notBefore }));
    if (subject !== API_GATEWAY_SUBJECT) found.push(lintFinding('ForeignCertificate', at, { subject }));
  }
  if (certificates.length === 0) found.push(lintFinding('EmptyBundle', { file, line: 1 }, {}));
  return found;
}

/** Only the interpreter that is needed is loaded. */
async function examine(
  format: Exclude<LintFormat, 'pem'>,
  source: LintSource,
  now: Date,
): Promise<Examination> {
  const files = localFiles();
  switch (format) {
    case 'nginx':
      return (await import('../../../lint/nginx/judge.js')).examineNginx(source, files, now);
    case 'haproxy':
      return (await import('../../../lint/haproxy/judge.js')).examineHaproxy(source, files, now);
    case 'apache':
      return (await import('../../../lint/apache/judge.js')).examineApache(source, files, now);
    case 'caddy':
      return (await import('../../../lint/caddy/judge.js')).examineCaddy(source, files, now);
  }
}

/** The same place can be reached twice, by two servers that share a file. */
function distinct(findings: readonly LintFinding[]): LintFinding[] {
  return [...new Map(findings.map((each) => [JSON.stringify(each), each])).values()];
}

const byPlace = ({ where: a }: LintFinding, { where: b }: LintFinding): number =>
  (a.file ?? '').localeCompare(b.file ?? '') || (a.line ?? 0) - (b.line ?? 0);

const sorted = (findings: readonly LintFinding[]): ReportedFinding[] =>
  distinct(findings)
    .sort((a, b) => worstFirst(a, b) || byPlace(a, b))
    .map((each) => reported(each));

/**
 * Walks callers through a server's configuration and everything that it names, and says of each listener who is let
 * in; or judges a file of certificates. What cannot be judged is named for what it is, and is never called fine.
 */
export async function lintBackend(question: LintQuestion, now: () => Date): Promise<LintReport> {
  const { file, bytes, consumer } = question;
  const recognised = question.format === undefined ? recognise(file, bytes) : { format: question.format };
  if ('other' in recognised) {
    const subject = `this file is ${recognised.other}`;
    const findings = sorted([lintFinding('CannotTell', { file, line: 1 }, { subject })]);
    return { file, format: 'other', kind: recognised.other, verdict: 'cannotTell', listeners: [], findings };
  }
  const { format } = recognised;
  const kind = KINDS[format];
  if (format === 'pem') {
    return { file, format, kind, listeners: [], findings: sorted(lintPem(file, bytes, consumer, now())) };
  }
  const { judge } = await import('../../../lint/verdict.js');
  const examination = await examine(format, { file, text: textOf(bytes) }, now());
  const { verdict, listeners, findings } = judge(examination, format);
  return { file, format, kind, verdict, listeners, findings: sorted(findings) };
}
