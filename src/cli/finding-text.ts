import { printable } from '../core/printable.js';
import type { BundleFinding } from '../x509/bundle.js';

const NOT_READ = 'nginx, OpenSSL and Node.js do not read it';

const PROBLEMS: Readonly<Record<Extract<BundleFinding, { code: 'BrokenPem' }>['problem'], string>> = {
  marker: 'a PEM block has no BEGIN or no END line',
  base64: 'the base64 of a PEM block is damaged',
  emptyLine: 'a PEM block contains an empty line, so OpenSSL and Node.js refuse it',
  certificate: 'this is not a certificate, or it is damaged',
};

/** A finding about a file as a sentence. */
export function findingText(finding: BundleFinding): string {
  switch (finding.code) {
    case 'SharedSubject':
      return (
        `${finding.fingerprintsSha256.length} certificates share the subject ${printable(finding.subject)} and have no ` +
        'key identifiers: nginx, HAProxy, Apache, Node.js and others on OpenSSL accept only the first of them when ' +
        'this file is their CA bundle. Such a server must compare whole certificates instead'
      );
    case 'GluedPem':
      return (
        `line ${finding.line}: BEGIN CERTIFICATE is not at the start of its line, or END not at the end. nginx refuses such a file, and ` +
        'Node.js silently ignores a certificate: put each BEGIN and END on its own line'
      );
    case 'LineBreaksLost':
      return (
        `line ${finding.line}: this PEM has lost its line breaks: ${NOT_READ}. Write it again with its line breaks: ` +
        'apigw-cert download ID --out-file FILE --force'
      );
    case 'Utf16Text':
      return (
        `the file is UTF-16, as Windows PowerShell's > writes it: ${NOT_READ}. Save it as UTF-8 or ASCII, or write it ` +
        'with apigw-cert download ID --out-file FILE --force'
      );
    case 'JsonText':
      return (
        `the file is JSON, as the aws command line prints it: ${NOT_READ}. Write the certificate alone: ` +
        'apigw-cert download ID --out-file FILE --force'
      );
    case 'DuplicateCertificate':
      return `line ${finding.line}: the same certificate as on line ${finding.firstLine}`;
    case 'PrivateKey':
      return (
        `line ${finding.line}: a private key. It does not belong in a file of trusted certificates: remove it, and ` +
        'replace the key if others could read this file'
      );
    case 'NotACertificate':
      return `line ${finding.line}: a ${printable(finding.label)}, which is not a certificate`;
    case 'BrokenPem':
      return `line ${finding.line}: ${PROBLEMS[finding.problem]}`;
  }
}
