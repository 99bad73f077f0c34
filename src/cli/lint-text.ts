import type { ChalkInstance } from 'chalk';
import type { LintReport } from '../app/backend-lint.js';
import { filledIn } from '../core/placeholders.js';
import { printable } from '../core/printable.js';
import { shellWord } from './report/next-step.js';
import { LINT_CODES, type LintCode, type LintFinding } from '../lint/finding.js';
import type { CallerName } from '../lint/identity.js';
import type { ListenerReport, LintVerdict } from '../lint/verdict.js';
import { JAVA_PROSE, javaRemedy } from './java-client-text.js';
import { severityText } from './severity-text.js';

const javaProse = (problem: keyof typeof JAVA_PROSE): { meaning: string; remedy: string } => ({
  meaning: JAVA_PROSE[problem].meaning,
  remedy: javaRemedy(problem, ''),
});

/** What a finding means, and what to do about it. */
export const LINT_PROSE: Readonly<Record<LintCode, { meaning: string; remedy: string }>> = {
  AdmitsExpired: {
    meaning: 'a listed certificate is still accepted after it has expired',
    remedy: 'have TLS check the dates: in HAProxy, only crt-ignore-err 18; in Caddy, mode require_and_verify',
  },
  ApiGatewayUnclear: {
    meaning:
      'API Gateway itself may be refused: it presents no certificate to a server that announces CA names without C=US, L=Seattle, CN=ApiGateway',
    remedy: 'check which names the running server announces: apigw-cert backend verify URL',
  },
  BrokenPem: {
    meaning: 'this part of the file is damaged or incomplete',
    remedy:
      'compare it with a good copy, or write the file again: apigw-cert download ID... --out-file FILE --force',
  },
  CaBundleTrap: {
    meaning:
      'this CA bundle works with one API Gateway certificate, but OpenSSL accepts only the first of two: the next rotation causes an outage',
    remedy: 'compare whole certificates instead: apigw-cert backend config SERVER prints how',
  },
  CaNamesTooLarge: javaProse('CaNamesTooLarge'),
  CannotTell: {
    meaning: 'the configuration alone does not show who is admitted',
    remedy: 'test the running server: apigw-cert backend verify URL --expect enforced',
  },
  CertificateExpired: {
    meaning:
      'this certificate has expired; some servers still accept it, such as Java’s default trust manager',
    remedy: 'remove it: apigw-cert backend remove',
  },
  CertificateNotYetValid: {
    meaning: 'this certificate is not valid yet',
    remedy: 'check the clock of this machine',
  },
  CertificateWithheld: javaProse('CertificateWithheld'),
  CheckLeftToUpstream: {
    meaning:
      'every caller is forwarded, and the application receives the result of the certificate check: it must evaluate it, and no other caller may reach it',
    remedy: 'refuse here, before anything is forwarded: apigw-cert backend config SERVER prints how',
  },
  DuplicateCertificate: {
    meaning: 'the same certificate appears twice',
    remedy: 'remove one of them',
  },
  EmptyBundle: {
    meaning:
      'there is no certificate in this file, and some servers treat an empty list as "accept any caller"',
    remedy: 'add the certificates to accept: apigw-cert download ID... --out-file FILE --force',
  },
  FirstOfFile: {
    meaning:
      'Caddy before 2.8 loads only the first certificate of a trusted_ca_cert_file, so the others are refused',
    remedy: 'use one trusted_ca_cert line per certificate: apigw-cert backend config caddy prints how',
  },
  ForeignCertificate: {
    meaning: 'API Gateway did not generate this certificate: anyone with its key is also admitted',
    remedy: 'remove it if it has no known purpose',
  },
  GluedPem: {
    meaning:
      'BEGIN CERTIFICATE is not at the start of its line, or END not at the end: nginx refuses such a file, and Node.js silently ignores a certificate',
    remedy: 'put each BEGIN and END on its own line',
  },
  JsonText: {
    meaning:
      'this is JSON, as the aws command line prints it: nginx, OpenSSL and Node.js find no certificate in it',
    remedy: 'write the certificate alone: apigw-cert download ID --out-file FILE --force',
  },
  LateRequest: javaProse('LateRequest'),
  LateRequestTls12: javaProse('LateRequestTls12'),
  LineBreaksLost: {
    meaning: 'this PEM has lost its line breaks: nginx, OpenSSL and Node.js do not read it',
    remedy: 'write it again with its line breaks: apigw-cert download ID --out-file FILE --force',
  },
  NobodyAdmitted: {
    meaning: 'no caller is admitted here, not even with a listed certificate',
    remedy:
      'if API Gateway calls this listener, list its certificate: apigw-cert backend config SERVER prints how',
  },
  NotACertificate: {
    meaning: 'this is not a certificate',
    remedy: 'move it to a separate file',
  },
  Open: {
    meaning: 'an unlisted caller is admitted',
    remedy:
      'refuse every caller whose certificate is not listed: apigw-cert backend config SERVER prints how',
  },
  PinNotExact: {
    meaning: 'this never equals the value that the server compares it with, so it admits no caller',
    remedy:
      'HAProxy: 64 lower-case hex digits, the SHA-256 of the DER. Apache: exactly what openssl x509 -in cert.pem prints',
  },
  PrivateKey: {
    meaning: 'a private key does not belong in a file of trusted certificates',
    remedy: 'remove it, and replace the key if others could read this file',
  },
  PublicByDesign: {
    meaning: 'any caller may read this: an ACME client proves control of the domain there (RFC 8555)',
    remedy: 'nothing to do, as long as it contains only challenges',
  },
  ReferenceUnreadable: {
    meaning: 'this file could not be read',
    remedy: 'run this command on the machine with the file, as a user who may read it',
  },
  Sha1Pin: {
    meaning: 'certificates are identified by their SHA-1, which is open to collisions',
    remedy: 'compare whole certificates, or their SHA-256: apigw-cert backend config SERVER prints how',
  },
  SharedSubject: {
    meaning:
      'these certificates share one subject: OpenSSL treats the first as the issuer of all and accepts only that one, so the others are refused',
    remedy: 'compare whole certificates instead of a CA bundle: apigw-cert backend config SERVER prints how',
  },
  Utf16Text: {
    meaning:
      "this file is UTF-16, as Windows PowerShell's > writes it: nginx, OpenSSL and Node.js do not read it",
    remedy: 'save it as UTF-8, or write it again: apigw-cert download ID --out-file FILE --force',
  },
};

