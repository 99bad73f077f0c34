import { shellWord } from '../../platform/shell-word.js';
import { about, entry, type NoArgs, type Where } from '../entry.js';

const NOT_READ = 'nginx, OpenSSL and Node.js do not read it';

/** The command that writes the file again. */
const download = (ids: string, { file }: Where): string =>
  `apigw-cert download ${ids} --out-file ${file === undefined ? 'FILE' : shellWord(file)} --force`;

const BROKEN = {
  marker: 'a PEM block has no BEGIN or no END line',
  base64: 'the base64 of a PEM block is damaged',
  header:
    'a root without a readable name of the certificates that it is trusted for, so nothing can be compared with it',
  authority:
    'a root with a name that cannot be used: it is not the certificate of a root CA, or the name cannot be compared',
  emptyLine: 'a PEM block contains an empty line, so OpenSSL and Node.js refuse it',
  certificate: 'this is not a certificate, or it is damaged',
} as const;

/** About a file of certificates. */
export const FILE_FINDINGS = {
  BrokenPem: entry<{ problem: keyof typeof BROKEN }>({
    severity: 'critical',
    meaning: 'a part of the file is damaged or incomplete',
    message: ({ problem }) => BROKEN[problem],
    remedy: (_, where) => `compare it with a good copy, or write the file again: ${download('ID...', where)}`,
  }),
  DuplicateCertificate: entry<{ firstLine?: number }>({
    severity: 'info',
    meaning: 'the same certificate appears twice',
    message: ({ firstLine }) =>
      firstLine === undefined
        ? 'the same certificate appears twice'
        : `the same certificate as on line ${firstLine}`,
    remedy: 'remove one of them',
  }),
  EmptyBundle: entry<NoArgs>({
    severity: 'critical',
    meaning:
      'there is no certificate in this file, and some servers treat an empty list as "accept any caller"',
    message: () =>
      'there is no certificate in this file, and some servers treat an empty list as "accept any caller"',
    remedy: (_, where) => `add the certificates to accept: ${download('ID...', where)}`,
  }),
  ForeignCertificate: about(
    'warning',
    'API Gateway did not generate this certificate: anyone with its key is also admitted',
    'remove it if it has no known purpose',
  ),
  GluedPem: about(
    'critical',
    'BEGIN CERTIFICATE is not at the start of its line, or END not at the end: nginx refuses such a file, and Node.js silently ignores a certificate',
    'put each BEGIN and END on its own line',
  ),
  JsonText: about(
    'critical',
    'this is JSON, as the aws command line prints it: nginx, OpenSSL and Node.js find no certificate in it',
    (_, where) => `write the certificate alone: ${download('ID', where)}`,
  ),
  LineBreaksLost: about(
    'critical',
    `this PEM has lost its line breaks: ${NOT_READ}`,
    (_, where) => `write it again with its line breaks: ${download('ID', where)}`,
  ),
  NotACertificate: about('warning', 'this is not a certificate', 'move it to a separate file'),
  PrivateKey: about(
    'critical',
    'a private key does not belong in a file of trusted certificates',
    'remove it, and replace the key if others could read this file',
  ),
  SharedSubject: about(
    'critical',
    'these certificates share one subject and have no key identifiers: nginx, HAProxy, Apache, Node.js and others on OpenSSL treat the first as the issuer of all and accept only that one, so the others are refused',
    'compare whole certificates instead of a CA bundle: apigw-cert backend config SERVER prints how',
  ),
  Utf16Text: about(
    'critical',
    `this file is UTF-16, as Windows PowerShell's > writes it: ${NOT_READ}`,
    (_, where) => `save it as UTF-8, or write it again: ${download('ID', where)}`,
  ),
};
