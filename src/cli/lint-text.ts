import type { ChalkInstance } from 'chalk';
import { LINT_CODES, type LintCode, type LintFinding } from '../core/lint/finding.js';
import { printable } from '../core/printable.js';
import { severityText } from './severity-text.js';

/** What a finding means, and what to do about it. */
export const LINT_PROSE: Readonly<Record<LintCode, { meaning: string; remedy: string }>> = {
  AdmitsExpired: {
    meaning: 'certificates that have expired are let in',
    remedy: 'ignore error 18 alone: crt-ignore-err 18',
  },
  BrokenPem: {
    meaning: 'what is here is damaged, or not whole',
    remedy: 'compare with a good copy, or write the file anew: apigw-cert download ID... --out FILE',
  },
  CaBundleTrap: {
    meaning:
      'this CA bundle works with one certificate of API Gateway, and accepts only the first as soon as there are two: the next rotation is an outage',
    remedy: 'compare whole certificates instead: apigw-cert backend config SERVER prints how',
  },
  CertificateExpired: {
    meaning: 'this certificate has expired; Java’s default trust manager, for one, accepts it all the same',
    remedy: 'remove it: apigw-cert backend remove',
  },
  CertificateNotYetValid: {
    meaning: 'this certificate is not valid yet',
    remedy: 'check the clock of this machine',
  },
  CheckLeftToUpstream: {
    meaning:
      'the server lets everybody in and tells the application behind it what it saw of the certificate: that one has to check it, and nobody else may reach it',
    remedy: 'refuse here, before anything is passed on: apigw-cert backend config SERVER prints how',
  },
  DefaultAdmits: {
    meaning: 'this lets everybody in, whatever certificate they present',
    remedy: 'take it out: what is not in the list must be refused',
  },
  DuplicateCertificate: {
    meaning: 'the same certificate is there twice',
    remedy: 'remove one of them',
  },
  EmptyBundle: {
    meaning: 'there is no certificate in it, and some programs take an empty list for "everybody"',
    remedy: 'add the certificates that are to be accepted: apigw-cert download ID... --out FILE',
  },
  EmptyKeyAdmits: {
    meaning: 'an empty key matches every client that presents no certificate',
    remedy: 'remove this line',
  },
  EmptyPinAdmits: {
    meaning: 'an empty pin equals "no certificate": as soon as the file is empty, everybody is let in',
    remedy: 'put Require expr "-n %{SSL_CLIENT_CERT}" beside it, both in one <RequireAll>',
  },
  ForeignCertificate: {
    meaning:
      'this certificate is not one that API Gateway generates: whoever holds its key is let in as well',
    remedy: 'remove it if nobody knows what it is for',
  },
  GluedPem: {
    meaning:
      'a BEGIN CERTIFICATE does not begin its line, or an END does not end it: nginx refuses such a file, Node.js loses a certificate without a word',
    remedy: 'put each BEGIN and END on a line of its own',
  },
  GuardAdmits: {
    meaning: 'this condition holds for any certificate, and outside of <RequireAll> one that holds is enough',
    remedy: 'put it into one <RequireAll> with the comparison that it guards',
  },
  JsonText: {
    meaning:
      'this is JSON, as the aws command line prints it: nginx, OpenSSL and Node.js find no certificate in it',
    remedy: 'write the certificate alone: apigw-cert download ID --out FILE',
  },
  LineBreaksLost: {
    meaning: 'this PEM has lost its line breaks: nginx, OpenSSL and Node.js do not read it',
    remedy: 'write it again with its line breaks: apigw-cert download ID --out FILE',
  },
  NotACertificate: {
    meaning: 'this is no certificate',
    remedy: 'move it to a file of its own',
  },
  NothingAsked: {
    meaning: 'nothing in this file asks a client for a certificate',
    remedy: 'if nothing else does, anybody may call this server: apigw-cert backend config SERVER prints how',
  },
  OptionalUnchecked: {
    meaning: 'a certificate is asked for, and its absence changes nothing: everybody is let in',
    remedy: 'refuse callers without one: apigw-cert backend config SERVER prints how',
  },
  PinNotExact: {
    meaning: 'this never equals what the server compares it with, so it lets nobody in',
    remedy:
      'HAProxy: 64 lower-case hex digits, the SHA-256 of the DER. Apache: exactly what openssl x509 -in cert.pem prints',
  },
  PrivateKey: {
    meaning: 'a private key has no place in a file of trusted certificates',
    remedy: 'move it away, and replace it if others could read this file',
  },
  ReferenceUnreadable: {
    meaning: 'this file could not be read, and so was not judged',
    remedy: 'run this where the file is, as a user who may read it',
  },
  Sha1Pin: {
    meaning: 'certificates are told apart by their SHA-1, for which collisions can be made',
    remedy: 'compare whole certificates, or their SHA-256: apigw-cert backend config SERVER prints how',
  },
  SharedSubject: {
    meaning:
      'these certificates share one subject: OpenSSL takes the first for the issuer of all and accepts it alone, so the others are refused',
    remedy: 'compare whole certificates instead of a CA bundle: apigw-cert backend config SERVER prints how',
  },
  UnpinnedAnyIssuer: {
    meaning:
      'any certificate is let in that anybody made for themselves: nothing compares it with those that are trusted',
    remedy: 'compare whole certificates: apigw-cert backend config SERVER prints how',
  },
  Utf16Text: {
    meaning:
      "this file is UTF-16, as Windows PowerShell's > writes it: nginx, OpenSSL and Node.js do not read it",
    remedy: 'save it as UTF-8, or write it again: apigw-cert download ID --out FILE',
  },
  WeakPin: {
    meaning:
      'names and serial numbers decide, which anybody can copy into a certificate of their own; all of API Gateway’s have the same name',
    remedy: 'compare whole certificates, or their SHA-256: apigw-cert backend config SERVER prints how',
  },
};

export function lintMessage({ code, subject }: LintFinding): string {
  const { meaning } = LINT_PROSE[code];
  return subject === '' ? meaning : `${printable(subject)}: ${meaning}`;
}

/** A finding with its place as compilers write it, and its remedy below. */
export function lintFindingText(finding: LintFinding, style: ChalkInstance): string {
  const { code, file, line } = finding;
  const place = printable(`${file}:${line}`);
  return `${place}: ${severityText(LINT_CODES[code], style)}: ${lintMessage(finding)} [${code}]\n${style.dim('  fix:')} ${LINT_PROSE[code].remedy}`;
}