export function lintMessage({ code, subject }: LintFinding): string {
  const { meaning } = LINT_PROSE[code];
  return subject === '' ? meaning : `${printable(subject)}: ${meaning}`;
}

/** What to do about a finding, at this kind of server. */
export function lintRemedy(code: LintCode, format: LintReport['format']): string {
  return code === 'CertificateWithheld' || code === 'CaNamesTooLarge'
    ? javaRemedy(code, format)
    : LINT_PROSE[code].remedy;
}

/** A finding with its place as compilers write it, and its remedy below. */
export function lintFindingText(
  finding: LintFinding,
  format: LintReport['format'],
  style: ChalkInstance,
): string {
  const { code, file, line } = finding;
  const place = printable(`${file}:${line}`);
  return `${place}: ${severityText(LINT_CODES[code], style)}: ${lintMessage(finding)} [${code}]\n${style.dim('  fix:')} ${filledIn(lintRemedy(code, format), { FILE: printable(shellWord(file)) })}`;
}

const CALLER_TEXT: Readonly<Record<CallerName, string>> = {
  none: 'a caller without a certificate',
  listed: 'a listed certificate',
  impostor: 'a certificate with the same name and another key',
  stranger: 'a certificate that is not listed',
  expired: 'a listed certificate that has expired',
};

const VERDICT_TEXT: Readonly<Record<LintVerdict, string>> = {
  enforces: 'only listed certificates that have not expired are admitted',
  open: 'an unlisted caller is admitted',
  trap: 'the next certificate is refused',
  cannotTell: 'the configuration alone does not show who is admitted',
};

const VERDICT_COLOURS = { enforces: 'green', open: 'red', trap: 'red', cannotTell: 'yellow' } as const;

/** The command that asks the running server; `HOST` where the configuration names none. */
export function verifyCommand({ host = 'HOST', port = 443 }: Pick<ListenerReport, 'host' | 'port'>): string {
  return `apigw-cert backend verify https://${host}${port === 443 ? '' : `:${port}`}/ --expect enforced`;
}

function listenerText(report: ListenerReport, style: ChalkInstance): string {
  const { listener, file, line, verdict, reason, witness, isTls, apiGateway = [] } = report;
  const word = style[VERDICT_COLOURS[verdict]](verdict);
  const head = `${printable(`${file}:${line}`)}: ${printable(listener)}${isTls ? '' : ' (without TLS)'}: ${word}: `;
  if (verdict === 'open' && witness) {
    const steps = witness.steps.map(
      ({ file: from, line: at, text }) => `    ${printable(`${from}:${at}: ${text}`)}`,
    );
    return [
      `${head}${CALLER_TEXT[witness.caller]} is admitted by ${printable(witness.request)}`,
      ...steps,
    ].join('\n');
  }
  const refused = apiGateway.find(({ result }) => result === 'refused');
  const itself =
    refused === undefined
      ? ''
      : `; but API Gateway itself is refused${refused.host === undefined ? '' : ` at ${printable(refused.host)}`}: ${printable(refused.request)}`;
  const because = reason === undefined ? VERDICT_TEXT[verdict] : printable(reason);
  const next = verdict === 'cannotTell' ? [`  ${style.dim('next:')} ${verifyCommand(report)}`] : [];
  return [`${head}${because}${itself}`, ...next].join('\n');
}

/** Listeners with what decided, then everything else that was found, then one word for all. */
export function lintReportText(report: LintReport, counts: string, style: ChalkInstance): string {
  const { listeners, findings, format, kind, verdict } = report;
  // What a listener's own lines say is not said twice.
  const said = new Set<LintCode>(listeners.length > 0 ? ['Open', 'AdmitsExpired', 'CannotTell'] : []);
  const rest = findings.filter(
    ({ code }) => !said.has(code) || (code === 'CannotTell' && listeners.length === 0),
  );
  const name = format === 'other' ? kind : format;
  const isRefused = listeners.some(({ apiGateway = [] }) =>
    apiGateway.some(({ result }) => result === 'refused'),
  );
  const itself = isRefused ? '; but API Gateway itself is refused' : '';
  const last = verdict === undefined ? counts : `${verdict}: ${VERDICT_TEXT[verdict]}${itself}`;
  return [
    ...listeners.map((each) => listenerText(each, style)),
    ...rest.map((finding) => lintFindingText(finding, format, style)),
    `${printable(name)}: ${last}`,
  ].join('\n');
}
